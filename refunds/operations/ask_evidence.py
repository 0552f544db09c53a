"""A reviewer asks one side for what is missing (requirement F5): of whom, which kinds, and until when."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal
from marketplace.kernel.serializers import instant
from marketplace.kernel.transactions import durable

from ..clocks import Due
from ..machine import Party
from ..models import EvidenceDemand, RefundRequest
from ..models.demands import ASKABLE
from ..transitions import apply_transition
from .give_evidence import UnknownKind, kinds_for
from .hold import lock_to_decide
from .locking import clock_after
from .review import require_reasons

LONGEST = timedelta(days=60)  # beyond it nobody answers any more


class CannotBeAsked(Refusal):
    code = "cannot_be_asked"
    status = 422
    title = _("Ask the buyer or the seller.")


class TimeOutOfRange(Refusal):
    code = "time_out_of_range"
    status = 422
    title = _("The time to answer is at least what the terms give, and at most 60 days.")


def ask_evidence(
    *,
    number: str,
    user: User,
    note: str,
    now: datetime,
    of: str = Party.BUYER,
    kinds: Sequence[str] = (),
    until: datetime | None = None,
) -> RefundRequest:
    """Ask side `of` for evidence of these kinds; `note` says what is missing. Both sides see the clock: the terms'
    own, or `until` where that is later (E7: never shorter).

    Raises ReasonsNeeded, CannotBeAsked, UnknownKind, TimeOutOfRange, HeldByAnother, NotPermitted, NotFound,
    InvalidTransition.
    """
    require_reasons(note)
    if of not in ASKABLE:
        raise CannotBeAsked(pointer="/of", sides=[str(party) for party in ASKABLE])
    if unknown := sorted(set(kinds) - set(kinds_for(Party(of)))):
        raise UnknownKind(pointer="/kinds", unknown=unknown, kinds=kinds_for(Party(of)))
    with durable():
        request, actor = lock_to_decide(number, user, now)
        due = _due(request, until, now)
        assert due.at is not None  # a case that waits for evidence has a clock
        apply_transition(request, "ask_evidence", actor=actor, now=now, due=due, note=note.strip())
        EvidenceDemand.objects.create(
            request=request,
            sequence=request.sequence,
            of=of,
            kinds=list(dict.fromkeys(kinds)),
            note=note.strip(),
            at=now,
            due_at=due.at,
        )
        return request


def _due(request: RefundRequest, until: datetime | None, now: datetime) -> Due:
    due = clock_after("ask_evidence", request, now)
    if until is None or due.at is None:
        return due
    if not due.at <= until <= now + LONGEST:
        raise TimeOutOfRange(pointer="/until", at_least=instant(due.at), at_most=instant(now + LONGEST))
    return due._replace(at=until)
