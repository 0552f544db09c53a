"""A transfer that waits for a person: writing down what the channel says of it now, or giving the channel up.

Callers own the transaction, hold the refund request's lock, and have locked the transfer.
"""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import NotFound, Refusal
from marketplace.ledger.models import Transaction

from ..gateways.base import Result, Status
from ..models import Transfer
from .send import Attempt, record

State = Transfer.State
# Answers that say what became of the refund; any other leaves it open.
SAYS = (Status.SUCCEEDED, Status.PENDING, Status.REFUSED, Status.ABNORMAL)
# The channel has a refund under our number, of another amount: something was paid (gateways/*.py).
PAID_OTHERWISE = frozenset({"amount", "other_money", "OTHER_REFUND"})
IDENTITY_NEEDED = "identity_needed"  # written by send.hold_unidentified


class NotStuck(Refusal):
    code = "not_stuck"
    title = _("This transfer does not wait for a person.")


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


def give_up(transfer: Transfer, result: Result) -> None:
    """The channel has not paid and is not to be asked for it any more: the way by hand is open. Raises NotStuck."""
    if transfer.state != State.MANUAL:
        raise NotStuck(state=transfer.state)
    transfer.error_code = result.error_code[:64] or "never_arrived"
    transfer.error_detail = result.error_detail[:500]
    transfer.state = State.FAILED
    transfer.save(update_fields=["state", "error_code", "error_detail"])


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
