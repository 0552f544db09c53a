"""Who sits over a case in arbitration (requirement F8): a supervisor seats arbiters, up to three, and lets them go."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound, Refusal

from ..machine import Party, State, moves_from
from ..models import PanelMember, RefundRequest
from ..models.panels import SEATS
from ..permissions import require_deed
from ..transitions import InvalidTransition
from .locking import lock_for_staff
from .tell import tell_seated


class NotAnArbiter(Refusal):
    code = "not_an_arbiter"
    status = 422
    title = _("Only an active person in the role of an arbiter can be seated.")


class AlreadySeated(Refusal):
    code = "already_seated"
    title = _("This arbiter sits over the case already.")


class PanelFull(Refusal):
    code = "panel_full"
    title = _("Three sit over this case already. Let one go first.")


def appoint(*, number: str, user: User, arbiter_id: int, now: datetime) -> PanelMember:
    """Seat an arbiter in a case that is in arbitration: they are told, and see it from now on.

    Raises NotAnArbiter, AlreadySeated, PanelFull, NotPermitted, NotFound, InvalidTransition.
    """
    require_deed(user, "appoint")
    with transaction.atomic(durable=True):
        request = _lock(number, user)
        arbiter = User.objects.filter(pk=arbiter_id, role=Role.ARBITER, is_staff=True, is_active=True).first()
        if arbiter is None:
            raise NotAnArbiter(pointer="/arbiter")
        seated = dict(seated_in(request).values_list("seat", "arbiter"))
        if arbiter.pk in seated.values():
            raise AlreadySeated(pointer="/arbiter")
        free = [seat for seat in range(1, SEATS + 1) if seat not in seated]
        if not free:
            raise PanelFull(at_most=SEATS)
        member = PanelMember.objects.create(
            request=request, seat=free[0], arbiter=arbiter, appointed_by=user, appointed_at=now
        )
        tell_seated(member.pk, now)
        return member


def remove(*, number: str, user: User, member_id: int, now: datetime) -> PanelMember:
    """Let a member go; they see the case no more, and their vote counts no more.

    Raises NotPermitted, NotFound, InvalidTransition.
    """
    require_deed(user, "remove")
    with transaction.atomic(durable=True):
        request = _lock(number, user)
        member = seated_in(request).filter(pk=member_id).first()
        if member is None:
            raise NotFound()
        member.left_at, member.removed_by = now, user
        member.save(update_fields=["left_at", "removed_by"])
        return member


def seated_in(request: RefundRequest) -> QuerySet[PanelMember]:
    return PanelMember.objects.filter(request=request, left_at__isnull=True).order_by("seat", "id")


def _lock(number: str, user: User) -> RefundRequest:
    """Raises InvalidTransition where nothing is left to rule: who sat over a ruling stays named in it."""
    request, _actor = lock_for_staff(number, user)
    if request.state != State.ARBITRATION:
        allowed = {edge.target for edge in moves_from(request.state, Party.SUPERVISOR)}
        raise InvalidTransition(request.state, State.ARBITRATION, allowed)
    return request
