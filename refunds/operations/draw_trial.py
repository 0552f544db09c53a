"""Now and then the next case is a trial (requirement K4): drawn at random, seldom, and never twice in a short while."""

from collections.abc import Callable
from datetime import datetime
from random import SystemRandom

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel import ids

from ..machine import State
from ..models import Hold, KnownAnswer, RefundRequest, Trial
from ..models.trials import TOOK_PART
from ..turned_back import moment_of
from .hold import decidable

APART = 20  # cases that a reviewer claims between two trials, at least
_by_lot = SystemRandom().random


def trial_instead(
    *, user: User, now: datetime, among: Q, chance: Callable[[], float] = _by_lot
) -> str | None:
    """In place of this reviewer's next case: the number of a trial, which looks like a case's; None nearly always.

    TRIAL_SHARE_PERCENT of what they claim are trials. No trial is given of a case the reviewer had a hand in, nor one
    twice; where none is left, or nothing waits `among` the cases asked for, none is given.
    """
    if user.role != Role.REVIEWER or not (user.is_active and user.is_staff) or chance() >= probability():
        return None
    with transaction.atomic(durable=True):
        User.objects.select_for_update().get(pk=user.pk)  # two presses of a button draw one after the other
        waits = RefundRequest.objects.filter(
            among, decidable(user), state=State.MANUAL_REVIEW, holder__isnull=True
        )
        if _claimed_since_last(user) < APART or not waits.exists():
            return None
        known = _unknown_to(user)
        if known is None:
            return None
        trial = Trial(known=known, user=user, started_at=now)
        filed_at = known.request.filed_at + moment_of(trial).by
        trial.number = ids.number("RF", filed_at)
        trial.save()
        return trial.number


def probability() -> float:
    """Of a trial, where one may be given: with APART cases of none before it the share comes out as set."""
    share = settings.TRIAL_SHARE_PERCENT / 100
    if share <= 0:
        return 0.0
    return min(1.0, 1 / max(1 / share - APART, 1))


def _claimed_since_last(user: User) -> int:
    """Cases this reviewer took in hand since their last trial; counted to APART."""
    last = Trial.objects.filter(user=user).order_by("-id").values_list("started_at", flat=True).first()
    since = Q(held_at__gt=last) if last else Q()
    over = Hold.objects.filter(since, user=user).values("pk")[:APART].count()
    return over + RefundRequest.objects.filter(since, holder=user).values("pk")[:APART].count()


# Known answers that can be put before this reviewer, those seldom shown first; the trigger on Trial holds the same.
_UNKNOWN = f"""
SELECT k.* FROM refunds_knownanswer k
WHERE k.withdrawn_at IS NULL AND k.marked_by_id <> %(user)s
AND NOT EXISTS (SELECT 1 FROM refunds_trial t WHERE t.known_id = k.id AND t.user_id = %(user)s)
AND NOT ({TOOK_PART.format(request="k.request_id", user="%(user)s")})
ORDER BY (SELECT count(*) FROM refunds_trial t WHERE t.known_id = k.id), random() LIMIT 1
"""


def _unknown_to(user: User) -> KnownAnswer | None:
    return next(iter(KnownAnswer.objects.raw(_UNKNOWN, {"user": user.pk})), None)
