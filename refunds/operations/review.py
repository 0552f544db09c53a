"""What staff decide (requirements F5, F8): a reviewer's moves, a supervisor's, and the ruling in arbitration.

A decision attributes fault. With the seller at fault the refund is forced: it needs no answer of theirs.
"""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal, SecondPersonNeeded
from marketplace.kernel.transactions import durable

from ..machine import State
from ..models import Appeal, PanelMember, Proposal, RefundRequest
from ..permissions import Actor
from ..transitions import apply_transition, edge_for
from . import judging
from .appealed import close_appeal, refuse_after_ruling
from .approve import AmountOutOfRange, approve
from .hold import lock_to_decide
from .judging import Ruling
from .locking import clock_after

# The same decision in arbitration is a ruling: another edge, open to other people.
APPROVES = {State.MANUAL_REVIEW: "approve", State.ARBITRATION: "rule_for_buyer"}
REJECTS = {State.MANUAL_REVIEW: "reject", State.ARBITRATION: "rule_for_seller"}
MAX_CLAUSE = 16  # characters


class ReasonsNeeded(Refusal):
    code = "reasons_needed"
    status = 422
    title = _("Write the reasons: the parties will read them.")


class PanelVotes(Refusal):
    code = "panel_votes"
    title = _("A panel sits over this case: it rules by the votes of its members.")


class ClauseNeeded(Refusal):
    code = "clause_needed"
    status = 422
    title = _("Name the clause the rejection rests on, in at most 16 characters.")


def approve_request(
    *,
    number: str,
    user: User,
    amount: int | None,
    note: str,
    fault: str,
    now: datetime,
    clause: str = "",
    deviation: str = "",
    shares: dict[str, int] | None = None,
) -> RefundRequest:
    """Approve `amount` minor units (None: all), with `fault` of refunds.faults. Above the two-person limit the first
    call proposes, and a second person's call with the same amount approves; the state tells which happened. `shares`
    divide the fault in percent.

    Raises ReasonsNeeded, FaultNeeded, SharesInvalid, DeviationNeedsReason, AmountOutOfRange, SecondPersonNeeded,
    PanelVotes, HeldByAnother, NotPermitted, NotFound, InvalidTransition.
    """
    require_reasons(note)
    judging.require_fault(fault, for_buyer=True, shares=shares)
    with durable():
        request, actor = lock_to_decide(number, user, now)
        event = APPROVES.get(State(request.state), "approve")
        edge_for(request.state, event, actor.party)
        require_no_panel(request)
        amount = request.amount if amount is None else amount
        if not 0 < amount <= request.amount:
            raise AmountOutOfRange(amount=amount, at_most=request.amount)
        maker_id, checker_id = user.pk, None
        proposal = standing_proposal(request) if amount > request.two_person_above else None
        if proposal is not None and proposal.amount == amount:
            if proposal.by_id == user.pk:
                raise SecondPersonNeeded(
                    _("You proposed this amount. Above the limit another person must confirm it.")
                )
            maker_id, checker_id = proposal.by_id, user.pk
            deviation = deviation.strip() or proposal.deviation
            shares = shares or (proposal.shares if fault == proposal.fault else None)
        ruling = Ruling(fault, note.strip(), clause, deviation.strip(), shares)
        question = judging.weigh(request, for_buyer=True, deviation=ruling.deviation)
        if amount > request.two_person_above and checker_id is None:
            _propose(request, user, proposal, ruling, amount=amount, now=now)
            return request
        approve(
            request,
            event,
            actor=actor,
            now=now,
            amount=amount,
            clause=clause,
            note=ruling.note,
            maker_id=maker_id,
            checker_id=checker_id,
        )
        judging.keep(request, question, ruling, user_id=user.pk, amount=amount, now=now)
        return request


def reject(
    *, number: str, user: User, clause: str, note: str, fault: str, now: datetime, deviation: str = ""
) -> RefundRequest:
    """Raises ClauseNeeded, ReasonsNeeded, FaultNeeded, RefundForced (the seller is at fault), DeviationNeedsReason,
    PanelVotes, HeldByAnother, NotPermitted, NotFound, InvalidTransition.
    """
    clause = require_clause(clause)
    require_reasons(note)
    judging.require_fault(fault, for_buyer=False)
    with durable():
        request, actor = lock_to_decide(number, user, now)
        event = REJECTS.get(State(request.state), "reject")
        edge_for(request.state, event, actor.party)
        require_no_panel(request)
        ruling = Ruling(fault, note.strip(), clause, deviation.strip())
        question = judging.weigh(request, for_buyer=False, deviation=ruling.deviation)
        _apply(request, event, actor, ruling.note, clause, now)
        judging.keep(request, question, ruling, user_id=user.pk, amount=0, now=now)
        return request


def hear_appeal(*, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    """Take a rejected request up again, and decide with it the appeal that waits. Raises as refer, and
    RulingIsFinal, DecidedYourself, AppealOvertaken.
    """
    return _contest("hear_appeal", Appeal.Outcome.HEARD, number, user, note, now)


def escalate(*, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    """Take a rejected request to arbitration, and decide with it the appeal that waits. Raises as hear_appeal."""
    return _contest("escalate", Appeal.Outcome.ESCALATED, number, user, note, now)


def resume(*, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    """Go on without the evidence asked for. Raises as refer."""
    return _move("resume", number=number, user=user, note=note, now=now)


def take_over(*, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    """Step in before the seller's time is up, with a reason (F1). Raises as refer."""
    return _move("take_over", number=number, user=user, note=note, now=now)


def refer(*, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    """Refer to arbitration. Raises ReasonsNeeded, HeldByAnother, NotPermitted, NotFound, InvalidTransition."""
    return _move("refer", number=number, user=user, note=note, now=now)


def seats_of(request: RefundRequest) -> int:
    """How many sit over the case now."""
    return PanelMember.objects.filter(request=request, left_at__isnull=True).count()


def standing_proposal(request: RefundRequest) -> Proposal | None:
    """The approval that waits for its second person; any move of the request since has voided it."""
    return Proposal.objects.filter(request=request, sequence=request.sequence).order_by("-id").first()


def _propose(
    request: RefundRequest,
    user: User,
    standing: Proposal | None,
    ruling: Ruling,
    *,
    amount: int,
    now: datetime,
) -> None:
    if standing is not None:
        raise AmountOutOfRange(
            _("Another amount is proposed already. Confirm that one, or reject the request."),
            proposed=standing.amount,
        )
    Proposal.objects.create(
        request=request, sequence=request.sequence, amount=amount, by=user, at=now, **ruling._asdict()
    )
    request.refresh_from_db(fields=["proposer", "holder", "held_at", "held_until"])


def _contest(
    event: str, outcome: Appeal.Outcome, number: str, user: User, note: str, now: datetime
) -> RefundRequest:
    require_reasons(note)
    with durable():
        request, actor = lock_to_decide(number, user, now)
        edge_for(request.state, event, actor.party)
        refuse_after_ruling(request)
        _apply(request, event, actor, note.strip(), "", now)
        close_appeal(request, outcome, user=user, note=note.strip(), now=now)
        return request


def _move(event: str, *, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    require_reasons(note)
    with durable():
        request, actor = lock_to_decide(number, user, now)
        _apply(request, event, actor, note.strip(), "", now)
        return request


def _apply(request: RefundRequest, event: str, actor: Actor, note: str, clause: str, now: datetime) -> None:
    due = clock_after(event, request, now)
    apply_transition(request, event, actor=actor, now=now, due=due, note=note, clause=clause)


def require_reasons(note: str) -> None:
    """Raises ReasonsNeeded."""
    if not note.strip():
        raise ReasonsNeeded()


def require_clause(clause: str) -> str:
    """Trimmed. Raises ClauseNeeded."""
    clause = clause.strip()
    if not 0 < len(clause) <= MAX_CLAUSE:
        raise ClauseNeeded()
    return clause


def require_no_panel(request: RefundRequest) -> None:
    """Where several sit over a case, none of them rules alone, and nobody in their place. Raises PanelVotes."""
    if request.state == State.ARBITRATION and seats_of(request) > 1:
        raise PanelVotes()
