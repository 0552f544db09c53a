"""How long a review takes, measured: the time between two decisions that one person made in a row."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

WITHIN = timedelta(days=90)
PAUSE_MINUTES = 30  # who decides nothing for longer was not reviewing all the while
LEAST = 20  # intervals below which a median says more about chance than about the work

_INTERVALS = """
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY minutes) FROM (
    SELECT extract(epoch FROM at - lag(at) OVER (PARTITION BY by_id ORDER BY at, id)) / 60 AS minutes
    FROM refunds_judgement WHERE at > %s AND at <= %s
) intervals WHERE minutes <= %s
"""


class Measured(NamedTuple):
    """`minutes` is the median of so many `intervals`; None where they are too few."""

    minutes: float | None
    intervals: int


def minutes_of_a_review(now: datetime) -> Measured:
    """Of all goods: reviewers do not keep to one."""
    with connection.cursor() as cursor:
        cursor.execute(_INTERVALS, [now - WITHIN, now, PAUSE_MINUTES])
        intervals, median = cursor.fetchone()
    return Measured(round(float(median), 1) if intervals >= LEAST else None, intervals)
