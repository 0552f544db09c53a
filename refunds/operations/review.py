"""What staff decide (requirements F5, F8): a reviewer's moves, a supervisor's, and the ruling in arbitration.

A decision attributes fault. With the seller at fault the refund is forced: it needs no answer of theirs.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal, SecondPersonNeeded

from ..machine import State
from ..models import Proposal, RefundRequest
from ..permissions import Actor
from ..transitions import apply_transition, edge_for
from . import judging
from .approve import AmountOutOfRange, approve
from .judging import Ruling
from .locking import clock_after, lock_for_staff

# The same decision in arbitration is a ruling: another edge, open to other people.
APPROVES = {State.MANUAL_REVIEW: "approve", State.ARBITRATION: "rule_for_buyer"}
REJECTS = {State.MANUAL_REVIEW: "reject", State.ARBITRATION: "rule_for_seller"}
MAX_CLAUSE = 16  # characters


class ReasonsNeeded(Refusal):
    code = "reasons_needed"
    status = 422
    title = _("Write the reasons: the parties will read them.")


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
) -> RefundRequest:
    """Approve `amount` minor units (None: all), with `fault` of refunds.faults. Above the two-person limit the first
    call proposes, and a second person's call with the same amount approves; the state tells which happened.

    Raises ReasonsNeeded, FaultNeeded, DeviationNeedsReason, AmountOutOfRange, SecondPersonNeeded, NotPermitted,
    NotFound, InvalidTransition.
    """
    _require(note)
    judging.require_fault(fault, for_buyer=True)
    with transaction.atomic(durable=True):
        request, actor = lock_for_staff(number, user)
        event = APPROVES.get(State(request.state), "approve")
        edge_for(request.state, event, actor.party)
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
        ruling = Ruling(fault, note.strip(), clause, deviation.strip())
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
    NotPermitted, NotFound, InvalidTransition.
    """
    clause = clause.strip()
    if not 0 < len(clause) <= MAX_CLAUSE:
        raise ClauseNeeded()
    _require(note)
    judging.require_fault(fault, for_buyer=False)
    with transaction.atomic(durable=True):
        request, actor = lock_for_staff(number, user)
        event = REJECTS.get(State(request.state), "reject")
        edge_for(request.state, event, actor.party)
        ruling = Ruling(fault, note.strip(), clause, deviation.strip())
        question = judging.weigh(request, for_buyer=False, deviation=ruling.deviation)
        _apply(request, event, actor, ruling.note, clause, now)
        judging.keep(request, question, ruling, user_id=user.pk, amount=0, now=now)
        return request


def hear_appeal(*, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    """Take a rejected request up again. Raises as ask_evidence."""
    return _move("hear_appeal", number=number, user=user, note=note, now=now)


def escalate(*, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    """Take a rejected request to arbitration. Raises as ask_evidence."""
    return _move("escalate", number=number, user=user, note=note, now=now)


def ask_evidence(*, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    """Ask the buyer for what is missing; `note` says what. Raises as reject, but for the clause."""
    return _move("ask_evidence", number=number, user=user, note=note, now=now)


def resume(*, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    """Go on without the evidence asked for. Raises as ask_evidence."""
    return _move("resume", number=number, user=user, note=note, now=now)


def take_over(*, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    """Step in before the seller's time is up, with a reason (F1). Raises as ask_evidence."""
    return _move("take_over", number=number, user=user, note=note, now=now)


def refer(*, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    """Refer to arbitration. Raises as ask_evidence."""
    return _move("refer", number=number, user=user, note=note, now=now)


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


def _move(event: str, *, number: str, user: User, note: str, now: datetime) -> RefundRequest:
    _require(note)
    with transaction.atomic(durable=True):
        request, actor = lock_for_staff(number, user)
        _apply(request, event, actor, note.strip(), "", now)
        return request


def _apply(request: RefundRequest, event: str, actor: Actor, note: str, clause: str, now: datetime) -> None:
    due = clock_after(event, request, now)
    apply_transition(request, event, actor=actor, now=now, due=due, note=note, clause=clause)


def _require(note: str) -> None:
    if not note.strip():
        raise ReasonsNeeded()
