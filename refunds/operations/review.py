"""What staff decide (requirements F5, F8): a reviewer's moves, a supervisor's, and the ruling in arbitration."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal

from .. import clocks
from ..machine import State
from ..models import Proposal, RefundRequest
from ..permissions import Actor
from ..transitions import apply_transition, edge_for
from .approve import AmountOutOfRange, approve
from .locking import clock_terms, lock_for_staff

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


class SecondPersonNeeded(Refusal):
    code = "second_person_needed"
    title = _("You proposed this amount. Above the limit another person must confirm it.")


def approve_request(
    *, number: str, user: User, amount: int | None, note: str, now: datetime, clause: str = ""
) -> RefundRequest:
    """Approve `amount` minor units (None: all). Above the two-person limit the first call proposes, and a
    second person's call with the same amount approves; the state tells which happened.

    Raises ReasonsNeeded, AmountOutOfRange, SecondPersonNeeded, NotPermitted, NotFound, InvalidTransition.
    """
    _require(note)
    with transaction.atomic(durable=True):
        request, actor = lock_for_staff(number, user)
        event = APPROVES.get(State(request.state), "approve")
        edge_for(request.state, event, actor.party)
        amount = request.amount if amount is None else amount
        if not 0 < amount <= request.amount:
            raise AmountOutOfRange(amount=amount, at_most=request.amount)
        maker_id, checker_id = user.pk, None
        if amount > request.two_person_above:
            proposal = standing_proposal(request)
            if proposal is None or proposal.amount != amount:
                _propose(request, user, proposal, amount=amount, clause=clause, note=note, now=now)
                return request
            if proposal.by_id == user.pk:
                raise SecondPersonNeeded()
            maker_id, checker_id = proposal.by_id, user.pk
        approve(
            request,
            event,
            actor=actor,
            now=now,
            amount=amount,
            clause=clause,
            note=note,
            maker_id=maker_id,
            checker_id=checker_id,
        )
        return request


def reject(*, number: str, user: User, clause: str, note: str, now: datetime) -> RefundRequest:
    """Raises ClauseNeeded, ReasonsNeeded, NotPermitted, NotFound, InvalidTransition."""
    if not 0 < len(clause.strip()) <= MAX_CLAUSE:
        raise ClauseNeeded()
    return _move("reject", number=number, user=user, clause=clause.strip(), note=note, now=now)


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
    *,
    amount: int,
    clause: str,
    note: str,
    now: datetime,
) -> None:
    if standing is not None:
        raise AmountOutOfRange(
            _("Another amount is proposed already. Confirm that one, or reject the request."),
            proposed=standing.amount,
        )
    Proposal.objects.create(
        request=request, sequence=request.sequence, amount=amount, clause=clause, note=note, by=user, at=now
    )


def _move(
    event: str, *, number: str, user: User, note: str, now: datetime, clause: str = ""
) -> RefundRequest:
    _require(note)
    with transaction.atomic(durable=True):
        request, actor = lock_for_staff(number, user)
        if event == "reject":
            event = REJECTS.get(State(request.state), event)
        _apply(request, event, actor, note.strip(), clause, now)
        return request


def _apply(request: RefundRequest, event: str, actor: Actor, note: str, clause: str, now: datetime) -> None:
    due = clocks.after(event, clock_terms(request), now)
    apply_transition(request, event, actor=actor, now=now, due=due, note=note, clause=clause)


def _require(note: str) -> None:
    if not note.strip():
        raise ReasonsNeeded()
