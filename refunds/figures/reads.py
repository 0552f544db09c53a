"""Figures of a period and of the one before it: each function is one query over the rows by day, or says what else."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Count, Q, Sum

from ..kept import PROMISED, Kept
from ..machine import Clock, Party
from ..models import (
    Appeal,
    CaseFigure,
    ClockFigure,
    Deadline,
    FigureMark,
    OverturnFigure,
    RefundRequest,
    ReviewerFigure,
    TimeFigure,
)
from ..models.figures import Route, Step
from .buckets import quantile
from .periods import Asked

FEW_ORDERS = 20  # a rate that rests on fewer says more about chance than about the seller
SELLERS_SHOWN = 20
T = TypeVar("T")


class Both(NamedTuple, Generic[T]):
    """A figure of the period, and of the one before."""

    now: T
    before: T


class Volume(NamedTuple):
    day: date
    filed: int = 0
    closed: int = 0
    reopened: int = 0


class Shares(NamedTuple):
    """First decisions, and those of them by which the rules alone gave the money back."""

    decided: int = 0
    automatic: int = 0

    @property
    def percent(self) -> float | None:
        return 100 * self.automatic / self.decided if self.decided else None


class Times(NamedTuple):
    cases: int
    granted: int
    median: timedelta | None
    ninth: timedelta | None  # nine of ten took no longer


class Looked(NamedTuple):
    """Decisions looked at again, and those of them that came out the other way."""

    decided: int = 0
    overturned: int = 0


class SellerRate(NamedTuple):
    code: str
    name: str
    orders: int
    filed: int
    paid_back: int
    before: float | None  # the rate before, in percent

    @property
    def rate(self) -> float:
        return 100 * self.paid_back / self.orders


class Load(NamedTuple):
    name: str
    decided: int
    before: int
    open: int


def as_of() -> datetime | None:
    """When the figures were brought up to date; None before the first time."""
    mark = FigureMark.objects.order_by("source").first()
    return mark.at if mark else None


def volume(asked: Asked) -> Both[list[Volume]]:
    """A row for each day, also where nothing happened."""
    rows = CaseFigure.objects.filter(asked.rows).values("day").order_by("day")
    rows = rows.annotate(a=Sum("filed"), b=Sum("closed"), c=Sum("reopened"))
    found = {day: Volume(day, *counts) for day, *counts in rows.values_list("day", "a", "b", "c")}
    return Both(*([found.get(day, Volume(day)) for day in period.days] for period in _both(asked)))


def automatic(asked: Asked) -> Both[dict[date, Shares]]:
    """By day."""
    rows = TimeFigure.objects.filter(asked.rows).exclude(step=Step.PAID).values("day").order_by("day")
    rows = rows.annotate(
        a=Sum("cases"), b=Sum("cases", filter=Q(step=Step.MACHINE, is_granted=True), default=0)
    )
    found = {day: Shares(*counts) for day, *counts in rows.values_list("day", "a", "b")}
    return Both(*({day: found.get(day, Shares()) for day in period.days} for period in _both(asked)))


def together(shares: Iterable[Shares]) -> Shares:
    each = list(shares)
    return Shares(sum(s.decided for s in each), sum(s.automatic for s in each))


def times(asked: Asked) -> dict[str, Both[Times]]:
    """From filing, by step; "" is every first decision together."""
    rows = (
        TimeFigure.objects.filter(asked.rows)
        .values("step", "is_granted", "bucket")
        .order_by("step", "bucket")
    )
    rows = _sums(rows, asked, "cases")
    found = list(rows.values_list("step", "is_granted", "bucket", "cases_now", "cases_before"))
    steps: dict[str, tuple[str, ...]] = {
        "": tuple(set(Step.values) - {Step.PAID}),
        **{s: (s,) for s in Step.values},
    }
    return {
        name: Both(*(_times([(row[1], row[2], row[n]) for row in found if row[0] in among]) for n in (3, 4)))
        for name, among in steps.items()
    }


def medians(asked: Asked) -> dict[date, timedelta | None]:
    """Of first decisions, for every day of the period and the one before."""
    rows = (
        TimeFigure.objects.filter(asked.rows)
        .exclude(step=Step.PAID)
        .values("day", "bucket")
        .order_by("day", "bucket")
    )
    buckets: dict[date, dict[int, int]] = {
        day: {} for period in reversed(_both(asked)) for day in period.days
    }
    for day, bucket, cases in rows.annotate(all=Sum("cases")).values_list("day", "bucket", "all"):
        buckets[day][bucket] = cases
    return {day: quantile(counts, 0.5) for day, counts in buckets.items()}


def _times(rows: list[tuple[bool, int, int]]) -> Times:
    buckets: Counter[int] = Counter()
    for _granted, bucket, cases in rows:
        buckets[bucket] += cases
    granted = sum(cases for is_granted, _bucket, cases in rows if is_granted)
    return Times(buckets.total(), granted, quantile(buckets, 0.5), quantile(buckets, 0.9))


def clocks(asked: Asked, now: datetime) -> dict[str, Both[Kept]]:
    """By what the clock waits for, as kept.py counts. Two queries: those that run past their time are looked for now."""
    rows = ClockFigure.objects.filter(asked.rows).values("kind").order_by("kind")
    rows = _sums(rows, asked, "started", "met", "missed")
    late = _late(asked, now)
    return {
        row["kind"]: Both(
            _kept(row["kind"], row, "now", late[row["kind"]].now),
            _kept(row["kind"], row, "before", late[row["kind"]].before),
        )
        for row in sorted(rows, key=lambda row: PROMISED.index(row["kind"]))
    }


def _kept(kind: str, row: dict[str, Any], when: str, late: int) -> Kept:
    started, met, missed = (row[f"{name}_{when}"] for name in ("started", "met", "missed"))
    return Kept(kind, "", started, met, missed + late, started - met - missed - late)


def _late(asked: Asked, now: datetime) -> dict[str, Both[int]]:
    since, until = asked.period.instants
    first, _since = asked.period.before.instants
    rows = Deadline.objects.filter(
        asked.cases("request__"),
        closed_at__isnull=True,
        due_at__lt=now,
        kind__in=PROMISED,
        started_at__gte=first,
        started_at__lt=until,
    )
    counted = rows.values_list("kind").annotate(
        a=Count("id", filter=Q(started_at__gte=since)), b=Count("id", filter=Q(started_at__lt=since))
    )
    found = {kind: Both(a, b) for kind, a, b in counted.order_by("kind")}
    return {kind: found.get(kind, Both(0, 0)) for kind in Clock.values}


def reasons(asked: Asked) -> dict[str, Both[int]]:
    """Requests filed, the most frequent reason first."""
    rows = CaseFigure.objects.filter(asked.rows).values("reason").order_by("reason")
    found = _sums(rows, asked, "filed").values_list("reason", "filed_now", "filed_before")
    ranked = sorted(found, key=lambda row: (-row[1], -row[2], row[0]))
    return {reason: Both(now, before) for reason, now, before in ranked if now or before}


_RANKED = """
SELECT s.code, s.name, o.now, coalesce(c.filed, 0), coalesce(c.now, 0),
    CASE WHEN o.before >= %(few)s THEN 100.0 * coalesce(c.before, 0) / o.before END
FROM (
    SELECT seller_id, sum(orders) FILTER (WHERE day >= %(since)s) AS now, sum(orders) FILTER (WHERE day < %(since)s) AS before
    FROM refunds_salesfigure WHERE day >= %(first)s AND day <= %(until)s AND %(goods)s IN ('', goods_type) GROUP BY 1
) o
JOIN sellers_seller s ON s.id = o.seller_id
LEFT JOIN (
    SELECT seller_id, sum(filed) FILTER (WHERE day >= %(since)s) AS filed,
        sum(paid_back) FILTER (WHERE day >= %(since)s) AS now, sum(paid_back) FILTER (WHERE day < %(since)s) AS before
    FROM refunds_sellerfigure
    WHERE day >= %(first)s AND day <= %(until)s AND %(goods)s IN ('', goods_type) AND %(channel)s IN ('', channel) GROUP BY 1
) c ON c.seller_id = o.seller_id
WHERE o.now >= %(few)s
ORDER BY coalesce(c.now, 0)::float8 / o.now DESC, coalesce(c.now, 0) DESC, s.code LIMIT %(shown)s
"""


def sellers(asked: Asked) -> list[SellerRate]:
    """Of those with enough orders, those of whose orders the largest part went back."""
    parameters: dict[str, Any] = {
        "first": asked.period.before.since,
        "since": asked.period.since,
        "until": asked.period.until,
        "goods": asked.goods_type,
        "channel": asked.channel,
        "few": FEW_ORDERS,
        "shown": SELLERS_SHOWN,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RANKED, parameters)
        return [
            SellerRate(
                code, name, int(orders), int(filed), int(back), None if before is None else float(before)
            )
            for code, name, orders, filed, back, before in cursor.fetchall()
        ]


def overturns(asked: Asked) -> dict[str, Both[Looked]]:
    """By the way they came before somebody again. Two queries: appeals that ended without a new decision are few, and
    read as they are.
    """
    rows = OverturnFigure.objects.filter(asked.rows).values("route").order_by("route")
    rows = _sums(rows, asked, "decided", "overturned")
    found = {
        row["route"]: Both(
            *(Looked(row[f"decided_{when}"], row[f"overturned_{when}"]) for when in ("now", "before"))
        )
        for row in rows
    }
    ended = _ended_appeals(asked)
    return {
        route: Both(*(_added(found.get(route, _NONE)[n], ended.get(route, _NONE)[n]) for n in (0, 1)))
        for route in Route.values
    }


_NONE = Both(Looked(), Looked())


def _added(one: Looked, other: Looked) -> Looked:
    return Looked(one.decided + other.decided, one.overturned + other.overturned)


def _ended_appeals(asked: Asked) -> dict[str, Both[Looked]]:
    since, until = asked.period.instants
    first, _since = asked.period.before.instants
    rows = Appeal.objects.filter(
        asked.cases("request__"),
        decided_at__gte=first,
        decided_at__lt=until,
        outcome__in=(Appeal.Outcome.DISMISSED, *Appeal.OF_SELLER),
    )
    now, other = Q(decided_at__gte=since), Q(outcome=Appeal.Outcome.OVERTURNED)
    counted = (
        rows.values("party")
        .order_by("party")
        .annotate(
            a=Count("id", filter=now),
            b=Count("id", filter=now & other),
            c=Count("id", filter=~now),
            d=Count("id", filter=~now & other),
        )
    )
    routes = {Party.BUYER.value: Route.APPEAL.value, Party.SELLER.value: Route.SELLER.value}
    return {
        routes[party]: Both(Looked(a, b), Looked(c, d))
        for party, a, b, c, d in counted.values_list("party", "a", "b", "c", "d")
    }


def reviewers(asked: Asked) -> list[Load]:
    """Decisions of each, and the cases they have in hand. Two queries, one of them over cases in hand."""
    rows = ReviewerFigure.objects.filter(asked.rows).values("user__username").order_by("user__username")
    decided = {
        name: (now, before)
        for name, now, before in _sums(rows, asked, "decided").values_list(
            "user__username", "decided_now", "decided_before"
        )
    }
    held = RefundRequest.objects.filter(asked.cases(), holder__isnull=False)
    open_now = dict(
        held.values_list("holder__username").annotate(cases=Count("id")).order_by("holder__username")
    )
    loads = [Load(name, *decided.get(name, (0, 0)), open_now.get(name, 0)) for name in {*decided, *open_now}]
    return sorted(loads, key=lambda load: (-load.decided, -load.open, load.name))


def _both(asked: Asked) -> tuple[Any, Any]:
    return asked.period, asked.period.before


def _sums(rows: Any, asked: Asked, *names: str) -> Any:
    """Each column's sum in the period and before it, as <name>_now and <name>_before."""
    return rows.annotate(
        **{f"{name}_now": Sum(name, filter=asked.now, default=0) for name in names},
        **{f"{name}_before": Sum(name, filter=asked.before, default=0) for name in names},
    )
