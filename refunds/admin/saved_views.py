"""Views that staff keep of their lists (requirement K5): chips above the list, the side bar, and the page each has."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import SavedView, User
from marketplace.identity.operations import saved_views as operations
from marketplace.identity.roles import Role

from .lists import LISTS, in_words
from .record import Fact, RecordAdmin, RecordMove

NOT_KEPT = ("p", "e", "all")  # the page one was on is no part of a view


class NameForm(forms.Form):
    name = forms.CharField(label=_("Name"), required=False, max_length=40)
    shared_with = forms.ChoiceField(
        label=_("Share with"),
        help_text=_("A supervisor's views can be shared with everybody of a role."),
        required=False,
        choices=[("", _("Nobody")), *Role.choices],
    )


class KeepForm(NameForm):
    """What the list shows comes with it, and is typed by nobody."""

    list = forms.ChoiceField(widget=forms.HiddenInput, choices=[(label, label) for label in LISTS])
    query = forms.CharField(widget=forms.HiddenInput, required=False, max_length=1000)


def kept_query(query: str) -> str:
    """The parameters of a list's address that are part of a view."""
    parameters = QueryDict(query, mutable=True)
    for name in NOT_KEPT:
        parameters.pop(name, None)
    return parameters.urlencode()


def _keep(_row: None, user: User, data: Mapping[str, Any], now: datetime) -> SavedView:
    query = kept_query(data["query"])
    return operations.keep_view(user=user, now=now, **{**data, "query": query})


def _change(row: SavedView, user: User, data: Mapping[str, Any], now: datetime) -> None:
    operations.change_view(user=user, view_id=row.pk, **data)


def _delete(row: SavedView, user: User, data: Mapping[str, Any], now: datetime) -> None:
    operations.delete_view(user=user, view_id=row.pk)


def _start(row: SavedView, user: User, data: Mapping[str, Any], now: datetime) -> None:
    operations.start_with(user=user, view_id=row.pk)


def _start_at_first_page(row: SavedView, user: User, data: Mapping[str, Any], now: datetime) -> None:
    operations.start_with(user=user, view_id=None)


KEEP = RecordMove(
    _("Keep this view"), _("Filters, search and order of the list, under a name."),
    "bookmark_add", "calm", KeepForm, _keep, _("Kept. It stands above the list and in the side bar."),
)  # fmt: skip
START = RecordMove(
    _("Start with it"), _("The desk opens with this view."),
    "home_pin", "calm", forms.Form, _start, _("The desk opens with this view from now on."),
)  # fmt: skip
START_AT_FIRST_PAGE = RecordMove(
    _("Start at the first page"), _("The desk opens with its first page again."),
    "home", "calm", forms.Form, _start_at_first_page, _("The desk opens with its first page from now on."),
)  # fmt: skip
DELETE = RecordMove(
    _("Delete it"), _("The list itself stays as it is."),
    "delete", "bad", forms.Form, _delete, _("Deleted."),
)  # fmt: skip


def _rename(row: SavedView) -> RecordMove:
    def form(data: Any = None, **kwargs: Any) -> NameForm:
        return NameForm(data, initial={"name": row.name, "shared_with": row.shared_with}, **kwargs)

    return RecordMove(
        _("Rename or share"), _("Who has it in their side bar sees the new name."),
        "edit", "calm", form, _change, _("Changed."),
    )  # fmt: skip


@admin.register(SavedView)
class SavedViewAdmin(RecordAdmin):
    adding = KEEP
    list_display = ("name", "of_list", "owner", "shared_with", "created_at")
    list_select_related = ("owner",)
    ordering = ("name", "id")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.open_view)
        return [path("<int:pk>/open/", view, name="identity_savedview_open"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SavedView]:
        return operations.views_of(cast(User, request.user)).select_related("owner")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("identity.add_savedview"))

    def open_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """To the list, with what still fits it; what does not is named, not silently dropped."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        view = self.get_queryset(request).filter(pk=pk).first()
        if view is None or not may_open(request, view.list):
            messages.warning(request, gettext("There is no such view."))
            return HttpResponseRedirect(f"{reverse('admin:index')}?first")
        fitting, unfit = fitted(request, view)
        if unfit:
            text = gettext("Of the view “%(name)s” this no longer fits the list and was left out: %(what)s.")
            messages.warning(request, text % {"name": view.name, "what": ", ".join(unfit)})
        return HttpResponseRedirect(f"{list_url(view.list)}?{fitting}")

    def headline(self, row: SavedView) -> str:
        return row.name

    def facts(self, request: HttpRequest, row: SavedView) -> list[Fact]:
        return [
            Fact(_("List"), self.of_list(row)),
            Fact(_("What it shows"), ", ".join(f"{n} = {v}" for n, v in QueryDict(row.query).items())),
            Fact(_("Owner"), row.owner),
            Fact(_("Shared with"), row.get_shared_with_display()),
            Fact(_("Kept since"), in_words(row.created_at)),
        ]

    def moves(self, request: HttpRequest, row: SavedView) -> Mapping[str, RecordMove]:
        user = cast(User, request.user)
        starts = (
            {"start_at_first_page": START_AT_FIRST_PAGE} if user.start_view_id == row.pk else {"start": START}
        )
        own = {"rename": _rename(row), "delete": DELETE} if row.owner_id == user.pk else {}
        return {**starts, **own}

    def after(self, row: SavedView) -> str:
        """To what the view shows; a deleted one shows nothing any more."""
        if SavedView.objects.filter(pk=row.pk).exists():
            return reverse("admin:identity_savedview_open", args=[row.pk])
        return self._url("changelist")

    @admin.display(description=_("list"))
    def of_list(self, row: SavedView) -> str:
        return str(apps.get_model(row.list)._meta.verbose_name_plural)


def may_open(request: HttpRequest, label: str) -> bool:
    app, model = label.split(".")
    return label in LISTS and request.user.has_perm(f"{app}.view_{model}")


def list_url(label: str) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_changelist")


def kept_views(request: HttpRequest) -> list[SavedView]:
    """Those of lists this person may open; read once for a page, whoever asks."""
    if not hasattr(request, "desk_views"):
        views = operations.views_of(cast(User, request.user))
        request.desk_views = [view for view in views if may_open(request, view.list)]  # type: ignore[attr-defined]
    return cast(list[SavedView], request.desk_views)  # type: ignore[attr-defined]


def start_page(request: HttpRequest) -> HttpResponse:
    """The desk's first address: the view this person starts with, or the first page."""
    user = request.user
    if isinstance(user, User) and user.is_staff and user.start_view_id and "first" not in request.GET:
        return HttpResponseRedirect(reverse("admin:identity_savedview_open", args=[user.start_view_id]))
    return admin.site.index(request)


def fitted(request: HttpRequest, view: SavedView) -> tuple[str, list[str]]:
    """The parameters the list takes, as an address has them, and the others in words."""
    fitting, unfit = QueryDict(mutable=True), []
    for name, value in _parameters(view.query):
        if _fits(request, view.list, name, value):
            fitting.appendlist(name, value)
        else:
            unfit.append(f"{name} = {value}")
    return fitting.urlencode(), unfit


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    for name, values in QueryDict(query).lists():
        for value in values:
            yield name, value


def _fits(request: HttpRequest, label: str, name: str, value: str) -> bool:
    """Whether the list's own filters know the parameter, and have the value among their choices."""
    model_admin = admin.site._registry[apps.get_model(label)]
    asked = QueryDict(mutable=True)
    asked[name] = value
    trial = HttpRequest()
    trial.user, trial.session = request.user, request.session
    trial.GET = asked  # type: ignore[assignment]  # one that can be changed is one that can be read
    try:
        shown = model_admin.get_changelist_instance(trial)
    except (IncorrectLookupParameters, DisallowedModelAdminLookup):
        return False
    filters = [each for each in shown.filter_specs if name in each.expected_parameters()]
    return all(_has_choice(each, shown, value) for each in filters)


def _has_choice(each: Any, shown: Any, value: str) -> bool:
    if isinstance(each, admin.SimpleListFilter):
        return value in {str(key) for key, _title in each.lookup_choices}
    return any(choice["selected"] for choice in list(each.choices(shown))[1:])  # the first is "All"
