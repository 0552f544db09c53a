"""A seller's public figures (requirements I3, J1): computed here, above sellers, by one statement.

Of the last PERIOD: orders paid, requests filed, those paid back or about to be, and how the seller answered when
asked. A figure that rests on fewer than FLOOR orders, or answers, says more about chance than about the seller, and is
not given.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from marketplace.kernel.errors import NotFound
from sellers.models import Seller

from .machine import PAYABLE, State

PERIOD = timedelta(days=90)
FLOOR = 20

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
    (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) FROM answers WHERE event <> 'seller_silent')
"""


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
    """Rates are parts of 1, rounded to four places; None where too little happened to speak of a rate."""
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
        orders, cases, paid_back, answers, silent, median = cursor.fetchone()
    return {
        "days": PERIOD.days,
        "cases": cases if orders >= FLOOR else None,
        "refund_rate": round(paid_back / orders, 4) if orders >= FLOOR else None,
        "silence_rate": round(silent / answers, 4) if answers >= FLOOR else None,
        "median_answer_hours": round(float(median), 1)
        if answers - silent >= FLOOR and median is not None
        else None,
    }
