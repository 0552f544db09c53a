"""Keeping what a list shows under a name (requirement K5)."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import NotFound, NotPermitted, Refusal

from ..models import SavedView, User
from ..roles import Role

VIEWS_AT_MOST = 20  # more than that nobody finds again


class NameNeeded(Refusal):
    code = "name_needed"
    status = 422
    title = _("Give the view a name of 1 to 40 characters.")


class NameTaken(Refusal):
    code = "name_taken"
    title = _("You have a view of this name. Choose another, or delete that one first.")


class TooManyViews(Refusal):
    code = "too_many_views"
    title = _("You keep 20 views, which is as many as there can be. Delete one first.")


def views_of(user: User) -> QuerySet[SavedView]:
    """Their own, and those shared with their role; by name."""
    mine = Q(owner=user) | (Q(shared_with=user.role) if user.role else Q(pk__in=[]))
    return SavedView.objects.filter(mine).order_by("name", "id")


def keep_view(
    *, user: User, name: str, list: str, query: str, now: datetime, shared_with: str = ""
) -> SavedView:
    """Raises NameNeeded, NameTaken, TooManyViews, NotPermitted (a supervisor shares)."""
    name = _checked(user, name, shared_with)
    with transaction.atomic(durable=True):
        _lock(user)
        if SavedView.objects.filter(owner=user).count() >= VIEWS_AT_MOST:
            raise TooManyViews()
        if SavedView.objects.filter(owner=user, name=name).exists():
            raise NameTaken()
        return SavedView.objects.create(
            owner=user, name=name, list=list, query=query, shared_with=shared_with, created_at=now
        )


def change_view(*, user: User, view_id: int, name: str, shared_with: str = "") -> None:
    """Another name, and with whom it is shared. Raises NotFound (also: another's), and as keep_view."""
    name = _checked(user, name, shared_with)
    with transaction.atomic(durable=True):
        _lock(user)
        view = _own(user, view_id)
        if SavedView.objects.filter(owner=user, name=name).exclude(pk=view.pk).exists():
            raise NameTaken()
        view.name, view.shared_with = name, shared_with
        view.save(update_fields=["name", "shared_with"])


def delete_view(*, user: User, view_id: int) -> None:
    """Raises NotFound. Whoever started with it starts at the first page again."""
    with transaction.atomic(durable=True):
        _own(user, view_id).delete()


def start_with(*, user: User, view_id: int | None) -> None:
    """Open the desk with a view, or with its first page. Raises NotFound."""
    with transaction.atomic(durable=True):
        if view_id is not None and not views_of(user).filter(pk=view_id).exists():
            raise NotFound()
        User.objects.filter(pk=user.pk).update(start_view=view_id)


def _checked(user: User, name: str, shared_with: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= 40:
        raise NameNeeded()
    if shared_with and (user.role != Role.SUPERVISOR or shared_with not in Role.values):
        raise NotPermitted(_("A supervisor shares views with a role."))
    return name


def _lock(user: User) -> None:
    """Of two that are kept at once, the second counts the first."""
    User.objects.select_for_update().get(pk=user.pk)


def _own(user: User, view_id: int) -> SavedView:
    view = SavedView.objects.filter(owner=user, pk=view_id).first()
    if view is None:
        raise NotFound()
    return view
