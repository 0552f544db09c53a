"""A case belongs to a fault that met many at once (requirement E5): its review may take as long as such a fault takes."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal

from ..machine import Clock
from ..models import Deadline
from ..permissions import require_deed
from .appealed import terms_of
from .extend import NoClock, put_off
from .locking import lock_for_staff
from .review import require_reasons


class LongEnough(Refusal):
    code = "long_enough"
    title = _("This review has as long already as a mass fault gives it.")


def mark_mass_fault(*, number: str, user: User, note: str, now: datetime) -> Deadline:
    """Let the running review take `mass_fault_days` of the terms, counted from its start, and tell both sides why. It is
    never shortened by that: where it has as long already, nothing changes.

    Raises ReasonsNeeded, NoClock (no review is running), LongEnough, NotPermitted, NotFound.
    """
    require_deed(user, "mass_fault")
    require_reasons(note)
    with transaction.atomic(durable=True):
        request, actor = lock_for_staff(number, user)
        running = {"sequence": request.sequence, "kind": Clock.REVIEW, "closed_at__isnull": True}
        clock = Deadline.objects.filter(request=request, **running).first()
        if clock is None:
            raise NoClock()
        until = clock.started_at + timedelta(days=terms_of(request).mass_fault_days)
        if until <= clock.due_at:
            raise LongEnough()
        why = gettext("Belongs to a fault that met many at once: %(note)s") % {"note": note.strip()}
        put_off(request, clock, actor, until=until, why=why, now=now)
        return clock
