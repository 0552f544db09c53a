"""Cases in hand: the next one of a queue, and on the case page taking one, putting it back, handing it over."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from refunds.casefile.views import person
from refunds.desk_queries import QUEUES, UNASSIGNED, Queue
from refunds.machine import Party, State
from refunds.models import Hold, RefundRequest
from refunds.operations import hold
from refunds.operations.draw_trial import trial_instead
from refunds.permissions import is_outside

from .trials import put_aside

SEE_OTHER = 303
ANY_CASE = (UNASSIGNED, "review")  # queues of no special kind: a trial in one of the others would stand out


class Holding(NamedTuple):
    """For desk/case/holding.html: in whose hands the case is, and what this person may do about it."""

    holder: str  # "" where nobody has it
    is_mine: bool
    until: Any
    may_claim: bool  # nobody has it
    may_take_over: bool  # another has it, and a note takes it from them
    hand_to: list[tuple[int, str]]
    last: Hold | None  # how the hold before ended, where somebody said why


class Act(NamedTuple):
    run: Callable[[str, User, QueryDict, datetime], object]
    done: Promise


def _claim(number: str, user: User, data: QueryDict, now: datetime) -> object:
    return hold.claim(number=number, user=user, now=now, note=data.get("note", ""))


def _release(number: str, user: User, data: QueryDict, now: datetime) -> object:
    return hold.release(number=number, user=user, now=now)


def _hand_over(number: str, user: User, data: QueryDict, now: datetime) -> object:
    to, note = data.get("to", ""), data.get("note", "")
    return hold.hand_over(number=number, user=user, to_id=int(to) if to.isdigit() else 0, note=note, now=now)


ACTS = {
    "claim": Act(_claim, gettext_lazy("You have the case in hand.")),
    "release": Act(_release, gettext_lazy("Put back: anybody can take it.")),
    "hand_over": Act(_hand_over, gettext_lazy("Handed over.")),
}


def next_queue(queue: Queue | None, user: User) -> str:
    """Where “Next case” takes from for this person, "" for who decides none: the queue looked at, else UNASSIGNED."""
    if queue is not None and queue.claims and hold.judges(user, queue.claims):
        return queue.key
    return UNASSIGNED if hold.judges(user, State.MANUAL_REVIEW) else ""


def claim_next_view(model_admin: Any, request: HttpRequest) -> HttpResponseRedirect:
    """Takes the next case of a queue in hand and leads to it; back to the queue where nothing waits."""
    if not model_admin.has_view_permission(request) or not hold.judges(
        cast(User, request.user), State.MANUAL_REVIEW
    ):
        raise PermissionDenied
    return _see(take_next(request, request.POST.get("queue") or UNASSIGNED))


def take_next(request: HttpRequest, key: str) -> str:
    """Where the next case of a queue stands, taken in hand; the queue itself where nothing waits for this person."""
    user, queue, now = cast(User, request.user), QUEUES.get(key), timezone.now()
    found = None
    if queue is not None and queue.claims and hold.judges(user, queue.claims):
        among = queue.picks(now, user)
        if queue.key in ANY_CASE and (number := trial_instead(user=user, now=now, among=among)):
            return _came_from(key, number)
        found = hold.claim_next(user=user, now=now, among=among, state=queue.claims)
    if found is not None:
        return _came_from(key, found.number)
    messages.info(
        request, _("Nothing waits for you in this queue: what is in it, others have in hand or must decide.")
    )
    back = reverse("admin:refunds_refundrequest_changelist")
    return f"{back}?queue={queue.key}" if queue else back


def _came_from(key: str, number: str) -> str:
    came_from = urlencode({"_changelist_filters": f"queue={key}"})
    return f"{reverse('admin:refunds_refundrequest_case', args=[number])}?{came_from}"


def hold_view(model_admin: Any, request: HttpRequest, number: str) -> HttpResponseRedirect:
    """`do` of claim, release and hand_over, each one operation; then back to the case, with what was refused said."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    act = ACTS.get(request.POST.get("do", ""))
    try:
        if act is None:
            messages.error(request, _("There is no such move."))
        else:
            act.run(number, cast(User, request.user), request.POST, timezone.now())
            messages.success(request, str(act.done))
    except NotFound:
        if put_aside(request, number):
            return HttpResponseRedirect(reverse("admin:refunds_refundrequest_case", args=[number]))
        messages.warning(request, _("There is no case %(number)s.") % {"number": number})
        return HttpResponseRedirect(reverse("admin:refunds_refundrequest_changelist"))
    except Refusal as refusal:
        messages.error(request, str(refusal.detail))
    return HttpResponseRedirect(reverse("admin:refunds_refundrequest_case", args=[number]))


def holding_panel(user: User, row: RefundRequest) -> dict[str, Any]:
    """Context of desk/case/holding.html. An arbiter sees the case alone, not whose desk it is on."""
    if is_outside(user):
        return {"holding": None}
    is_judge, is_mine = hold.judges(user, row.state), row.holder_id == user.pk
    by_another = hold.is_held_by_another(row, user, timezone.now())
    gives = is_judge and (is_mine or user.role == Party.SUPERVISOR)
    last = (
        row.holds.filter(row.in_view("ended_at")).select_related("by").order_by("-id").first()
        if is_judge
        else None
    )
    shown = Holding(
        holder=person(row.holder) if is_mine or by_another else "",
        is_mine=is_mine,
        until=row.held_until,
        may_claim=is_judge and not is_mine and not by_another,
        may_take_over=by_another and is_judge and user.role == Party.SUPERVISOR,
        hand_to=[(each.pk, person(each)) for each in hold.colleagues(user, row.state)] if gives else [],
        last=last if last and last.note else None,
    )
    says_something = shown.holder or shown.may_claim or shown.hand_to or shown.last
    return {"holding": shown if says_something else None}


def _see(url: str) -> HttpResponseRedirect:
    answer = HttpResponseRedirect(url)
    answer.status_code = SEE_OTHER
    return answer
