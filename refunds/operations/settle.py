"""The daily settlement: what sellers have earned leaves escrow (requirement G4).

An order is due when it was completed, its hold has passed, and nobody contests it: no request is open, no buyer's appeal
waits, no dispute is open either. Of its captures the seller earns the order's total and not a unit more: what was captured beyond it, because
the buyer was charged twice, stays in escrow until it goes back to the buyer.

What is due is looked for in batches of orders by id, so that a run reads each order once; each order found is then
settled in a transaction of its own, which locks it and looks again. A request is filed under the order's lock too, so
it either stops the settlement or finds its money settled. A request that is taken up again after a rejection does
not lock the order, nor does an appeal, and either may miss the settlement by a moment: its refund then comes from the
seller's own money, as any that comes after the settlement.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction

from marketplace.kernel.money import portion, split
from marketplace.orders.models import Order
from marketplace.payments.models import Capture, Claim
from marketplace.payments.operations.reserve import lock_captures
from marketplace.payments.operations.settle import settle
from marketplace.risk.models import Dispute

from ..machine import OPEN
from ..models import RefundRequest
from ..policies import in_force
from .appealed import waiting_appeals

BATCH = 1000
log = logging.getLogger(__name__)


class Summary(NamedTuple):
    """What a run did. `sums` are minor units settled, by currency."""

    looked_at: int
    settled: int  # orders
    failed: int  # orders; each is logged with its cause, and tried again by the next run
    sums: dict[str, int]


class Candidate(NamedTuple):
    order_id: int
    goods_type: str
    bought_at: datetime
    completed_at: datetime | None


# The batch is cut from the orders first, and then each of its orders is looked up by index. An aggregate makes sure of
# that: for EXISTS the planner may choose to read the whole table of captures anew for each batch, to hash it.
_BATCH = """
WITH batch AS MATERIALIZED (
    SELECT id, goods_type, coalesce(paid_at, placed_at) AS bought_at, completed_at FROM orders_order
    WHERE id > %(after)s ORDER BY id LIMIT %(size)s
)
SELECT b.id, b.goods_type, b.bought_at, b.completed_at,
    b.completed_at <= %(now)s AND (
        SELECT bool_or(c.settled < c.amount - c.claimed + c.claimed_settled)
        FROM payments_capture c WHERE c.order_id = b.id
    ) AND (
        SELECT count(*) = 0 FROM refunds_refundrequest r WHERE r.order_id = b.id AND r.state = ANY(%(open)s)
    )
FROM batch b ORDER BY b.id
"""


def settle_due(now: datetime, progress: Callable[[int], object] | None = None) -> Summary:
    """Settle every order that is due. `progress` hears how many more orders were looked at.

    Safe to run twice, and twice at once: the second finds nothing left in escrow.
    """
    looked_at, settled, failed, sums, after = 0, 0, 0, Counter[str](), 0
    while rows := _batch(after, now):
        looked_at, after = looked_at + len(rows), rows[-1][0].order_id
        for candidate in (candidate for candidate, is_open in rows if is_open):
            try:
                moved = settle_order(candidate.order_id, now) if _hold_has_passed(candidate, now) else {}
            except Exception:
                log.exception("order %s was not settled", candidate.order_id)
                failed += 1
                continue
            settled += bool(moved)
            sums.update(moved)
        if progress:
            progress(len(rows))
    return Summary(looked_at, settled, failed, dict(sums))


def settle_order(order_id: int, now: datetime) -> dict[str, int]:
    """Settle what the order's seller has earned by `now`; the minor units by currency, empty where nothing is due."""
    with transaction.atomic(durable=True):
        orders = Order.objects.select_for_update(of=("self",), no_key=True).select_related("seller")
        order = orders.get(pk=order_id)
        captures = lock_captures(order_id)
        if _is_contested(order_id) or not _hold_has_passed(_candidate(order), now):
            return {}
        due = _due(order, captures)
        total = sum(due)
        if not total:
            return {}
        terms = in_force(order.goods_type, _candidate(order).bought_at).terms
        commission = portion(total, terms.commission_bps)  # rounded once for the order
        for capture, amount, kept in zip(captures, due, split(commission, due), strict=True):
            if amount:
                capture.order = order
                settle(capture=capture, amount=amount, commission=kept, now=now)
        return {order.currency: total}


def _due(order: Order, captures: Sequence[Capture]) -> list[int]:
    """What each capture, oldest first, has in escrow for the seller.

    The order's total is the seller's part; it fills the captures from the oldest. The rest of a capture is the
    buyer's, and only its return to the buyer (a refund for a duplicate charge) lessens that. Whatever arrives in
    which order, no more than the total is ever settled.
    """
    surplus = sum(capture.amount for capture in captures) - order.total
    returned = _returned(captures) if surplus > 0 else {}
    left, room, due = order.total, order.total - sum(capture.settled for capture in captures), []
    for capture in captures:
        sellers = min(left, capture.amount)
        buyers = max(0, capture.amount - sellers - returned.get(capture.pk, 0))
        due.append(max(0, min(capture.in_escrow - buyers, sellers - capture.settled, room)))
        left -= sellers
        room -= due[-1]
    return due


def _returned(captures: Sequence[Capture]) -> Counter[int]:
    """What refunds for a duplicate charge take of each capture."""
    claims = Claim.objects.filter(capture__in=captures, kind=Claim.Kind.REFUND, released_at__isnull=True)
    doubled = RefundRequest.objects.filter(order_id=captures[0].order_id, reason="duplicate_charge")
    rows = claims.filter(reference__in=doubled.values("number")).values_list("capture_id", "amount")
    found = Counter[int]()
    for capture_id, amount in rows:
        found[capture_id] += amount
    return found


def _is_contested(order_id: int) -> bool:
    return (
        RefundRequest.objects.filter(order_id=order_id, state__in=sorted(OPEN)).exists()
        or waiting_appeals().filter(request__order=order_id).exists()
        or Dispute.objects.filter(capture__order_id=order_id, state=Dispute.State.OPEN).exists()
    )


def _hold_has_passed(candidate: Candidate, now: datetime) -> bool:
    """By the version in force at purchase: later terms neither hold nor hurry money of earlier orders (J5)."""
    if not candidate.completed_at:
        return False
    hold = in_force(candidate.goods_type, candidate.bought_at).terms.escrow_hold_days
    return candidate.completed_at + timedelta(days=hold) <= now


def _candidate(order: Order) -> Candidate:
    return Candidate(order.pk, order.goods_type, order.paid_at or order.placed_at, order.completed_at)


def _batch(after: int, now: datetime) -> list[tuple[Candidate, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(_BATCH, {"after": after, "size": BATCH, "now": now, "open": sorted(map(str, OPEN))})
        return [(Candidate(*row[:4]), bool(row[4])) for row in cursor.fetchall()]
