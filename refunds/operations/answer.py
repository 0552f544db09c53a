"""The seller's answer (requirement F2): agree, or refuse with a ground."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal

from ..faults import Ground
from ..models import RefundRequest
from ..transitions import apply_transition
from .approve import approve
from .locking import clock_after, lock_for_seller
from .propose import move_and_propose


class GroundNeeded(Refusal):
    code = "ground_needed"
    status = 422
    title = _("Choose a ground, and say in a sentence what it rests on.")


def agree(*, number: str, user: User, now: datetime, note: str = "") -> RefundRequest:
    """Pay the whole amount; above the two-person limit a member of staff confirms it first (F7).

    Raises NotFound, InvalidTransition, NotEnoughCaptured.
    """
    with transaction.atomic(durable=True):
        request, actor = lock_for_seller(number, user)
        if request.amount <= request.two_person_above:
            approve(request, "agree", actor=actor, now=now, amount=request.amount, note=note)
            return request
        due = clock_after("agree_for_check", request, now)
        move_and_propose(
            request,
            "agree_for_check",
            actor=actor,
            now=now,
            due=due,
            amount=request.amount,
            by_id=user.pk,
            said=note,
            note=note,
        )
        return request


def refuse(*, number: str, user: User, ground: str, note: str, now: datetime) -> RefundRequest:
    """Refuse with a ground; a reviewer decides. Raises GroundNeeded, NotFound, InvalidTransition."""
    if ground not in Ground.values or not note.strip():
        raise GroundNeeded(grounds=Ground.values)
    with transaction.atomic(durable=True):
        request, actor = lock_for_seller(number, user)
        due = clock_after("refuse", request, now)
        apply_transition(
            request, "refuse", actor=actor, now=now, due=due, note=f"{Ground(ground).value}: {note.strip()}"
        )
        return request
