"""Back-tests as the desk reads them: how far one is, and its flipped cases page by page."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db.models import Sum
from django.db.models.query import QuerySet

from .models import BacktestFlip, BacktestPart, BacktestRun

PAGE = 50


class Filter(NamedTuple):
    """Which flipped cases; "" is any."""

    was: str = ""
    would_be: str = ""
    reason: str = ""


def judged(run: BacktestRun) -> int:
    """Cases done so far."""
    done = BacktestPart.objects.filter(run=run, judged_at__isnull=False).aggregate(cases=Sum("planned"))
    return done["cases"] or 0


def waiting_before(run: BacktestRun) -> int:
    """Runs that are done first."""
    return BacktestRun.objects.filter(state__in=BacktestRun.OPEN, pk__lt=run.pk).count()


def flips(run: BacktestRun, wanted: Filter) -> QuerySet[BacktestFlip]:
    given = {name: value for name, value in wanted._asdict().items() if value}
    return BacktestFlip.objects.filter(run=run, **given).select_related("request").order_by("id")


def page_of(rows: QuerySet[BacktestFlip], after: int) -> tuple[Sequence[BacktestFlip], int | None]:
    """The rows after that key, and the key to go on from where there are more."""
    found = list(rows.filter(pk__gt=after)[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None
