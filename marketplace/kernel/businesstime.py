"""Business time: Asia/Shanghai with the official Chinese working-day calendar (requirement E).

A year the calendar package does not know yet falls back to Monday to Friday.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")


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
