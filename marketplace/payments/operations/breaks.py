"""What people do with a break: take it, and close it saying how it was resolved. The books are changed elsewhere."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, NotPermitted, Refusal

from ..models import Break

MAY_RESOLVE = "payments.change_break"


class BreakClosed(Refusal):
    code = "break_closed"
    title = _("Somebody has closed this break already.")


class ExplanationNeeded(Refusal):
    code = "explanation_needed"
    status = 422
    title = _("Say how the difference came about and what was done.")


def take(*, break_id: int, user: User) -> Break:
    """Become its owner, whoever was before. Raises NotPermitted, NotFound, BreakClosed."""
    with transaction.atomic(durable=True):
        found = _open(break_id, user)
        found.owner = user
        found.save(update_fields=["owner"])
        return found


def close(*, break_id: int, user: User, note: str, now: datetime) -> Break:
    """Close it; the same difference is not brought up again. Raises as `take`, and ExplanationNeeded."""
    if not note.strip():
        raise ExplanationNeeded()
    with transaction.atomic(durable=True):
        found = _open(break_id, user)
        found.owner = found.owner or user
        found.closed_at, found.closed_by, found.note = now, user, note.strip()
        found.save(update_fields=["owner", "closed_at", "closed_by", "note"])
        return found


def _open(break_id: int, user: User) -> Break:
    if not user.has_perm(MAY_RESOLVE):
        raise NotPermitted()
    found = Break.objects.select_for_update().filter(pk=break_id).first()
    if found is None:
        raise NotFound()
    if found.closed_at is not None:
        raise BreakClosed()
    return found
