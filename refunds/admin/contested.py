"""The part of the case page about who contests a decision, and who sits over the case in arbitration (F8)."""

from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _

from marketplace.identity.models import User
from marketplace.kernel.templatetags.recourse import money
from refunds.casefile.views import person
from refunds.desk_queries import Case
from refunds.machine import State
from refunds.models import PanelMember, Vote
from refunds.permissions import may_do

from .deeds import deed_form
from .looks import APPEAL_OVERDUE, APPEAL_PROPOSED, APPEALS, look_badge


class Seat(NamedTuple):
    member: PanelMember
    name: str
    says: str  # how they voted, as far as this person may know
    note: str
    remove_form: Any  # None where this person may not let them go


def panel_shown(user: User, case: Case) -> dict[str, Any]:
    """For desk/case/panel.html: nothing outside arbitration, unless somebody sits there."""
    in_arbitration = case.request.state == State.ARBITRATION
    votes = {vote.member_id: vote for vote in case.votes}
    mine = {seat.pk for seat in case.seats if seat.arbiter_id == user.pk}
    # Who has still to vote does not see how the others did.
    is_sealed = bool(mine) and not mine & votes.keys() and in_arbitration
    seats = [
        Seat(
            seat,
            person(seat.arbiter),
            _says(votes.get(seat.pk), case, is_sealed),
            "" if is_sealed or seat.pk not in votes else votes[seat.pk].note,
            deed_form("remove", [], member=seat.pk) if in_arbitration and may_do(user, "remove") else None,
        )
        for seat in case.seats
    ]
    appoints = in_arbitration and may_do(user, "appoint") and len(seats) < 3
    return {
        "has_panel": in_arbitration or bool(seats),
        "seats": seats,
        "panel_votes": len(seats) > 1,
        "appoint_form": deed_form("appoint", []) if appoints else None,
    }


def _says(vote: Vote | None, case: Case, is_sealed: bool) -> str:
    if len(case.seats) < 2:
        return ""
    if vote is None:
        return _("has not voted")
    if is_sealed:
        return _("has voted")
    if not vote.amount:
        return _("for the seller")
    return _("for the buyer: %(amount)s") % {"amount": money(vote.amount, case.request.currency)}


def appeals_shown(case: Case) -> dict[str, Any]:
    """For desk/case/appeals.html."""
    return {
        "appeals": [
            (appeal, appeal_badge(appeal), reverse("admin:refunds_appeal_change", args=[appeal.pk]))
            for appeal in case.appeals
        ]
    }


def appeal_badge(appeal: Any, now: Any = None) -> str:
    if appeal.is_waiting and now and appeal.due_at < now:
        return str(look_badge(APPEAL_OVERDUE))
    if appeal.is_waiting and appeal.proposed_by_id:
        return str(look_badge(APPEAL_PROPOSED))
    return str(look_badge(APPEALS[appeal.outcome]))
