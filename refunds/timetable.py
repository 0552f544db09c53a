"""What bends the clocks: peaks that were announced, and days the official calendar has wrong (requirement E)."""

import time
from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from .models import CalendarDay, Peak

REFRESH_SECONDS = 30.0


class Stretch(NamedTuple):
    """An announced peak: clocks that start in it run at `percent` of their length."""

    starts_at: datetime
    ends_at: datetime
    percent: int


class Timetable(NamedTuple):
    days: Mapping[date, bool] = {}  # whether these are working days, whatever the calendar says
    peaks: tuple[Stretch, ...] = ()

    def percent(self, at: datetime, least: int, most: int) -> int:
        """How long a clock runs that starts at `at`, in percent: 100, or the peak's, held within `least` and `most`."""
        for peak in self.peaks:
            if peak.starts_at <= at < peak.ends_at:
                return min(max(peak.percent, least), most)
        return 100


_loaded: tuple[float, Timetable] | None = None


def timetable() -> Timetable:
    """As it stands in the tables; at most REFRESH_SECONDS behind them."""
    global _loaded
    if _loaded is None or time.monotonic() - _loaded[0] > REFRESH_SECONDS:
        days = dict(CalendarDay.objects.values_list("day", "is_working"))
        peaks = Peak.objects.order_by("starts_at").values_list("starts_at", "ends_at", "percent")
        _loaded = (time.monotonic(), Timetable(days, tuple(Stretch(*peak) for peak in peaks)))
    return _loaded[1]


def forget() -> None:
    """Read the tables anew at the next call, in this process: who changes them sees the change."""
    global _loaded
    _loaded = None
