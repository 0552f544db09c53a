"""People who sign in to a screen: to be read, and what a supervisor does for one whose phone or password is gone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from marketplace.identity.desk.account import sessions_of
from marketplace.identity.models import User
from marketplace.identity.operations import staff_sessions
from marketplace.identity.operations.second_factor import MAY_MANAGE, is_enrolled, reset
from marketplace.kernel.http import Origin, origin_of

from .looks import Look, look_badge
from .record import Fact, RecordAdmin, RecordMove, in_words

OFF = Look("person_off", "bad", _("Switched off"))


class ReasonForm(forms.Form):
    """Left empty it is the operation's to refuse, in its own words."""

    reason = forms.CharField(
        label=_("Why"),
        help_text=_("Kept in the audit log."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


def _moves(origin: Origin) -> dict[str, RecordMove]:
    def end(person: User, user: User, data: Mapping[str, Any], now: datetime) -> object:
        return staff_sessions.end_all_of(
            person=person, user=user, reason=data["reason"], origin=origin, now=now
        )

    def forget(person: User, user: User, data: Mapping[str, Any], now: datetime) -> None:
        reset(person=person, user=user, reason=data["reason"], origin=origin, now=now)

    return {
        "end_sessions": RecordMove(
            _("End all sessions"), _("Signed out everywhere, at once; signing in again is not hindered."),
            "logout", "calm", ReasonForm, end, _("Signed out everywhere."), needs_step_up=True,
        ),
        "reset_factor": RecordMove(
            _("Reset the second factor"),
            _("For a lost phone. First make sure, face to face or by a number you know, that it is them who ask."),
            "phonelink_erase", "bad", ReasonForm, forget,
            _("Reset. The password alone signs them in, until they set up another."), needs_step_up=True,
        ),
    }  # fmt: skip


@admin.register(User)
class UserAdmin(RecordAdmin):
    list_display = ("username", "role", "is_staff", "is_active", "last_login")
    list_filter = ("role", "is_staff", "is_active")
    ordering = ("username", "id")
    search_start = ("username",)
    search_help_text = _("User name")

    def badge(self, row: User) -> str:
        return "" if row.is_active else look_badge(OFF)

    def facts(self, request: HttpRequest, row: User) -> Sequence[Fact]:
        return [
            Fact(_("Name"), row.get_full_name()),
            Fact(_("Email"), row.email),
            Fact(_("Role"), row.get_role_display() if row.is_staff else _("Seller's person")),
            Fact(_("Second factor"), _("Set up") if is_enrolled(row) else _("Not set up")),
            Fact(_("Last sign-in"), in_words(row.last_login)),
            Fact(_("Added"), in_words(row.date_joined)),
        ]

    def moves(self, request: HttpRequest, row: User) -> Mapping[str, RecordMove]:
        if not (request.user.has_perm(MAY_MANAGE) and row.is_staff and row.pk != request.user.pk):
            return {}
        moves = _moves(origin_of(request))
        return moves if is_enrolled(row) else {"end_sessions": moves["end_sessions"]}

    def panels(self, request: HttpRequest, row: User) -> Sequence[str]:
        return [render_to_string("desk/account/sessions.html", {"sessions": sessions_of(row)})]
