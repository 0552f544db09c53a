"""Days the official calendar has wrong, out of a file: one a line, marked by the operation of the single day."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path

from django.utils.translation import gettext as _

from marketplace.identity.models import User
from marketplace.intake.batches import BadRow
from marketplace.intake.importers.bad_rows import bad_file
from marketplace.intake.importers.files import CannotRead, CsvRow, Source, csv_rows
from marketplace.kernel.errors import NotPermitted, Refusal

from .importing import Fault, Summary
from .models import CalendarDay
from .operations.timetable import mark_day

COLUMNS = ("day", "is_working", "note")
WORDS = {"1": True, "0": False, "yes": True, "no": False, "班": True, "休": False}
NOTE_AT_MOST = 200


def import_days(
    path: Path, *, user: User | None, dry_run: bool, now: datetime, progress: Callable[[int, int], None]
) -> Summary:
    """As importing.import_file. A day marked so already is known; one marked otherwise is marked anew."""
    if user is None:
        raise NotPermitted()
    source, summary = Source(path), Summary()
    try:
        with bad_file(path.with_name(path.name + ".bad.csv")) as write_bad:
            for row in csv_rows(source.text, COLUMNS):
                bad = row if isinstance(row, BadRow) else _take(row, summary, user, dry_run)
                if bad is not None:
                    summary.bad += 1
                    write_bad(bad)
                progress(source.position, source.size)
            progress(source.size, source.size)
    finally:
        source.close()
    return summary


def _take(row: CsvRow, summary: Summary, user: User, dry_run: bool) -> BadRow | None:
    if unknown := [name for name in row.fields if name not in COLUMNS]:
        raise CannotRead(
            _("The header has columns that mean nothing here: %(unknown)s. Columns: %(columns)s.")
            % {"unknown": ", ".join(unknown)[:500], "columns": ", ".join(COLUMNS)}
        )
    try:
        day, is_working, note = _read(row.fields)
        if CalendarDay.objects.filter(day=day, is_working=is_working, note=note).exists():
            summary.known += 1
            return None
        if not dry_run:
            mark_day(user=user, day=day, is_working=is_working, note=note)
    except Fault as fault:
        return BadRow(row.line, fault.column, fault.value[:200], fault.reason, row.raw)
    except Refusal as refusal:
        return BadRow(row.line, "", "", str(refusal.detail), row.raw)
    summary.filed += 1
    return None


def _read(fields: Mapping[str, str]) -> tuple[date, bool, str]:
    """Raises Fault."""
    try:
        day = date.fromisoformat(fields["day"])
    except ValueError:
        raise Fault("day", fields["day"], _("Write the day as 2027-01-01.")) from None
    word = fields["is_working"].lower()
    if word not in WORDS:
        raise Fault("is_working", fields["is_working"], _("Write 1 for a working day, 0 for a day off."))
    note = fields["note"]
    if not 0 < len(note) <= NOTE_AT_MOST:
        raise Fault("note", note, _("Say why, in 1 to 200 characters."))
    return day, WORDS[word], note
