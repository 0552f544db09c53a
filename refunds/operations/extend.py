"""More time for the clock of one case, given by a person with a reason (requirement E7)."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotPermitted, Refusal
from marketplace.kernel.transactions import durable

from ..machine import Clock, Party
from ..models import Deadline, Extension, RefundRequest
from ..permissions import Actor, may_do, require_deed
from ..policies import in_force
from .locking import lock_for_staff
from .review import ReasonsNeeded
from .say import say

# Their own clocks: a reviewer does not put off the day by which a reviewer must decide.
OF_STAFF = (Clock.REVIEW, Clock.ARBITRATION, Clock.PAYOUT)


class NoClock(Refusal):
    code = "no_clock"
    title = _("No clock is running that could be extended.")


class NotLonger(Refusal):
    code = "not_longer"
    status = 422
    title = _("A deadline is never shortened: choose a later time than the present one.")


class TooLong(Refusal):
    code = "too_long"
    status = 422
    title = _("That is more time than the terms allow for a case.")


def may_extend(user: User, kind: str) -> bool:
    """Whether this person may put off a clock of this kind."""
    return may_do(user, "extend") and (kind not in OF_STAFF or user.role == Party.SUPERVISOR)


def extend(*, number: str, user: User, until: datetime, note: str, now: datetime) -> Deadline:
    """Let the running clock run until `until`, and tell both sides why.

    Raises ReasonsNeeded, NotPermitted (also: a reviewer's own clock is a supervisor's to extend), NotFound, NoClock,
    NotLonger, TooLong (beyond what the terms allow for the gravest case, counted from the clock's start).
    """
    if not note.strip():
        raise ReasonsNeeded()
    require_deed(user, "extend")
    with durable():
        request, actor = lock_for_staff(number, user)
        clock = Deadline.objects.filter(
            request=request, sequence=request.sequence, kind=request.due_kind, closed_at__isnull=True
        ).first()
        if clock is None:
            raise NoClock()
        if not may_extend(user, clock.kind):
            raise NotPermitted(_("A supervisor extends the clocks of staff."))
        if until <= max(clock.due_at, now):
            raise _not_longer(until, clock, now)
        most = timedelta(
            days=in_force(request.order.goods_type, request.filed_at).terms.clocks.mass_fault_days
        )
        if until > clock.started_at + most:
            raise _too_long(until, clock.started_at + most)
        put_off(request, clock, actor, until=until, why=note.strip(), now=now)
        return clock


def put_off(
    request: RefundRequest, clock: Deadline, actor: Actor, *, until: datetime, why: str, now: datetime
) -> None:
    """In the caller's transaction, for whoever made sure that it may be."""
    Extension.objects.create(
        deadline=clock, user_id=actor.user_id, note=why, at=now, was_due_at=clock.due_at, due_at=until
    )
    clock.due_at = until
    clock.save(update_fields=["due_at"])
    text = gettext("The deadline was put off to %(until)s (Beijing time): %(why)s")
    say(request, actor, text % {"until": _minute(until), "why": why}, now)


def _not_longer(until: datetime, clock: Deadline, now: datetime) -> NotLonger:
    known = {"until": _minute(until), "than": _minute(max(clock.due_at, now))}
    detail = gettext(
        "%(until)s is not later than %(than)s. A deadline is never shortened: choose a later time."
    )
    return NotLonger(detail % known, due_at=clock.due_at.isoformat())


def _too_long(until: datetime, most: datetime) -> TooLong:
    known = {"until": _minute(until), "most": _minute(most)}
    detail = gettext("%(until)s is more time than the terms allow for a case: choose %(most)s at the latest.")
    return TooLong(detail % known, at_most=most.isoformat())


def _minute(at: datetime) -> str:
    """Beijing time, as everybody reads it."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M")
