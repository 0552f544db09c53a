"""Where a channel's books and ours differ: taken by somebody, looked into, closed with a word (requirement G6)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.identity.models import User
from marketplace.payments.models import Break, Notification, Reconciliation, Transfer
from marketplace.payments.operations import breaks
from refunds.operations.come_back import recheck

from .looks import Look, look_badge
from .record import Fact, NoteForm, RecordAdmin, RecordMove

CLOSED = Look("check_circle", "good", _("Explained"))
OWNED = Look("person", "info", _("Somebody is at it"))
OPEN = Look("report", "bad", _("Open"))


class OpenFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "closed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Explained")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Any:
        choices = list(super().choices(changelist))
        choices[0]["display"] = gettext("Open")
        return choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "all":
            return queryset
        return queryset.filter(closed_at__isnull=self.value() != "1")


def _take(row: Break, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return breaks.take(break_id=row.pk, user=user)


def _ask(row: Break, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return recheck(row.number, now)


def _close(row: Break, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return breaks.close(break_id=row.pk, user=user, note=data["note"], now=now)


TAKE = RecordMove(
    _("Take it"),
    _("Others see that you are at it."),
    "front_hand",
    "calm",
    forms.Form,
    _take,
    _("It is yours."),
)
ASK = RecordMove(
    _("Ask the channel"),
    _("If the refund has come back, its booking is reversed and the transfer waits for a person."),
    "contact_support", "calm", forms.Form, _ask, _("Asked. The transfer shows what the channel said."),
)  # fmt: skip
CLOSE = RecordMove(
    _("Close it"), _("Say how the difference came about and what was done. It is not brought up again."),
    "check_circle", "good", NoteForm, _close, _("Closed."),
)  # fmt: skip


@admin.register(Break)
class BreakAdmin(RecordAdmin):
    list_display = ("number", "channel", "day", "kind", "ours", "theirs", "owner", "age", "status")
    list_filter = (OpenFilter, "channel", "kind")
    list_select_related = ("owner",)
    ordering = ("found_at", "id")
    search_exact = ("number",)
    search_help_text = _("Transfer's or channel's refund number")

    def badge(self, row: Break) -> str:
        return look_badge(CLOSED if row.closed_at else OWNED if row.owner_id else OPEN)

    def facts(self, request: HttpRequest, row: Break) -> list[Fact]:
        return [
            Fact(_("Channel"), row.get_channel_display()),
            Fact(_("Day"), row.day),
            Fact(_("Difference"), row.get_kind_display()),
            Fact(_("In our books"), row.ours),
            Fact(_("In the channel's"), row.theirs),
            Fact(_("Transfer"), _transfer_link(row.number)),
            Fact(_("Found"), timezone.localtime(row.found_at).strftime("%Y-%m-%d %H:%M")),
            Fact(_("Age"), self.age(row)),
            Fact(_("Owner"), row.owner),
            Fact(_("How it was resolved"), row.note),
        ]

    def moves(self, request: HttpRequest, row: Break) -> Mapping[str, RecordMove]:
        if row.closed_at or not request.user.has_perm(breaks.MAY_RESOLVE):
            return {}
        asks = {"ask": ASK} if row.kind == Break.Kind.STATE else {}
        mine = row.owner_id == request.user.pk
        return {**asks, "close": CLOSE} if mine else {"take": TAKE, **asks, "close": CLOSE}

    @admin.display(description=_("age"))
    def age(self, row: Break) -> str:
        return timesince(row.found_at, row.closed_at or timezone.now(), depth=1)

    @admin.display(description=_("state"))
    def status(self, row: Break) -> str:
        return self.badge(row)


def _transfer_link(number: str) -> SafeString | str:
    transfer = Transfer.objects.filter(number=number).first()
    if transfer is None:
        return gettext("none of ours")
    return format_html(
        '<a class="desk-mono" href="{}">{}</a>',
        reverse("admin:payments_transfer_change", args=[transfer.pk]),
        number,
    )


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    list_display = ("day", "channel", "matched", "breaks", "ran_at")
    list_filter = ("channel",)
    ordering = ("-id",)
    fields = ("day", "channel", "matched", "breaks", "ran_at")


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = (
        "event_id",
        "channel",
        "subject",
        "refund_number",
        "dispute_no",
        "state",
        "received_at",
        "handled_at",
    )
    list_filter = ("state", "channel", "subject")
    ordering = ("-id",)
    search_exact = ("event_id", "refund_number", "dispute_no", "channel_no")
    search_help_text = _("Event, transfer, dispute or payment number")
    fields = (
        "event_id", "channel", "subject", "refund_number", "dispute_no", "channel_no", "state", "received_at", "handled_at",
        "said",
    )  # fmt: skip
    readonly_fields = ("said",)

    @admin.display(description=_("what it said"))
    def said(self, notification: Notification) -> str:
        return bytes(notification.body).decode(errors="replace")[:4000]
