"""A supervisor says how a closed case should have been decided (requirement K4), or takes it back."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.serializers import instant

from ..faults import Outcome
from ..machine import State
from ..models import Appeal, KnownAnswer, RefundRequest, Transition
from ..permissions import require_deed
from .appealed import RULINGS, terms_of
from .approve import AmountOutOfRange
from .judging import require_fault
from .locking import lock_for_staff
from .review import require_reasons

CLOSED = frozenset({State.REFUNDED, State.REJECTED})
IN_HAND = ("approve", "reject", "refer")  # what a reviewer makes of a case in manual review


class NotClosed(Refusal):
    code = "not_closed"
    title = _("This case is not closed: it may still be decided otherwise.")


class AppealMayCome(Refusal):
    code = "appeal_may_come"
    title = _("This decision may still be appealed against. Mark the case when that time is over.")


class NeverReviewed(Refusal):
    code = "never_reviewed"
    title = _("No reviewer had this case in hand, so there is nothing to put before another.")


class AlreadyKnown(Refusal):
    code = "already_known"
    title = _("This case has a known answer already. Withdraw that one first.")


class AlreadyWithdrawn(Refusal):
    code = "already_withdrawn"
    title = _("This known answer is withdrawn already.")


def mark_known(
    *,
    number: str,
    user: User,
    outcome: str,
    fault: str,
    why: str,
    now: datetime,
    low: int | None = None,
    high: int | None = None,
) -> KnownAnswer:
    """`outcome` of refunds.faults; `low` and `high` bound, in minor units, what goes back in part, and are not read for
    the others. Reviewers read `why` after they answered.

    Raises ReasonsNeeded, FaultNeeded, RefundForced, AmountOutOfRange, NotClosed, AppealMayCome, NeverReviewed,
    AlreadyKnown, NotPermitted, NotFound.
    """
    require_deed(user, "mark_known")
    require_reasons(why)
    require_fault(fault, for_buyer=outcome != Outcome.REJECT)
    with transaction.atomic(durable=True):
        request, _actor = lock_for_staff(number, user)
        _require_closed(request, now)
        in_hand = Transition.objects.filter(
            request=request, from_state=State.MANUAL_REVIEW, event__in=IN_HAND
        ).order_by("-sequence")
        last = in_hand.first()
        if last is None:
            raise NeverReviewed()
        if KnownAnswer.objects.filter(request=request, withdrawn_at__isnull=True).exists():
            raise AlreadyKnown()
        low, high = _range(request, outcome, low, high)
        return KnownAnswer.objects.create(
            request=request,
            sequence=last.sequence,
            outcome=outcome,
            low=low,
            high=high,
            fault=fault,
            why=why.strip(),
            marked_by=user,
            marked_at=now,
        )


def withdraw_known(*, known_id: int, user: User, why: str, now: datetime) -> KnownAnswer:
    """It proved wrong: its trials count no more. Raises ReasonsNeeded, AlreadyWithdrawn, NotPermitted, NotFound."""
    require_deed(user, "mark_known")
    require_reasons(why)
    with transaction.atomic(durable=True):
        known = KnownAnswer.objects.select_for_update().filter(pk=known_id).first()
        if known is None:
            raise NotFound()
        if not known.is_standing:
            raise AlreadyWithdrawn()
        known.withdrawn_by, known.withdrawn_at, known.withdrawn_why = user, now, why.strip()
        known.save(update_fields=["withdrawn_by", "withdrawn_at", "withdrawn_why"])
        return known


def _require_closed(request: RefundRequest, now: datetime) -> None:
    """Raises NotClosed, AppealMayCome (with closes_at where it is a matter of time)."""
    if request.state not in CLOSED:
        raise NotClosed()
    appeals = list(Appeal.objects.filter(request=request))
    if any(appeal.is_waiting for appeal in appeals):
        raise AppealMayCome()
    decided = Transition.objects.filter(request=request, to_state__in=[State.APPROVED, State.REJECTED])
    last = decided.order_by("-sequence").first()
    if last is None:
        raise NotClosed()
    if appeals or last.event in RULINGS:
        return
    closes_at = last.at + timedelta(days=terms_of(request).appeal_days)
    if now <= closes_at:
        raise AppealMayCome(closes_at=instant(closes_at))


def _range(request: RefundRequest, outcome: str, low: int | None, high: int | None) -> tuple[int, int]:
    """Raises AmountOutOfRange."""
    if outcome == Outcome.REJECT:
        return 0, 0
    if outcome == Outcome.APPROVE:
        return request.amount, request.amount
    if low is None or high is None or not 0 < low <= high <= request.amount:
        raise AmountOutOfRange(low=low, high=high, at_most=request.amount)
    return low, high
