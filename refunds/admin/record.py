"""The page of one row that people act on: its facts in words, and the moves open to whoever looks.

A RecordAdmin names its moves in a table; each is one form, posted to one operation, which alone decides whether it
may. It takes the place of Django's change form, whose POST runs inside a transaction of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.identity.desk.step_up import ask_proof, is_proved
from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal, Text

from .hints import hints


class NoteForm(forms.Form):
    """Why. Left empty it is the operation's to refuse, in its own words."""

    note = forms.CharField(
        label=gettext_lazy("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


def in_words(at: datetime | None) -> str:
    """An instant in Beijing time; "" for none."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""


class RecordMove(NamedTuple):
    label: Text
    help_text: Text
    icon: str
    tone: str  # good | bad | calm
    form: Callable[..., forms.Form]  # takes the posted data, or nothing
    run: Callable[[Any, User, Mapping[str, Any], datetime], object]  # row, user, cleaned data, now
    done: Text
    needs_step_up: bool = (
        False  # it weighs: who makes it shows anew that it is them (identity/desk/step_up.py)
    )


class Fact(NamedTuple):
    """One line of the page; a value made by format_html or a template is shown as it is."""

    label: Text
    value: Any


class RecordAdmin(ReadOnlyAdmin):
    adding: RecordMove | None = (
        None  # how a row comes about, for those has_add_permission lets; its `run` gets no row
    )

    def headline(self, row: Any) -> str:
        """What stands at the top: the row's number."""
        return str(row)

    def badge(self, row: Any) -> str:
        """The row's state as a badge (looks.look_badge)."""
        return ""

    def facts(self, request: HttpRequest, row: Any) -> Sequence[Fact]:
        raise NotImplementedError

    def moves(self, request: HttpRequest, row: Any) -> Mapping[str, RecordMove]:
        """Those this person may make now, the likeliest first."""
        return {}

    def adding_facts(self, request: HttpRequest) -> Sequence[Fact]:
        """What to know before a row is added."""
        return ()

    def after(self, row: Any) -> str:
        """Where a move of this row, or its being added, leads."""
        return self._url("change", row.pk)

    def panels(self, request: HttpRequest, row: Any) -> Sequence[str]:
        """More of the page, rendered: lists that belong to the row."""
        return ()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            messages.warning(request, _("There is no such row."))
            return HttpResponseRedirect(self._url("changelist"))
        if request.method != "POST":
            return self._page(request, row)
        return self._act(request, row)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """In place of Django's form, whose POST runs inside a transaction of its own."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        move = cast(RecordMove, self.adding)
        if request.method != "POST":
            form = move.form(auto_id="add-%s", initial=request.GET.dict())  # a link may say what it is about
            return self._adding_page(request, move, _asked(request, move, form))
        form = move.form(request.POST, auto_id="add-%s")
        if not _is_taken(request, move, form):
            return self._adding_page(request, move, form, status=422)
        try:
            row = move.run(None, cast(User, request.user), form.cleaned_data, timezone.now())
        except Refusal as refusal:
            messages.error(request, str(refusal.detail))
            return self._adding_page(request, move, form, status=refusal.status)
        messages.success(request, str(move.done))
        return HttpResponseRedirect(self.after(row))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(self._url("change", object_id))

    def _act(self, request: HttpRequest, row: Any) -> HttpResponse:
        """One move by one operation; what was typed stays where it is refused."""
        name = request.POST.get("move", "")
        move = self.moves(request, row).get(name)
        if move is None:
            messages.error(request, _("This cannot be done, or not by you."))
            return self._page(request, row, status=403)
        form = move.form(request.POST, auto_id=f"{name}-%s")
        if not _is_taken(request, move, form):
            return self._page(request, row, tried=(name, form), status=422)
        try:
            move.run(row, cast(User, request.user), form.cleaned_data, timezone.now())
        except NotFound:
            messages.warning(request, _("There is no such row."))
            return HttpResponseRedirect(self._url("changelist"))
        except Refusal as refusal:
            messages.error(request, " ".join(map(str, [refusal.detail, *hints(refusal)])))
            for field, error in refusal.extra.get("errors", {}).items():
                form.add_error(field if field in form.fields else None, error)
            return self._page(request, row, tried=(name, form), status=refusal.status)
        messages.success(request, str(move.done))
        return HttpResponseRedirect(self.after(row))

    def _adding_page(
        self, request: HttpRequest, move: RecordMove, form: forms.Form, status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": move.label,
            "opts": self.model._meta,
            "facts": self.adding_facts(request),
            "moves": [("add", move, form)],
            "back": self._url("changelist"),
        }
        return TemplateResponse(request, "desk/record.html", context, status=status)

    def _page(
        self, request: HttpRequest, row: Any, *, tried: tuple[str, Any] | None = None, status: int = 200
    ) -> HttpResponse:
        row = self.get_object(request, str(row.pk)) or row  # as it is after a refusal, not as it was before
        moves = [
            (
                name,
                move,
                tried[1]
                if tried and tried[0] == name
                else _asked(request, move, move.form(auto_id=f"{name}-%s")),
            )
            for name, move in self.moves(request, row).items()
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": self.headline(row),
            "opts": self.model._meta,
            "row": row,
            "badge": self.badge(row),
            "facts": self.facts(request, row),
            "panels": self.panels(request, row),
            "moves": moves,
            "tried": tried[0] if tried else "",
            "back": self._url("changelist"),
        }
        return TemplateResponse(request, "desk/record.html", context, status=status)

    def _url(self, page: str, *args: object) -> str:
        opts = cast(type[Model], self.model)._meta
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=args)


def _asked(request: HttpRequest, move: RecordMove, form: forms.Form) -> forms.Form:
    """The form as it is shown: with a field for the proof where the move wants one and the last is not fresh."""
    if move.needs_step_up:
        ask_proof(request, form)
    return form


def _is_taken(request: HttpRequest, move: RecordMove, form: forms.Form) -> bool:
    """Whether the move may go on to its operation; if not, the form says why."""
    return _asked(request, move, form).is_valid() and is_proved(request, form)
