"""What a dispute stops at once: refunds that were promised or are being negotiated, and not yet sent (H1).

A chargeback is about the buyer: all they have open that no person has in hand goes to a reviewer, whichever order it
is about. A complaint is about one order, and its approved refund is what the complaint asks for: only what still
waits for the seller or the buyer goes to a reviewer, because the channel's own clock has begun. What a seller had on
offer lapses: new goods are taken back before the dispute claims the money.
"""

from datetime import datetime

from django.db import connection

from marketplace.identity.models import Buyer
from marketplace.orders.models import Order
from marketplace.payments.models import Capture
from marketplace.payments.operations.reserve import call_off

from .. import clocks
from ..machine import OPEN, State
from ..models import OfferAnswer, RefundItem, RefundRequest
from ..permissions import SYSTEM
from ..policies import in_force
from ..transitions import NO_APPROVAL, apply_transition
from .offered import end

# A submitted request is locked too: a pre-check that is at it finishes first, and what it approved is found here.
FREEZABLE = (State.SUBMITTED, State.AWAITING_SELLER, State.AWAITING_BUYER, State.APPROVED)
NEGOTIATED = (State.AWAITING_SELLER, State.AWAITING_BUYER)

_REQUESTS = """
SELECT r.*, o.goods_type FROM refunds_refundrequest r JOIN orders_order o ON o.id = r.order_id
WHERE r.buyer_id = %(buyer)s AND (r.state = ANY(%(freezable)s) OR r.order_id = %(order)s AND r.state = ANY(%(open)s))
ORDER BY r.id FOR UPDATE OF r
"""
_CAPTURES = "SELECT * FROM payments_capture WHERE order_id = ANY(%s) ORDER BY captured_at, id FOR UPDATE"


def lock_buyers_requests(order: Order) -> list[RefundRequest]:
    """What the buyer of the locked order has open, and then the captures behind it: all locked until commit.

    The buyer's row is locked before, so that who files meanwhile commits after us: the foreign key of the new request
    waits for it. Its pre-check then finds the signal, and nothing slips through between reading and commit.
    Requests are locked by id and captures by age, whatever their orders, as everybody locks them.
    """
    Buyer.objects.select_for_update().get(pk=order.buyer_id)
    rows = RefundRequest.objects.raw(
        _REQUESTS,
        {
            "buyer": order.buyer_id,
            "order": order.pk,
            "freezable": [state.value for state in FREEZABLE],
            "open": sorted(state.value for state in OPEN),
        },
    )
    requests = list(rows)
    orders = sorted({order.pk, *(request.order_id for request in requests)})
    list(Capture.objects.raw(_CAPTURES, [orders]))
    return requests


def freeze_for_chargeback(requests: list[RefundRequest], capture: Capture, note: str, now: datetime) -> None:
    """Take all of them to a reviewer that are approved and not sent, or wait for one of the sides; of what is being
    paid, no more leaves that payment. The requests are locked.
    """
    for request in requests:
        if request.state == State.APPROVED and call_off(request.number, now):
            RefundItem.objects.filter(request=request).update(approved_amount=0)
            _freeze(request, note, now, takes_back=True)
        elif request.state in NEGOTIATED:
            _freeze(request, note, now)
        elif request.order_id == capture.order_id:
            _send_no_more(request, capture, now)


def freeze_for_complaint(requests: list[RefundRequest], capture: Capture, note: str, now: datetime) -> None:
    """Take to a reviewer what waits for one of the sides of this order. The requests are locked."""
    for request in requests:
        if request.order_id == capture.order_id and request.state in NEGOTIATED:
            _freeze(request, note, now, matter=clocks.COMPLAINT)


def _freeze(
    request: RefundRequest, note: str, now: datetime, *, matter: str = "", takes_back: bool = False
) -> None:
    if request.state == State.AWAITING_BUYER:
        end([request.pk], OfferAnswer.LAPSED, now)
    goods_type = request.goods_type
    due = clocks.after(
        "freeze", in_force(goods_type, request.filed_at).terms.clocks, matter or request.reason, now
    )
    approval = NO_APPROVAL if takes_back else None
    apply_transition(request, "freeze", actor=SYSTEM, now=now, due=due, note=note, approval=approval)


# A transfer that was handed to the channel is still asked about, and not handed over anew: a try that never arrived
# ends as a failure, once it cannot arrive any more (payments.operations.send). One that was not sent yet, because it has to keep apart from another,
# waits for a person, who cannot send it before the channel has decided (money_desk.check_no_chargeback).
_NO_MORE = """
UPDATE payments_transfer t
SET resend_until = CASE WHEN t.sent_at IS NOT NULL THEN least(t.resend_until, %(now)s) END,
    state = CASE WHEN t.sent_at IS NULL THEN 'manual' ELSE t.state END,
    error_code = CASE WHEN t.sent_at IS NULL THEN 'dispute_open' ELSE t.error_code END
FROM payments_claim k
WHERE k.id = t.claim_id AND k.capture_id = %(capture)s AND t.reference = %(reference)s
AND t.state IN ('queued', 'sending', 'pending')
"""


def _send_no_more(request: RefundRequest, capture: Capture, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_NO_MORE, {"now": now, "capture": capture.pk, "reference": request.number})
