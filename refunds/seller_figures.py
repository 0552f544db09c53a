"""A seller's public figures (requirements I3, J1): computed here, above sellers, by one statement.

Of the last PERIOD: orders paid, requests filed, those paid back or about to be, and how the seller answered when
asked. A figure that rests on fewer than FLOOR orders, or answers, says more about chance than about the seller, and is
not given.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from django.core.cache import cache
from django.db import connection

from marketplace.kernel.errors import NotFound
from sellers.models import Seller

from .machine import PAYABLE, State

PERIOD = timedelta(days=90)
FLOOR = 20
REMEMBERED = 600  # seconds

# An asked request is one the policy left to the seller; the answer is the next move of the same request.
_FIGURES = """
WITH filed AS (
    SELECT id, state FROM refunds_refundrequest WHERE seller_id = %(seller)s AND filed_at >= %(since)s
), answers AS (
    SELECT t.event, extract(epoch FROM t.at - asked.at) / 3600 AS hours
    FROM filed f
    JOIN refunds_transition asked ON asked.request_id = f.id AND asked.to_state = %(asked)s
    JOIN refunds_transition t ON t.request_id = f.id AND t.sequence = asked.sequence + 1
    WHERE t.actor = 'seller' OR t.event = 'seller_silent'
)
SELECT
    (SELECT count(*) FROM orders_order WHERE seller_id = %(seller)s AND paid_at >= %(since)s),
    (SELECT count(*) FROM filed),
    (SELECT count(*) FROM filed WHERE state = ANY(%(paid_back)s)),
    (SELECT count(*) FROM answers),
    (SELECT count(*) FROM answers WHERE event = 'seller_silent'),
    (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) FROM answers WHERE event <> 'seller_silent'),
    (SELECT count(DISTINCT o.id) FROM orders_order o JOIN payments_capture c ON c.order_id = o.id
     JOIN risk_dispute d ON d.capture_id = c.id WHERE o.seller_id = %(seller)s AND o.paid_at >= %(since)s)
"""


class Counts(NamedTuple):
    """What happened within PERIOD; `median_hours` of the answers, None without any."""

    orders: int
    cases: int
    paid_back: int
    answers: int
    silent: int
    median_hours: float | None
    disputed: int  # orders with a chargeback or a complaint at the channel

    def rate(self, part: int, whole: int) -> float | None:
        """A part of 1, rounded to four places; None where too little happened to speak of a rate."""
        return round(part / whole, 4) if whole >= FLOOR else None

    @property
    def refund_rate(self) -> float | None:
        return self.rate(self.paid_back, self.orders)

    @property
    def dispute_rate(self) -> float | None:
        return self.rate(self.disputed, self.orders)

    @property
    def silence_rate(self) -> float | None:
        return self.rate(self.silent, self.answers)


def public_page(code: str, now: datetime) -> dict[str, Any]:
    """Raises NotFound."""
    seller = Seller.objects.filter(code=code).first()
    if seller is None:
        raise NotFound()
    return {
        "code": seller.code,
        "name": seller.name,
        "verified": seller.verified_at is not None,
        "figures": figures(seller.pk, now),
    }


def figures(seller_id: int, now: datetime) -> dict[str, Any]:
    """What is public of it. Rates are parts of 1."""
    found = counts(seller_id, now)
    answered = found.answers - found.silent >= FLOOR and found.median_hours is not None
    return {
        "days": PERIOD.days,
        "cases": found.cases if found.orders >= FLOOR else None,
        "refund_rate": found.refund_rate,
        "silence_rate": found.silence_rate,
        "median_answer_hours": found.median_hours if answered else None,
    }


def counts(seller_id: int, now: datetime) -> Counts:
    """As they were within the last REMEMBERED seconds: no rate over ninety days turns on one case, and the sellers whose
    many cases take longest to count are those most looked at.
    """
    key = f"seller_figures:{seller_id}:{int(now.timestamp()) // REMEMBERED}"
    return cast(Counts, cache.get_or_set(key, lambda: _counted(seller_id, now), REMEMBERED))


def _counted(seller_id: int, now: datetime) -> Counts:
    """One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _FIGURES,
            {
                "seller": seller_id,
                "since": now - PERIOD,
                "asked": State.AWAITING_SELLER.value,
                "paid_back": sorted(PAYABLE | {State.REPLACED}),
            },
        )
        found = Counts(*cursor.fetchone())
    median = found.median_hours
    return found._replace(median_hours=None if median is None else round(float(median), 1))
