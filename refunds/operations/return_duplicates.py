"""A payment taken twice goes back without anybody asking (requirement G3): the machine files for the buyer.

The request is judged like any other: within the machine's limit it is paid at once, above it a person looks.
"""

from datetime import datetime, timedelta

from django.db import connection

from marketplace.kernel.idempotency import Key
from marketplace.orders.models import Order

from ..facts import of_buyer
from ..filing_channels import FilingChannel
from ..permissions import SYSTEM
from ..transitions import OpenRequestExists
from .file import Filing, NotRefundable, Source, TooEarly, file_request, judge_filing

REASON = "duplicate_charge"
# The shop's push tells at once (marketplace/intake); the sweep finds what an import brought or a lost message meant.
LOOK_BACK = timedelta(days=30)
BATCH = 500


def return_duplicates(order_no: str, now: datetime) -> str | None:
    """File for captures beyond the order's total; return the request's number, None where there is nothing to return.

    Called twice it files once. What is under way for these units already is left to whoever works on it.
    """
    order = Order.objects.get(no=order_no)
    filing = Filing(order.no, REASON)
    try:
        judged = judge_filing(of_buyer(order.buyer_id, order.no), filing, now)
        if not any(finding.key == "duplicate.captures" for finding in judged.verdict.decision.findings):
            return None
        outcome = file_request(
            buyer_id=order.buyer_id,
            filing=filing,
            key=Key(f"system:{REASON}", f"{order.no}:{len(judged.facts.captures)}", b"0" * 32),
            present=lambda request, _units: {"number": request.number},
            now=now,
            source=Source(FilingChannel.SYSTEM, SYSTEM),
        )
    except (OpenRequestExists, NotRefundable, TooEarly):
        return None
    return str(outcome.answer["number"])


# A later capture of an order with another one, nothing of it claimed or settled, that nobody has asked back yet.
_FOUND = """
SELECT DISTINCT o.no FROM payments_capture c JOIN orders_order o ON o.id = c.order_id
WHERE c.claimed = 0 AND c.settled = 0 AND c.captured_at > %(since)s
AND (SELECT sum(e.amount) FROM payments_capture e
     WHERE e.order_id = c.order_id AND (e.captured_at, e.id) < (c.captured_at, c.id)) >= o.total
AND NOT EXISTS (SELECT 1 FROM refunds_refundrequest r WHERE r.order_id = c.order_id AND r.reason = %(reason)s)
ORDER BY o.no LIMIT %(limit)s
"""


def sweep_duplicates(now: datetime) -> int:
    """Return what was taken twice in the last LOOK_BACK and nobody has noticed; return how many were filed."""
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, {"since": now - LOOK_BACK, "reason": REASON, "limit": BATCH})
        orders = [no for (no,) in cursor.fetchall()]
    return sum(return_duplicates(no, now) is not None for no in orders)
