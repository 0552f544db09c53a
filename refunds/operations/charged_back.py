"""A refund that failed, of a payment whose chargeback was lost: the buyer has the money, and it is not paid again (H1).

While the refund was under way its claim kept the dispute from holding that money. When the one is lost and the other
has failed for good, in whichever order, the claim becomes the dispute's: the seller bears it as the refund would have
been borne, and the platform no more than was really paid twice (G4).

Taken over is only what certainly was not paid: refused by the channel, undeliverable, or never sent. A transfer of
which nobody knows waits for a person to ask its channel or give it up, and ends here with the answer.

Callers hold the request's lock. Who closes a dispute locks the requests of its order before its captures, so that of
the two that meet here, the later one sees what the earlier one wrote.
"""

from datetime import datetime

from django.db.models import Q

from marketplace.ledger.operations import book
from marketplace.payments.models import Claim, Transfer
from marketplace.payments.operations.bearing import shares
from marketplace.payments.operations.reserve import Part, claim, lock_captures
from marketplace.payments.operations.stuck import charge_back
from marketplace.risk.models import Dispute

from ..machine import State
from ..models import RefundRequest
from .disputed import let_go

_IS_UNPAID = Q(state__in=Transfer.BY_HAND_STATES) | Q(state=Transfer.State.MANUAL, sent_at__isnull=True)


def take_over(request: RefundRequest, now: datetime) -> None:
    """A transfer of the locked request has failed for good: where its payment was lost to a chargeback, that paid it.

    Books at whose cost. Locks the captures, which no caller may have done after locking a seller's accounts.
    """
    lost = Dispute.objects.filter(
        capture__order_id=request.order_id, kind=Dispute.Kind.CHARGEBACK, state=Dispute.State.LOST
    )
    if request.state != State.REFUNDING or not lost.exists():
        return
    lock_captures(request.order_id)
    for dispute in lost.select_related("claim", "capture__order__seller").order_by("id"):
        for part in _take(dispute, request.number, now):
            _book(dispute, part, now)


def take_over_for(dispute: Dispute, request: RefundRequest, now: datetime) -> bool:
    """The dispute is lost and not booked yet: let it hold what the locked request cannot pay out of its payment.

    True where it took anything. The captures are locked.
    """
    return request.state == State.REFUNDING and bool(_take(dispute, request.number, now))


def _take(dispute: Dispute, reference: str, now: datetime) -> list[tuple[Transfer, Part]]:
    """The transfers it ended, oldest first, each with the part of it the dispute paid."""
    stuck = Transfer.objects.filter(_IS_UNPAID, reference=reference, claim__capture=dispute.capture_id)
    taken = []
    for transfer in stuck.select_related("claim__capture").order_by("id"):
        if amount := min(transfer.claim.amount, dispute.contested):
            part = Part(dispute.capture, amount, charge_back(transfer, amount, now))
            _add(dispute, part, now)
            taken.append((transfer, part))
    return taken


def _add(dispute: Dispute, part: Part, now: datetime) -> None:
    """Claims are fixed: what the dispute holds already, and the part, become one."""
    held = dispute.claim
    if held is not None:
        part = Part(part.capture, part.amount + held.amount, part.from_settled + held.from_settled)
        let_go(dispute, now)
    dispute.claim = claim(part, kind=Claim.Kind.CHARGEBACK, reference=dispute.number, now=now)
    dispute.save(update_fields=["claim"])


def _book(dispute: Dispute, taken: tuple[Transfer, Part], now: datetime) -> None:
    """It was the platform's loss while the refund was thought to be paid too."""
    transfer, part = taken
    seller = dispute.capture.order.seller.code
    book(
        recipe="chargeback_borne",
        reference=f"chargeback_borne:{dispute.number}:{transfer.number}",
        amount=part.amount,
        currency=dispute.currency,
        occurred_at=now,
        shares=shares(
            amount=part.amount, from_settled=part.from_settled, seller=seller, currency=dispute.currency
        ),
        seller=seller,
    )
