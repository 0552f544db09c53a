"""How long refunds take and how many are granted, for anybody to read (requirement J1): medians and rates by goods.

Of the last DAYS days, the present one left out, from the figures by day. What rests on fewer than FLOOR cases is not
given: it would say more about chance than about us, and something about the few.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum

from marketplace.kernel.language import is_english

from .figures.buckets import quantile
from .figures.periods import DAY, Period, beijing_day, latest
from .models import TimeFigure
from .models.figures import Step
from .policy import GOODS_TYPES
from .policy.plain import goods_name

DAYS = 90
FLOOR = 20


def figures(now: datetime) -> dict[str, Any]:
    """In the reader's language. One query."""
    language = "en" if is_english() else "zh-hans"
    period = latest(DAYS, beijing_day(now) - DAY)
    counts = _counts(period)
    return {
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "results": [
            {"goods_type": goods, "name": goods_name(goods, language), **_figures(counts.get(goods, []))}
            for goods in GOODS_TYPES
        ],
    }


Counted = list[tuple[str, bool, int, int]]  # step, granted or not, bucket, cases


def _counts(period: Period) -> dict[str, Counted]:
    columns = ("goods_type", "step", "is_granted", "bucket")
    rows = TimeFigure.objects.filter(day__gte=period.since, day__lte=period.until).values_list(*columns)
    found: dict[str, Counted] = {}
    for goods, *counted in rows.annotate(n=Sum("cases")).order_by(*columns):
        found.setdefault(goods, []).append(tuple(counted))
    return found


def _figures(counted: Counted) -> dict[str, Any]:
    decided = [row for row in counted if row[0] != Step.PAID]
    cases, granted = (sum(row[3] for row in rows) for rows in (decided, [row for row in decided if row[1]]))
    is_enough = cases >= FLOOR
    return {
        "cases": cases if is_enough else None,
        "success_rate": round(granted / cases, 4) if is_enough else None,
        "median_decision_hours": _median_hours(decided),
        "median_payment_hours": _median_hours([row for row in counted if row[0] == Step.PAID]),
    }


def _median_hours(counted: Counted) -> float | None:
    buckets: Counter[int] = Counter()
    for _step, _granted, bucket, cases in counted:
        buckets[bucket] += cases
    median = quantile(buckets, 0.5)
    if median is None or buckets.total() < FLOOR:
        return None
    return round(median / timedelta(hours=1), 2)
