"""What the formats share: options, amounts, times, and the road from a row's body through the one validation."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from marketplace.intake.batches import BadRow, GoodRow
from marketplace.intake.bodies import MAX_UNITS, PushedOrder
from marketplace.intake.validation import InvalidBody, checked_order, parsed
from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.money import minor
from marketplace.orders.goods import GoodsType
from marketplace.payments.channels import Channel

from .files import CsvRow, Source, csv_rows

# How payment plug-ins of the shops call themselves -> channel; the first that the name begins with counts.
CHANNEL_NAMES = (
    ("ali", Channel.ALIPAY),
    ("zfb", Channel.ALIPAY),
    ("支付宝", Channel.ALIPAY),
    ("wes", Channel.WECHAT_PAY),
    ("wec", Channel.WECHAT_PAY),
    ("wx", Channel.WECHAT_PAY),
    ("微信", Channel.WECHAT_PAY),
    ("stripe", Channel.STRIPE),
    ("paypal", Channel.CARD),
)


class SkippedRow(NamedTuple):
    """A row left out on purpose, counted under its reason."""

    line: int
    reason: str


Read = GoodRow | BadRow | SkippedRow


@dataclass(frozen=True)
class Options:
    seller: str
    now: datetime
    goods_type: str = GoodsType.CARD_CODE
    goods: Mapping[str, str] = field(default_factory=dict)  # goods id -> name
    pays: Mapping[str, str] = field(default_factory=dict)  # payment method id -> its name there


Reader = Callable[[Source, Options], Iterator[Read]]


class FieldFault(Exception):
    """One column of a row cannot be used."""

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


class Skip(Exception):
    """The row is left out on purpose."""


def read_rows(
    rows: Iterator[CsvRow | BadRow],
    body: Callable[[dict[str, str], Options], dict[str, Any]],
    columns: Mapping[str, str],
    options: Options,
) -> Iterator[Read]:
    """Each row's `body` through the one validation; `columns` names the column behind a pointer."""
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        try:
            made = body(row.fields, options)
        except Skip as skip:
            yield SkippedRow(row.line, str(skip))
        except FieldFault as fault:
            yield BadRow(row.line, fault.column, fault.value[:200], fault.reason, row.raw)
        else:
            yield judged(row.line, made, row.raw, options, columns, row.fields)


def judged(
    line: int,
    body: Any,
    raw: str,
    options: Options,
    columns: Mapping[str, str] | None = None,
    fields: Mapping[str, str] | None = None,
) -> GoodRow | BadRow:
    try:
        return GoodRow(line, checked_order(parsed(PushedOrder, body), now=options.now), raw)
    except InvalidBody as refusal:
        first = refusal.errors[0]
        column = (columns or {}).get(first["pointer"], first["pointer"])
        return BadRow(line, column, (fields or {}).get(column, "")[:200], first["detail"], raw)


def amount(fields: Mapping[str, str], column: str, currency: str = "CNY") -> dict[str, Any]:
    """`{"amount", "currency"}` from a decimal in major units. Raises FieldFault."""
    value = fields[column]
    try:
        number = Decimal(value)
        return {"amount": minor(number, currency), "currency": currency}
    except (ArithmeticError, ValueError, KeyError):
        reason = _("Not an amount in %(currency)s. Write it in major units, e.g. 49.00.") % {
            "currency": currency
        }
        raise FieldFault(column, value, reason) from None


def unknown_status(fields: Mapping[str, str], known: Collection[str]) -> FieldFault:
    value = fields["status"]
    reason = _("%(value)s is not known. One of: %(allowed)s.")
    return FieldFault("status", value, reason % {"value": repr(value)[:80], "allowed": ", ".join(known)})


def whole(fields: Mapping[str, str], column: str) -> int:
    value = fields[column]
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise FieldFault(column, value, _("Not a whole number."))
    return int(value)


def quantity_of(fields: Mapping[str, str], column: str) -> int:
    """Checked before anything is made once for each unit."""
    quantity = whole(fields, column)
    if not 1 <= quantity <= MAX_UNITS:
        reason = _("A quantity is between 1 and %(most)s.") % {"most": MAX_UNITS}
        raise FieldFault(column, fields[column], reason)
    return quantity


def moment(fields: Mapping[str, str], column: str, *, needed: bool = False) -> datetime | None:
    """A time; where it has no offset it is Asia/Shanghai's. Empty and MySQL's zero date are no time."""
    value = fields.get(column, "")
    if value in ("", "NULL", "null", r"\N") or value.startswith("0000-00-00"):
        if needed:
            raise FieldFault(column, value, _("A time is needed here, e.g. 2026-11-20 09:30:00."))
        return None
    try:
        found = datetime.fromisoformat(value.replace("/", "-"))
    except ValueError:
        reason = _("Not a time. Write it like 2026-11-20 09:30:00.")
        raise FieldFault(column, value, reason) from None
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)


def text(fields: Mapping[str, str], column: str) -> str:
    value = fields.get(column, "")
    return "" if value in ("NULL", r"\N") else value


@lru_cache(maxsize=1000)  # a shop has a handful of payment methods
def channel_of(name: str) -> str:
    """bank_transfer where the name says nothing: the machine pays nothing back by it, a person does."""
    lowered = name.strip().lower()
    if lowered in Channel.values:
        return lowered
    return next(
        (channel for start, channel in CHANNEL_NAMES if lowered.startswith(start)), Channel.BANK_TRANSFER
    )


def share_codes(lines: list[str], quantity: int, column: str) -> list[str | None]:
    """Delivered text as one code a unit: a line each, or the same number of lines each; None where too few."""
    if quantity == 1 and lines:
        return ["\n".join(lines)]
    if len(lines) <= quantity:
        return [*lines, *[None] * (quantity - len(lines))]
    each, rest = divmod(len(lines), quantity)
    if rest:
        reason = _(
            "%(lines)s lines cannot be shared among %(quantity)s units. One line, or as many for each."
        )
        raise FieldFault(column, "", reason % {"lines": len(lines), "quantity": quantity})
    return ["\n".join(lines[i * each : (i + 1) * each]) for i in range(quantity)]


def units(
    codes: list[str | None], delivered_at: datetime | None, ref: str, all_delivered: bool
) -> list[dict[str, Any]]:
    """Units with their codes; those with a code (or all) were delivered then."""
    made = []
    for index, code in enumerate(codes, start=1):
        unit: dict[str, Any] = {"ref": str(index), "secret": code}
        if delivered_at is not None and (code is not None or all_delivered):
            unit["events"] = [{"type": "delivered", "at": delivered_at, "ref": ref}]
        made.append(unit)
    return made


def names_file(path: Path, columns: tuple[str, ...]) -> dict[str, str]:
    """id -> the first of `columns` that is filled in, from another exported table. Raises CannotRead."""
    source = Source(path)
    found = {}
    for row in csv_rows(source.text, ("id",)):
        if isinstance(row, CsvRow):
            name = next((row.fields[column] for column in columns if row.fields.get(column)), "")
            found[row.fields["id"]] = name
    source.close()
    return found


def dialect_of(line: str) -> str:
    """ "jsonl" or "csv", by how the file begins."""
    return "jsonl" if line.lstrip("\ufeff \t\r\n").startswith("{") else "csv"
