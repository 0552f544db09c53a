"""A member of a panel votes, and the vote that makes a majority is the ruling (requirement F8)."""

from collections.abc import Sequence
from datetime import datetime
from statistics import median

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotPermitted, Refusal

from ..machine import Party, State
from ..models import PanelMember, RefundRequest, Vote
from ..permissions import Actor
from ..transitions import apply_transition, edge_for
from . import judging
from .approve import AmountOutOfRange, approve
from .judging import Ruling
from .locking import clock_after, lock_for_staff
from .panel import seated_in
from .review import require_clause, require_reasons


class VotedAlready(Refusal):
    code = "voted_already"
    title = _("You have voted in this case. A vote stays as it was given.")


class NoPanel(Refusal):
    code = "no_panel"
    title = _("You alone sit over this case: rule it, no vote is needed.")


def vote(
    *,
    number: str,
    user: User,
    amount: int,
    note: str,
    fault: str,
    now: datetime,
    clause: str = "",
    deviation: str = "",
    shares: dict[str, int] | None = None,
) -> RefundRequest:
    """Vote for `amount` minor units to the buyer, or 0: for the seller, with the clause it rests on. Once more than
    half of the seats agree on the side, the ruling falls: for the buyer with the median of their amounts, rounded
    down. Above the two-person limit another of them is its maker, and the last voter its checker (F7).

    Raises ReasonsNeeded, ClauseNeeded, FaultNeeded, SharesInvalid, RefundForced, AmountOutOfRange, VotedAlready,
    NoPanel, DeviationNeedsReason, NotPermitted, NotFound, InvalidTransition, and what `approve` raises.
    """
    require_reasons(note)
    judging.require_fault(fault, for_buyer=amount > 0, shares=shares)
    clause = clause.strip() if amount > 0 else require_clause(clause)
    with transaction.atomic(durable=True):
        request, actor = lock_for_staff(number, user)
        event = "rule_for_buyer" if amount > 0 else "rule_for_seller"
        edge_for(request.state, event, actor.party)
        if not 0 <= amount <= request.amount:
            raise AmountOutOfRange(amount=amount, at_most=request.amount)
        seats = list(seated_in(request))
        mine = _seat(request, user, seats)
        ruling = Ruling(fault, note.strip(), clause, deviation.strip(), shares)
        Vote.objects.create(
            member=mine,
            sequence=request.sequence,
            amount=amount,
            fault=fault,
            shares=shares,
            clause=clause,
            note=ruling.note,
            at=now,
        )
        agreed = [each for each in votes_in(request, seats) if (each.amount > 0) == (amount > 0)]
        if len(agreed) * 2 > len(seats):
            _rule(request, event, actor, agreed, ruling, now)
        return request


def votes_in(request: RefundRequest, seats: Sequence[PanelMember]) -> list[Vote]:
    """The votes of those seated, in the arbitration the request is in, oldest first."""
    rows = Vote.objects.filter(member__in=seats, sequence=request.sequence).select_related("member")
    return list(rows.order_by("id"))


def _seat(request: RefundRequest, user: User, seats: Sequence[PanelMember]) -> PanelMember:
    mine = next((member for member in seats if member.arbiter_id == user.pk), None)
    if mine is None:  # a supervisor, whose edge it is too
        raise NotPermitted(_("Only those who sit over the case vote."))
    if len(seats) == 1:
        raise NoPanel()
    if votes_in(request, [mine]):
        raise VotedAlready()
    return mine


def _rule(
    request: RefundRequest, event: str, actor: Actor, agreed: Sequence[Vote], ruling: Ruling, now: datetime
) -> None:
    """By the last voter, in the name of those who agreed."""
    assert actor.party == Party.ARBITER and actor.user_id is not None and request.state == State.ARBITRATION
    for_buyer = event == "rule_for_buyer"
    question = judging.weigh(request, for_buyer=for_buyer, deviation=ruling.deviation)
    amount = int(median(vote.amount for vote in agreed))
    if for_buyer:
        approve(
            request,
            event,
            actor=actor,
            now=now,
            amount=amount,
            clause=ruling.clause,
            note=ruling.note,
            maker_id=agreed[0].member.arbiter_id,
            checker_id=actor.user_id,
        )
    else:
        due = clock_after(event, request, now)
        apply_transition(
            request, event, actor=actor, now=now, due=due, note=ruling.note, clause=ruling.clause
        )
    judging.keep(request, question, ruling, user_id=actor.user_id, amount=amount, now=now)
