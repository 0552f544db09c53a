"""Money out by channel, and what is on its way: amounts in minor units, never across currencies."""

from collections import Counter
from datetime import date
from typing import NamedTuple

from django.db.models import Q, Sum

from marketplace.payments.models import Transfer

from ..models import MoneyFigure, RefundRequest
from ..models.figures import Flow
from .periods import Asked


class MoneyOut(NamedTuple):
    """Of one currency and channel: what left and came back in the period, what had left before; what is open now."""

    currency: str
    channel: str
    by_channel: int = 0
    by_hand: int = 0
    came_back: int = 0
    before: int = 0
    on_its_way: int = 0
    stuck: int = 0

    @property
    def out(self) -> int:
        return self.by_channel + self.by_hand - self.came_back


def money_out(asked: Asked) -> list[MoneyOut]:
    """By currency, then channel. Two queries, one of them over transfers that have not ended."""
    flowed, open_now = _flowed(asked), _open(asked)
    return [
        MoneyOut(
            currency, channel, **flowed.get((currency, channel), {}), **open_now.get((currency, channel), {})
        )
        for currency, channel in sorted({*flowed, *open_now})
    ]


def paid_by_day(asked: Asked) -> dict[str, dict[date, int]]:
    """By currency, less what came back, for every day of the period and the one before; the currency of most transfers first."""
    rows = (
        MoneyFigure.objects.filter(asked.rows)
        .values("currency", "day", "flow")
        .order_by("currency", "day", "flow")
    )
    often: Counter[str] = Counter()
    found: dict[str, dict[date, int]] = {}
    for currency, day, flow, times, amount in rows.annotate(
        times=Sum("transfers"), sum=Sum("amount")
    ).values_list("currency", "day", "flow", "times", "sum"):
        often[currency] += times
        days = found.setdefault(currency, dict.fromkeys(asked.period.before.days + asked.period.days, 0))
        days[day] += -int(amount) if flow == Flow.CAME_BACK else int(amount)
    return {currency: found[currency] for currency, _times in often.most_common()}


_FIELDS = {Flow.CHANNEL: "by_channel", Flow.BY_HAND: "by_hand", Flow.CAME_BACK: "came_back"}


def _flowed(asked: Asked) -> dict[tuple[str, str], dict[str, int]]:
    found: dict[tuple[str, str], dict[str, int]] = {}
    rows = (
        MoneyFigure.objects.filter(asked.rows)
        .values("currency", "paid_through", "flow")
        .annotate(
            now=Sum("amount", filter=asked.now, default=0),
            earlier=Sum("amount", filter=asked.before, default=0),
        )
    )
    for currency, channel, flow, now, earlier in rows.order_by(
        "currency", "paid_through", "flow"
    ).values_list("currency", "paid_through", "flow", "now", "earlier"):
        sums = found.setdefault((currency, channel), {"before": 0})
        sums[_FIELDS[Flow(flow)]] = int(now)
        sums["before"] += -int(earlier) if flow == Flow.CAME_BACK else int(earlier)
    return found


def _open(asked: Asked) -> dict[tuple[str, str], dict[str, int]]:
    """Partial indexes hold exactly these transfers."""
    rows = Transfer.objects.filter(Q(state__in=Transfer.OPEN_STATES) | Q(state__in=Transfer.STUCK_STATES))
    if asked.goods_type or asked.channel:
        rows = rows.filter(reference__in=RefundRequest.objects.filter(asked.cases()).values("number"))
    sums = rows.values("claim__capture__currency", "claim__capture__channel").annotate(
        on_its_way=Sum("claim__amount", filter=Q(state__in=Transfer.OPEN_STATES), default=0),
        stuck=Sum("claim__amount", filter=Q(state__in=Transfer.STUCK_STATES), default=0),
    )
    return {
        (row["claim__capture__currency"], row["claim__capture__channel"]): {
            "on_its_way": int(row["on_its_way"]),
            "stuck": int(row["stuck"]),
        }
        for row in sums.order_by("claim__capture__currency", "claim__capture__channel")
    }
