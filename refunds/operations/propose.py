"""An agreement above the two-person limit goes to a member of staff, as a proposal to be confirmed (requirement F7)."""

from datetime import datetime

from ..clocks import Due
from ..models import Proposal, RefundRequest
from ..permissions import Actor
from ..transitions import apply_transition


def move_and_propose(
    request: RefundRequest,
    event: str,
    *,
    actor: Actor,
    now: datetime,
    due: Due,
    amount: int,
    by_id: int,
    said: str,
    note: str = "",
) -> None:
    """Move the locked request, with a proposal of `amount` minor units by the seller's user, who `said` why; `note` is
    of the move. The proposal is written for the step to come, so that the move names its proposer in one write.

    Raises InvalidTransition, NotPermitted.
    """
    Proposal.objects.create(
        request=request, sequence=request.sequence + 1, amount=amount, note=said, by_id=by_id, at=now
    )
    apply_transition(request, event, actor=actor, now=now, due=due, note=note)
