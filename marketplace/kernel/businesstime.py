"""Business time: Asia/Shanghai with the official Chinese working-day calendar (requirement E).

A year the calendar package does not know yet falls back to Monday to Friday.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
OPENS, CLOSES = time(9), time(18)  # of a working day


def is_working_day(day: date, overrides: Mapping[date, bool] | None = None) -> bool:
    if overrides and day in overrides:
        return overrides[day]
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def add_working_days(start: datetime, days: int, overrides: Mapping[date, bool] | None = None) -> datetime:
    """The same time of day, `days` working days later; from a day off, counting begins with the next day."""
    local = start.astimezone(SHANGHAI)
    while days > 0:
        local += timedelta(days=1)
        if is_working_day(local.date(), overrides):
            days -= 1
    return local


def is_working_time(at: datetime, overrides: Mapping[date, bool] | None = None) -> bool:
    local = at.astimezone(SHANGHAI)
    return is_working_day(local.date(), overrides) and OPENS <= local.time() < CLOSES


def add_working_hours(
    start: datetime, hours: timedelta, overrides: Mapping[date, bool] | None = None
) -> datetime:
    """`hours` of working time later, counted between OPENS and CLOSES of working days."""
    local = start.astimezone(SHANGHAI)
    while True:
        opens = datetime.combine(local.date(), OPENS, SHANGHAI)
        closes = datetime.combine(local.date(), CLOSES, SHANGHAI)
        if is_working_day(local.date(), overrides):
            begins = max(local, opens)
            if begins + hours <= closes:
                return begins + hours
            hours -= max(closes - begins, timedelta())
        local = opens + timedelta(days=1)


def known_until() -> int:
    """The last year whose holidays the calendar knows; later ones fall back to Monday to Friday."""
    return int(max(chinese_calendar.holidays).year)
