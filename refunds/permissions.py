"""Who acts: the party a signed-in person is in a case. Which edges a party may take stands in machine.py."""

from typing import NamedTuple

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, NotPermitted
from sellers.models import Membership

from .machine import BY_MOVE, NEW, Edge, Party, moves_from
from .models import PanelMember, RefundRequest

STAFF_PARTIES = frozenset({Party.SUPPORT, Party.REVIEWER, Party.SUPERVISOR, Party.ARBITER})


_JUDGES = frozenset({Party.REVIEWER, Party.SUPERVISOR, Party.ARBITER})
# What staff may do in a case without moving it, by party. Moves stand in machine.py.
DEEDS: dict[str, frozenset[Party]] = {
    "ask_provider": _JUDGES | {Party.SUPPORT},
    "write_answer": _JUDGES | {Party.SUPPORT},
    "show_code": frozenset({Party.REVIEWER, Party.SUPERVISOR}),
    "clear_flag": frozenset({Party.SUPERVISOR}),
    "extend": frozenset({Party.REVIEWER, Party.SUPERVISOR}),
    "decide_together": frozenset({Party.REVIEWER, Party.SUPERVISOR}),  # many cases with one form
    "import_files": frozenset({Party.SUPERVISOR}),
    "change_clocks": frozenset({Party.SUPERVISOR}),  # outages, peaks, the calendar
    "appoint": frozenset({Party.SUPERVISOR}),
    "remove": frozenset({Party.SUPERVISOR}),
    "decide_appeal": frozenset({Party.SUPERVISOR}),
    "mass_fault": frozenset({Party.SUPERVISOR}),
    "mark_known": frozenset({Party.SUPERVISOR}),  # how a closed case should have been decided
}


class Actor(NamedTuple):
    """Who makes a move: a party, and the person where it is not the machine or the buyer."""

    party: Party
    user_id: int | None = None


SYSTEM = Actor(Party.SYSTEM)
BUYER = Actor(Party.BUYER)


def staff(user: User) -> Actor:
    """A member of staff in their role. Raises NotPermitted for a role that takes no part in cases."""
    if not (user.is_active and user.is_staff and user.role in STAFF_PARTIES):
        raise NotPermitted(_("Your role takes no part in cases."))
    return Actor(Party(user.role), user.pk)


def is_outside(user: User) -> bool:
    """Whether this person knows nothing of the platform but the cases they were appointed to (F8)."""
    return user.role == Party.ARBITER


def reach(user: User) -> Q:
    """The requests this member of staff may see and work on: an arbiter's are those they are seated in."""
    if not is_outside(user):
        return Q()
    return Q(pk__in=PanelMember.objects.filter(arbiter=user, left_at__isnull=True).values("request"))


def reaches(user: User, request_id: int) -> bool:
    return not is_outside(user) or RefundRequest.objects.filter(reach(user), pk=request_id).exists()


def may_do(user: User, deed: str) -> bool:
    return bool(user.is_active and user.is_staff and user.role in DEEDS[deed])


def require_deed(user: User, deed: str) -> None:
    """Raises NotPermitted."""
    if not may_do(user, deed):
        raise NotPermitted()


def may_file(user: User) -> bool:
    """Whether this member of staff may file for a buyer."""
    return bool(user.is_active and user.is_staff and user.role in BY_MOVE["file", NEW].by)


def seller_of(user: User, request: RefundRequest) -> Actor:
    """A seller's person in a case of that seller. Raises NotFound for anybody else: cases are not announced."""
    if not user.is_active or not Membership.objects.filter(user=user, seller_id=request.seller_id).exists():
        raise NotFound()
    return Actor(Party.SELLER, user.pk)


def moves_for(user: User, request: RefundRequest) -> list[Edge]:
    """The moves this member of staff may make now: exactly the buttons to show."""
    return moves_from(request.state, user.role) if user.is_active and user.is_staff and user.role else []
