"""What a chart is made of: one line that reads it, one table that it draws, and the same table as a file."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86400
Cell = str | int | Decimal | timedelta | None


class Series(NamedTuple):
    """One row of bars or one line; `shown` is what each value reads as where it is written beside its bar."""

    label: str
    values: Sequence[float | None]
    shown: Sequence[str] = ()


class Drawing(NamedTuple):
    form: str  # "lines" over days, "bars" side by side, "stack" one on the other
    labels: Sequence[str]
    series: Sequence[Series]
    unit: str = ""  # "percent", "time" (in seconds), or a plain number

    def json(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "labels": list(map(str, self.labels)),
            "series": [each._asdict() for each in self.series],
            "unit": self.unit,
            "ticks": _time_ticks() if self.unit == "time" else [],
        }


class Chart:
    """`rows` begin with what they are about; the other cells are figures. Empty where nothing happened: `hint` says why
    and when something will be there.
    """

    def __init__(
        self,
        key: str,
        title: str,
        reading: str,
        header: Sequence[str],
        rows: Sequence[Sequence[Cell]],
        drawing: Drawing | None,
        hint: str = "",
        note: str = "",
    ) -> None:
        self.key, self.title, self.reading, self.header = key, title, reading, header
        self.rows, self.drawing, self.hint, self.note = rows, drawing, hint, note

    @cached_property
    def table(self) -> list[list[str]]:
        return [[in_words(cell) for cell in row] for row in self.rows]

    @property
    def file(self) -> list[list[Any]]:
        return [[_in_file(cell) for cell in row] for row in self.rows]

    @property
    def data_id(self) -> str:
        return f"{self.key}-data"

    @property
    def data(self) -> dict[str, Any] | None:
        return self.drawing.json() if self.drawing else None


def in_words(cell: Cell) -> str:
    if isinstance(cell, timedelta):
        return span(cell)
    if isinstance(cell, int):
        return f"{cell:,}"
    return "–" if cell is None else str(cell)


def _in_file(cell: Cell) -> Any:
    """Times as hours, minutes and seconds, which spreadsheets read."""
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // HOUR}:{seconds % HOUR // MINUTE:02}:{seconds % MINUTE:02}"
    return "" if cell is None else cell


def span(time: timedelta) -> str:
    """As long as it takes to say it: 40 s, 12 min, 3.5 h, 2.1 days."""
    seconds = time.total_seconds()
    if seconds < MINUTE:
        return _("%(n)s s") % {"n": round(seconds)}
    if seconds < HOUR:
        return _("%(n)s min") % {"n": round(seconds / MINUTE)}
    if seconds < 2 * DAY:
        return _("%(n)s h") % {"n": _short(seconds / HOUR)}
    return _("%(n)s days") % {"n": _short(seconds / DAY)}


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _time_ticks() -> list[tuple[int, str]]:
    return [(n, span(timedelta(seconds=n))) for n in (SECOND, MINUTE, HOUR, DAY, 7 * DAY, 30 * DAY)]


def percent(part: float | None) -> str:
    return "–" if part is None else f"{part:.1f} %"


def share(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def change(now: int, before: int) -> str:
    """Of a count: by how much of it, in percent."""
    if not before:
        return _("none in the period before")
    by = round(100 * (now - before) / before)
    if not by:
        return _("as many as in the period before")
    words = _("up %(by)d %% on the period before") if by > 0 else _("down %(by)d %% on the period before")
    return words % {"by": abs(by)}


def points(now: float | None, before: float | None) -> str:
    """Of a share in percent: by how many points."""
    if now is None or before is None:
        return _("nothing to compare with in the period before")
    by = round(now) - round(before)
    if not by:
        return _("as in the period before")
    words = (
        _("up %(by)d points on the period before") if by > 0 else _("down %(by)d points on the period before")
    )
    return words % {"by": abs(by)}


def longer(now: timedelta | None, before: timedelta | None) -> str:
    """Of a time."""
    if now is None or before is None:
        return _("nothing to compare with in the period before")
    if span(now) == span(before):
        return _("as in the period before")
    return _("%(time)s in the period before") % {"time": span(before)}
