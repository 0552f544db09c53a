"""What every page announces: an outage, and a peak that has begun or is to come (requirements E6, E7)."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet, Value

from .models import Outage, Peak

_OUTAGE, _PEAK = "outage", "peak"


class AnnouncedOutage(NamedTuple):
    """While it stands no deadline is held against anybody; it is over, and being added to the clocks, once it has an end."""

    started_at: datetime
    ended_at: datetime | None
    note: str


class AnnouncedPeak(NamedTuple):
    """Clocks that start in it run at `percent` of their length. `has_begun` as of the instant it was asked for."""

    starts_at: datetime
    ends_at: datetime
    percent: int
    note: str
    has_begun: bool


class Announced(NamedTuple):
    outage: AnnouncedOutage | None
    peak: AnnouncedPeak | None


def announced(now: datetime) -> Announced:
    """What stands at `now`, the nearest peak alone, in one query."""
    outages = Outage.objects.filter(applied_at__isnull=True).order_by()
    peaks = Peak.objects.filter(ends_at__gt=now).order_by()
    parts: list[QuerySet[Any, Any]] = [
        outages.annotate(what=Value(_OUTAGE), percent=Value(100)).values_list(
            "what", "started_at", "ended_at", "percent", "note"
        ),
        peaks.annotate(what=Value(_PEAK)).values_list("what", "starts_at", "ends_at", "percent", "note"),
    ]
    outage: AnnouncedOutage | None = None
    peak: AnnouncedPeak | None = None
    for what, since, until, percent, note in sorted(parts[0].union(parts[1], all=True), key=_first):
        if what == _OUTAGE:
            outage = outage or AnnouncedOutage(since, until, note)
        else:
            peak = peak or AnnouncedPeak(since, until, percent, note, since <= now)
    return Announced(outage, peak)


def _first(row: tuple[Any, ...]) -> tuple[bool, datetime]:
    """An outage that goes on before one that is over, then the sooner."""
    _what, since, until, *_rest = row
    return until is not None, since
