"""A transfer that waits for a person: writing down what the channel says of it now, giving the channel up, and ending
it where a chargeback has paid it.

Callers own the transaction, hold the refund request's lock, and have locked the transfer.
"""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from marketplace.kernel import ids
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.ledger.models import Transaction

from ..gateways.base import Result, Status
from ..models import Claim, Transfer
from .reserve import Part, release
from .reserve import claim as claim_part
from .send import ARRIVES_WITHIN, Attempt, record

State = Transfer.State
# Answers that say what became of the refund; any other leaves it open.
SAYS = (Status.SUCCEEDED, Status.PENDING, Status.REFUSED, Status.ABNORMAL)
# The channel has a refund under our number, of another amount: something was paid (gateways/*.py).
PAID_OTHERWISE = frozenset({"amount", "other_money", "OTHER_REFUND"})
IDENTITY_NEEDED = "identity_needed"  # written by send.hold_unidentified


class NotStuck(Refusal):
    code = "not_stuck"
    title = _("This transfer does not wait for a person.")


class CallUnderWay(Refusal):
    code = "call_under_way"
    title = _(
        "An earlier try was never answered and may still reach the channel. Give it up two hours after the last try."
    )


class CameBackBefore(Refusal):
    code = "came_back_before"
    title = _(
        "This refund had arrived, came back, and is paid again by the channel. Accounting must book this one."
    )


def lock_transfer(number: str) -> Transfer:
    """Locked until commit. Raises NotFound."""
    rows = Transfer.objects.select_for_update(of=("self",)).select_related("claim__capture__order__seller")
    transfer = rows.filter(number=number).first()
    if transfer is None:
        raise NotFound()
    return transfer


def take_word(transfer: Transfer, attempt: Attempt, result: Result, now: datetime) -> bool:
    """Record what the channel says of a stuck transfer, and book it where it was paid. False where it says nothing.

    Raises NotStuck, CameBackBefore.
    """
    if transfer.state not in Transfer.STUCK_STATES:
        raise NotStuck(state=transfer.state)
    if result.status not in SAYS:
        return False
    pays = result.status in (Status.SUCCEEDED, Status.PENDING)
    if pays and Transaction.objects.filter(reference=f"refund:{transfer.number}").exists():
        raise CameBackBefore()
    record(attempt, result, now, of=Transfer.STUCK_STATES)
    transfer.refresh_from_db(fields=["state", "error_code", "error_detail", "settled_at", "next_try_at"])
    return True


def give_up(transfer: Transfer, result: Result, now: datetime) -> None:
    """The channel has not paid and is not to be asked for it any more: the way by hand is open.

    Raises NotStuck, CallUnderWay.
    """
    if transfer.state != State.MANUAL:
        raise NotStuck(state=transfer.state)
    # A transfer that stopped keeps the time at which it would have been tried again, just after its last try, and no
    # try after `resend_until` sent anything. Where there was one try alone, its answer is why it stopped, and nothing
    # of it is under way.
    if transfer.attempts > 1 and transfer.resend_until:
        arrives_by = min(transfer.next_try_at, transfer.resend_until) + ARRIVES_WITHIN
        if now < arrives_by:
            raise CallUnderWay(until=arrives_by.isoformat())
    transfer.error_code = result.error_code[:64] or "never_arrived"
    transfer.error_detail = result.error_detail[:500]
    transfer.state = State.FAILED
    transfer.save(update_fields=["state", "error_code", "error_detail"])


def charge_back(transfer: Transfer, amount: int, now: datetime) -> int:
    """The buyer has `amount` of the transfer by a chargeback: it pays no more, and what is left of it goes on as it
    stands under a number of its own. Returns what of the amount was to come from the seller's own money.

    The captures are locked, and the channel has said that it does not pay the transfer, or was never asked to.
    """
    claim = transfer.claim
    from_settled = max(0, amount - (claim.amount - claim.from_settled))
    release(claim, now)
    transfer.state, transfer.by_chargeback, left_in = State.CHARGED_BACK, amount, transfer.state
    transfer.save(update_fields=["state", "by_chargeback"])
    if left := claim.amount - amount:
        part = Part(claim.capture, left, claim.from_settled - from_settled)
        Transfer.objects.create(
            claim=claim_part(part, kind=Claim.Kind.REFUND, reference=claim.reference, now=now),
            number=ids.number("RT", now),
            reference=transfer.reference,
            state=left_in,
            next_try_at=now,
            error_code=transfer.error_code,
            error_detail=transfer.error_detail,
            created_at=now,
        )
    return from_settled


def release_held(references: list[str], now: datetime) -> list[str]:
    """Make transfers that waited for a buyer's identity due; return the references of those that did."""
    held = Transfer.objects.select_for_update().filter(
        reference__in=references, state=State.QUEUED, error_code=IDENTITY_NEEDED
    )
    found = list(held.order_by("id"))
    for transfer in found:
        transfer.error_code, transfer.next_try_at = "", now
        transfer.save(update_fields=["error_code", "next_try_at"])
    return list(dict.fromkeys(transfer.reference for transfer in found))


def is_held(transfer: Transfer) -> bool:
    """Whether it waits for its buyer's identity (requirement B9)."""
    return transfer.state == State.QUEUED and transfer.error_code == IDENTITY_NEEDED
