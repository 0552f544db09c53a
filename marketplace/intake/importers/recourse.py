"""Our own formats: JSON lines of the ingestion body, or a flat CSV with one row an order."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError

from marketplace.intake.batches import BadRow
from marketplace.kernel.parsers import loads

from .base import (
    FieldFault,
    Options,
    Read,
    amount,
    dialect_of,
    judged,
    moment,
    quantity_of,
    read_rows,
    share_codes,
    text,
    whole,
)
from .base import units as make_units
from .files import CannotRead, Source, csv_rows, text_fault

REQUIRED = ("external_no", "buyer", "sku", "title", "total", "created_at")
MAX_LINE = 2 << 20  # as the API's largest body
# Pointer -> column; columns that carry the body's own name are not listed.
COLUMNS = {
    "/external_no": "external_no",
    "/seller": "seller",
    "/buyer/external_id": "buyer",
    "/buyer/region": "region",
    "/buyer/email": "email",
    "/buyer/phone": "phone",
    "/buyer/ip": "ip",
    "/product/sku": "sku",
    "/product/title": "title",
    "/product/goods_type": "goods_type",
    "/product/page_text": "page_text",
    "/product/terms/window_days": "window_days",
    "/product/terms/no_reason_days": "no_reason_days",
    "/product/terms/conditions/0/code": "conditions",
    "/product/terms/conditions/0/value": "conditions",
    "/product/terms/conditions/1/code": "conditions",
    "/quantity": "quantity",
    "/total/amount": "total",
    "/total/currency": "currency",
    "/fx_rate": "fx_rate",
    "/payments/0/channel": "channel",
    "/payments/0/channel_no": "channel_no",
    "/payments/0/amount/amount": "total",
    "/payments/0/captured_at": "paid_at",
    "/created_at": "created_at",
    "/paid_at": "paid_at",
    "/completed_at": "completed_at",
    "/units/0/secret": "codes",
    "/units/0/events/0/at": "delivered_at",
}


def read(source: Source, options: Options) -> Iterator[Read]:
    """JSON lines where the file begins with an object, else CSV. Raises CannotRead."""
    beginning = source.text.readline(MAX_LINE)
    source.text.seek(0)
    if dialect_of(beginning) == "csv":
        yield from read_rows(csv_rows(source.text, REQUIRED), _body, COLUMNS, options)
    else:
        yield from _json_lines(source, options)


def _json_lines(source: Source, options: Options) -> Iterator[Read]:
    number = 0
    while line := source.text.readline(MAX_LINE):
        number += 1
        if len(line) >= MAX_LINE and not line.endswith("\n"):
            raise CannotRead(
                _("Line %(line)s is longer than 2 MiB. Write one order a line.") % {"line": number}
            )
        line = line.strip()
        if not line:
            continue
        if fault := text_fault(line):
            yield BadRow(number, "", "", fault, line.encode(errors="replace").decode())
            continue
        try:
            body = loads(line.encode())
        except ParseError as error:
            yield BadRow(number, "", "", str(error.detail), line)
            continue
        if isinstance(body, dict):
            body.setdefault("seller", options.seller)
        yield judged(number, body, line, options)


def _body(fields: dict[str, str], options: Options) -> dict[str, Any]:
    currency = text(fields, "currency") or "CNY"
    total = amount(fields, "total", currency)
    quantity = quantity_of(fields, "quantity") if text(fields, "quantity") else 1
    created_at = moment(fields, "created_at", needed=True)
    paid_at = moment(fields, "paid_at")
    delivered_at = moment(fields, "delivered_at")
    lines = [line.strip() for line in text(fields, "codes").splitlines() if line.strip()]
    codes = share_codes(lines, quantity, "codes")
    return {
        "external_no": fields["external_no"],
        "seller": text(fields, "seller") or options.seller,
        "buyer": {
            "external_id": fields["buyer"],
            "region": text(fields, "region") or None,
            "email": text(fields, "email"),
            "phone": text(fields, "phone"),
            "ip": text(fields, "ip"),
        },
        "product": {
            "sku": fields["sku"],
            "title": fields["title"],
            "goods_type": text(fields, "goods_type") or options.goods_type,
            "page_text": text(fields, "page_text"),
            "terms": _terms(fields),
        },
        "quantity": quantity,
        "total": total,
        "fx_rate": text(fields, "fx_rate") or None,
        "payments": _payments(fields, total, paid_at),
        "created_at": created_at,
        "paid_at": paid_at,
        "completed_at": moment(fields, "completed_at"),
        "units": make_units(codes, delivered_at, "import:delivered", all_delivered=not lines),
    }


def _terms(fields: dict[str, str]) -> dict[str, Any]:
    terms: dict[str, Any] = {}
    for name in ("window_days", "no_reason_days"):
        if text(fields, name):
            terms[name] = whole(fields, name)
    conditions: list[dict[str, Any]] = []
    for part in filter(None, text(fields, "conditions").split(";")):
        code, equals, value = part.strip().partition("=")
        if equals and not value.isdigit():
            raise FieldFault("conditions", part, _("Write e.g. unused_within_hours=24;not_bound_to_account."))
        conditions.append({"code": code, "value": int(value) if equals else None})
    return terms | ({"conditions": conditions} if conditions else {})


def _payments(fields: dict[str, str], total: dict[str, Any], paid_at: Any) -> list[dict[str, Any]]:
    channel, number = text(fields, "channel"), text(fields, "channel_no")
    if not channel and not number:
        return []
    if not channel or not number or paid_at is None:
        missing = "channel" if not channel else "channel_no" if not number else "paid_at"
        raise FieldFault(
            missing, "", _("A payment needs channel, channel_no and paid_at. Fill in all or none.")
        )
    return [{"channel": channel, "channel_no": number, "amount": total, "captured_at": paid_at}]
