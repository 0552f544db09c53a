"""More time for the clock of one case, given by a person with a reason (requirement E7)."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotPermitted, Refusal

from ..machine import Clock, Party
from ..models import Deadline, Extension
from ..permissions import require_deed
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


def extend(*, number: str, user: User, until: datetime, note: str, now: datetime) -> Deadline:
    """Let the running clock run until `until`, and tell both sides why.

    Raises ReasonsNeeded, NotPermitted (also: a reviewer's own clock is a supervisor's to extend), NotFound, NoClock,
    NotLonger, TooLong (beyond what the terms allow for the gravest case, counted from the clock's start).
    """
    if not note.strip():
        raise ReasonsNeeded()
    require_deed(user, "extend")
    with transaction.atomic(durable=True):
        request, actor = lock_for_staff(number, user)
        clock = Deadline.objects.filter(
            request=request, sequence=request.sequence, kind=request.due_kind, closed_at__isnull=True
        ).first()
        if clock is None:
            raise NoClock()
        if clock.kind in OF_STAFF and actor.party != Party.SUPERVISOR:
            raise NotPermitted(_("A supervisor extends the clocks of staff."))
        if until <= max(clock.due_at, now):
            raise NotLonger(due_at=clock.due_at.isoformat())
        most = timedelta(
            days=in_force(request.order.goods_type, request.filed_at).terms.clocks.mass_fault_days
        )
        if until > clock.started_at + most:
            raise TooLong(at_most=(clock.started_at + most).isoformat())
        Extension.objects.create(
            deadline=clock, user=user, note=note.strip(), at=now, was_due_at=clock.due_at, due_at=until
        )
        clock.due_at = until
        clock.save(update_fields=["due_at"])
        text = gettext("The deadline was put off to %(until)s (Beijing time): %(why)s")
        say(
            request,
            actor,
            text % {"until": timezone.localtime(until).strftime("%Y-%m-%d %H:%M"), "why": note.strip()},
            now,
        )
        return clock
