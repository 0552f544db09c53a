"""What a side was asked for, and that it has answered (requirement F5). Not called by interfaces but for reading."""

from datetime import datetime

from ..machine import Party, State
from ..models import EvidenceDemand, RefundRequest
from ..permissions import Actor
from ..transitions import apply_transition
from .locking import clock_after


def standing_demand(request: RefundRequest) -> EvidenceDemand | None:
    """What the request waits for now; None where it waits for nothing, or was asked before demands were kept.

    Read from memory where the request came with its demands.
    """
    if request.state != State.AWAITING_EVIDENCE:
        return None
    rows = request.evidence_demands.all()
    return next((row for row in rows if row.sequence == request.sequence), None)


def asked_party(request: RefundRequest) -> Party:
    """Whom a request that waits for evidence has asked."""
    demand = standing_demand(request)
    return Party(demand.of) if demand else Party.BUYER


def answer_question(request: RefundRequest, actor: Actor, now: datetime) -> None:
    """What the case waited for is there: the review goes on. The other side's word answers nothing."""
    if request.state == State.AWAITING_EVIDENCE and asked_party(request) == actor.party:
        due = clock_after("give_evidence", request, now)
        apply_transition(request, "give_evidence", actor=actor, now=now, due=due)
