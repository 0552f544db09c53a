"""Requests that were kept elsewhere, out of a file: good rows are filed, bad ones named, a second run files nothing.

Each row is filed by one operation in a transaction of its own: a run can be killed and started again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from django import forms
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError

from marketplace.identity.models import User
from marketplace.intake.batches import BadRow
from marketplace.intake.importers.bad_rows import bad_file
from marketplace.intake.importers.files import CannotRead, CsvRow, Source, csv_rows, text_fault
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.parsers import loads
from marketplace.orders.models import Order

from .filing_form import DETAIL_NAMES, UNITS_AT_MOST, WholeFilingForm
from .operations.file import Filing
from .operations.file_for_buyer import MAX_CALLER_CHECK, MAX_TICKET
from .operations.import_request import import_order, import_request, try_request

REQUIRED = ("external_no", "reason")
COLUMNS = (
    "shop", *REQUIRED, "units", "description", "remedy", "amount", "ticket", "caller_check", *DETAIL_NAMES,
)  # fmt: skip
MAX_LINE = 64 << 10  # characters of a JSON line


class RowForm(WholeFilingForm):
    ticket = forms.CharField(max_length=MAX_TICKET, required=False)
    caller_check = forms.CharField(max_length=MAX_CALLER_CHECK, required=False)


class Row(NamedTuple):
    line: int
    fields: dict[str, str]
    raw: str


class Read(NamedTuple):
    """A row understood: what `import_request` takes."""

    order: Order
    filing: Filing
    ticket: str
    caller_check: str


class Fault(Exception):
    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


@dataclass
class Summary:
    filed: int = 0  # or would be, where nothing is changed
    known: int = 0
    bad: int = 0


def import_file(
    path: Path,
    *,
    user: User | None,
    dry_run: bool,
    now: datetime,
    progress: Callable[[int, int], None],
) -> Summary:
    """File what `path` asks; bad rows go to `<path>.bad.csv`, which is there only when there are any.

    `user` answers for the file, None is the machine. `progress` is called with bytes read and bytes in all. Raises
    CannotRead, NotPermitted.
    """
    source, summary = Source(path), Summary()
    try:
        with bad_file(path.with_name(path.name + ".bad.csv")) as write_bad:
            for row in _rows(source):
                bad = row if isinstance(row, BadRow) else _take(row, summary, user, dry_run, now)
                if bad is not None:
                    summary.bad += 1
                    write_bad(bad)
                progress(source.position, source.size)
            progress(source.size, source.size)
    finally:
        source.close()
    return summary


def _take(row: Row, summary: Summary, user: User | None, dry_run: bool, now: datetime) -> BadRow | None:
    try:
        read = _read(row.fields)
        if dry_run:
            is_known = try_request(**read._asdict(), now=now)
        else:
            is_known = import_request(**read._asdict(), user=user, now=now).replayed
    except Fault as fault:
        return BadRow(row.line, fault.column, fault.value[:200], fault.reason, row.raw)
    except Refusal as refusal:
        column = str(refusal.extra.get("pointer", "")).strip("/").partition("/")[0]
        value = row.fields.get(column, "")[:200]
        return BadRow(row.line, column if column in COLUMNS else "", value, _why(refusal), row.raw)
    summary.known += is_known
    summary.filed += not is_known
    return None


def _why(refusal: Refusal) -> str:
    """The refusal, the case that holds the units, and the rules that are not met."""
    number = refusal.extra.get("number")
    unmet = [each["text"] for each in refusal.extra.get("findings", ()) if each["result"] == "unmet"]
    return " ".join([str(refusal.detail), *([str(number)] if number else []), *unmet])


def _read(fields: dict[str, str]) -> Read:
    """Raises Fault, NotFound."""
    shop, external_no = fields.get("shop", ""), fields["external_no"]
    try:
        order = import_order(shop, external_no)
    except NotFound:
        reason = _("No order has this number in the shop named. Without a shop, give our own number.")
        raise Fault("external_no", external_no, reason) from None
    refs = [ref.strip() for ref in fields.get("units", "").split(";") if ref.strip()]
    if len(refs) > UNITS_AT_MOST:
        raise Fault("units", fields["units"], _("At most %(most)s units a row.") % {"most": UNITS_AT_MOST})
    # Which units there are is the operation's to say.
    form = RowForm({**fields, "units": refs}, order=order, refs=refs)
    if not form.is_valid():
        column, errors = next(iter(form.errors.items()))
        raise Fault(column, fields.get(column, ""), " ".join(map(str, errors)))
    filing = form.filing()._replace(file_when_allowed=True)
    return Read(order, filing, form.cleaned_data["ticket"], form.cleaned_data["caller_check"])


def _rows(source: Source) -> Iterator[Row | BadRow]:
    """JSON lines where the file begins with an object, else CSV. Raises CannotRead."""
    beginning = source.text.read(1000).lstrip("\ufeff \t\r\n")
    source.text.seek(0)
    if beginning.startswith("["):
        raise CannotRead(_("The file is one JSON list. Write one request a line, each an object."))
    if beginning.startswith("{"):
        yield from _json_lines(source)
        return
    for row in csv_rows(source.text, REQUIRED):
        if isinstance(row, CsvRow) and (unknown := [name for name in row.fields if name not in COLUMNS]):
            raise CannotRead(
                _("The header has columns that mean nothing here: %(unknown)s. Columns: %(columns)s.")
                % {"unknown": ", ".join(unknown)[:500], "columns": ", ".join(COLUMNS)}
            )
        yield Row(*row) if isinstance(row, CsvRow) else row


def _json_lines(source: Source) -> Iterator[Row | BadRow]:
    number = 0
    while line := source.text.readline(MAX_LINE):
        number += 1
        if len(line) >= MAX_LINE and not line.endswith("\n"):
            raise CannotRead(_("Line %(line)s is too long. Write one request a line.") % {"line": number})
        if not (line := line.strip()):
            continue
        if fault := text_fault(line):
            yield BadRow(number, "", "", fault, line.encode(errors="replace").decode())
            continue
        try:
            yield Row(number, _texts(loads(line.encode())), line)
        except ParseError as error:
            yield BadRow(number, "", "", str(error.detail), line)
        except Fault as fault_:
            yield BadRow(number, fault_.column, fault_.value[:200], fault_.reason, line)


def _texts(body: Any) -> dict[str, str]:
    """The fields of a line as a row of CSV has them; `units` may be a list. Raises Fault."""
    if not isinstance(body, dict):
        raise Fault("", "", _("Write one object a line."))
    fields = {}
    for name, value in body.items():
        if name not in COLUMNS:
            reason = _("There is no field of this name. Fields: %(allowed)s.")
            raise Fault(name[:64], "", reason % {"allowed": ", ".join(COLUMNS)})
        if name == "units" and isinstance(value, list) and all(isinstance(ref, str) for ref in value):
            value = ";".join(value)
        if not isinstance(value, str):
            raise Fault(name, str(value), _("Write it as text, in quotes."))
        fields[name] = value.strip()
    if missing := [name for name in REQUIRED if not fields.get(name)]:
        raise Fault(missing[0], "", _("This is needed."))
    return fields
