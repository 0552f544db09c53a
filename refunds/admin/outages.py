"""Outages: declared while or after the platform is down, ended, and added to the clocks that ran in them (E7)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Text
from refunds.models import Outage
from refunds.operations.outage import declare_outage, end_outage, progress
from refunds.permissions import may_do

from .forms import beijing_time
from .looks import OUTAGES, look_badge
from .record import Fact, RecordAdmin, RecordMove, in_words

DEED = "change_clocks"


class DeclareForm(forms.Form):
    """What happened is the operation's to demand, in its own words."""

    started_at = beijing_time(_("From"), _("Beijing time. Empty: now."), required=False)
    note = forms.CharField(
        label=_("What happened"),
        help_text=_("Everybody reads this: buyers, sellers and staff."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class EndForm(forms.Form):
    ended_at = beijing_time(_("Until"), _("Beijing time. Empty: now."), required=False)


def _declare(_row: None, user: User, data: Mapping[str, Any], now: datetime) -> Outage:
    return declare_outage(user=user, started_at=data["started_at"] or now, note=data["note"], now=now)


def _end(row: Outage, user: User, data: Mapping[str, Any], now: datetime) -> Outage:
    return end_outage(outage_id=row.pk, user=user, ended_at=data["ended_at"] or now, now=now)


DECLARE = RecordMove(
    _("Declare an outage"),
    _("From here on nobody's silence counts. When it is over, what it cost is added to every clock that ran in it."),
    "cloud_off", "calm", DeclareForm, _declare, _("Declared. No deadline is held against anybody until it is over."),
)  # fmt: skip
END = RecordMove(
    _("End it"), _("The time it took is added to the clocks within a minute. This cannot be taken back."),
    "cloud_done", "good", EndForm, _end, _("Over. Its time is being added to the clocks."),
)  # fmt: skip


@admin.register(Outage)
class OutageAdmin(RecordAdmin):
    adding = DECLARE
    list_display = ("started_at", "ended_at", "note", "status")
    list_select_related = ("declared_by",)
    change_list_template = "desk/clocks/list.html"
    ordering = ("-id",)
    icon = "cloud_off"
    about = _("While the platform cannot be used no deadline is held against anybody.")
    empty = _("There has been no outage.")
    empty_hint = _(
        "A supervisor declares one as soon as buyers or sellers cannot reach us, or afterwards from when on."
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_do(cast(User, request.user), DEED)

    def headline(self, row: Outage) -> str:
        return gettext("Outage of %(at)s") % {"at": in_words(row.started_at)}

    def badge(self, row: Outage) -> str:
        return look_badge(OUTAGES["on" if row.ended_at is None else "added" if row.applied_at else "adding"])

    def facts(self, request: HttpRequest, row: Outage) -> list[Fact]:
        return [
            Fact(_("From"), in_words(row.started_at)),
            Fact(_("Until"), in_words(row.ended_at)),
            Fact(_("What happened"), row.note),
            Fact(_("Clocks"), _added(row)),
            Fact(_("Declared by"), row.declared_by),
            Fact(_("Declared at"), in_words(row.declared_at)),
        ]

    def moves(self, request: HttpRequest, row: Outage) -> Mapping[str, RecordMove]:
        return {"end": END} if row.ended_at is None and may_do(cast(User, request.user), DEED) else {}

    @admin.display(description=_("state"))
    def status(self, row: Outage) -> str:
        return self.badge(row)


def _added(row: Outage) -> Text:
    if row.ended_at is None:
        return _("Its time is added to them when it is over.")
    done = progress(row)
    return gettext("Added to %(added)d of %(of)d clocks") % {"added": done.added, "of": done.of}
