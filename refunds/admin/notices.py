"""What was told to whom, what became of it on its way, and the receivers of webhooks. Nothing here is a secret's place."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import Buyer, User
from marketplace.notices.models import Delivery, DeliveryState, Endpoint, Notice
from marketplace.notices.operations import endpoints
from marketplace.notices.operations.deliver import MAY_REPLAY, replay
from marketplace.notices.operations.read import read_as_user
from marketplace.notices.texts import render
from marketplace.notices.topics import RecipientKind
from refunds.permissions import is_outside
from sellers.models import Seller

from .looks import Look, look_badge
from .record import Fact, RecordAdmin, RecordMove

STATES: dict[str, Look] = {
    DeliveryState.QUEUED: Look("schedule", "info", DeliveryState.QUEUED.label),
    DeliveryState.SENT: Look("check_circle", "good", DeliveryState.SENT.label),
    DeliveryState.FAILED: Look("block", "bad", DeliveryState.FAILED.label),
    DeliveryState.DEAD: Look("cancel", "bad", DeliveryState.DEAD.label),
}
READ = Look("drafts", "calm", _("Read"))
UNREAD = Look("mark_email_unread", "info", _("Unread"))
IN_USE = Look("check_circle", "good", _("In use"))
RECIPIENTS: dict[str, type[Buyer] | type[Seller] | type[User]] = {
    RecipientKind.BUYER: Buyer,
    RecipientKind.SELLER: Seller,
    RecipientKind.USER: User,
}


def _again(row: Delivery, user: User, data: Mapping[str, Any], now: datetime) -> None:
    replay(delivery_id=row.pk, user=user, now=now)


def _read(row: Notice, user: User, data: Mapping[str, Any], now: datetime) -> None:
    read_as_user(notice_id=row.pk, user_id=user.pk, now=now)


def _switch_on(row: Endpoint, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return endpoints.switch_as_staff(endpoint_id=row.pk, user=user, on=True, now=now)


def _switch_off(row: Endpoint, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return endpoints.switch_as_staff(endpoint_id=row.pk, user=user, on=False, now=now)


AGAIN = RecordMove(
    _("Send again"), _("Under the same id: a receiver that has it already does nothing with it."),
    "replay", "calm", forms.Form, _again, _("It is being sent again."),
)  # fmt: skip
MARK_READ = RecordMove(
    _("Mark as read"), _("It is no longer counted as new."), "drafts", "calm", forms.Form, _read, _("Marked as read."),
)  # fmt: skip
SWITCH_ON = RecordMove(
    _("Switch on"), _("What is told from now on is sent there. Earlier messages are sent again one by one."),
    "toggle_on", "good", forms.Form, _switch_on, _("Webhooks go to this address again."),
)  # fmt: skip
SWITCH_OFF = RecordMove(
    _("Switch off"), _("Nothing more is sent there, until its owner or you switch it on again."),
    "toggle_off", "bad", forms.Form, _switch_off, _("Switched off."),
)  # fmt: skip


class MineFilter(admin.SimpleListFilter):
    title = _("recipient")
    parameter_name = "mine"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("new", _("Me, unread")), ("1", _("Me"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Notice]) -> QuerySet[Notice]:
        if not self.value():
            return queryset
        mine = queryset.filter(recipient_kind=RecipientKind.USER, recipient_id=request.user.pk or 0)
        return mine.filter(read_at=None) if self.value() == "new" else mine


@admin.register(Notice)
class NoticeAdmin(RecordAdmin):
    list_display = ("subject", "topic", "recipient", "created_at", "read")
    list_filter = (MineFilter, "topic", "recipient_kind")
    ordering = ("-id",)
    search_exact = ("subject",)
    search_help_text = _("Refund number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        """An arbiter's are their own alone."""
        rows: QuerySet[Notice] = super().get_queryset(request)
        if not is_outside(cast(User, request.user)):
            return rows
        return rows.filter(recipient_kind=RecipientKind.USER, recipient_id=request.user.pk or 0)

    def headline(self, row: Notice) -> str:
        return f"{row.subject} {row.get_topic_display()}"

    def badge(self, row: Notice) -> str:
        return look_badge(READ if row.read_at else UNREAD)

    def facts(self, request: HttpRequest, row: Notice) -> list[Fact]:
        text = render(row.topic, row.recipient_kind, row.data)
        return [
            Fact(_("Recipient"), _named(row)),
            Fact(_("Topic"), row.get_topic_display()),
            Fact(_("Title"), text.title),
            Fact(_("Text"), text.body),
            Fact(_("Language"), row.get_language_display()),
            Fact(_("Told at"), _shown(row.created_at)),
            Fact(_("Read at"), _shown(row.read_at)),
        ]

    def panels(self, request: HttpRequest, row: Notice) -> Sequence[str]:
        rows = row.deliveries.select_related("endpoint", "user").order_by("id")
        shown = [(each, look_badge(STATES[each.state]), _page(each)) for each in rows]
        return [render_to_string("desk/deliveries.html", {"rows": shown})]

    def moves(self, request: HttpRequest, row: Notice) -> Mapping[str, RecordMove]:
        is_mine = row.recipient_kind == RecipientKind.USER and row.recipient_id == request.user.pk
        return {"read": MARK_READ} if is_mine and row.read_at is None else {}

    @admin.display(description=_("recipient"))
    def recipient(self, row: Notice) -> str:
        return f"{row.get_recipient_kind_display()} {row.recipient_id}"

    @admin.display(description=_("state"))
    def read(self, row: Notice) -> str:
        return self.badge(row)


@admin.register(Delivery)
class DeliveryAdmin(RecordAdmin):
    list_display = (
        "subject",
        "topic",
        "way",
        "recipient",
        "attempts",
        "next_try_at",
        "status",
        "created_at",
        "shown",
    )
    list_filter = ("state", "way")
    list_select_related = ("notice", "endpoint", "user")
    ordering = ("-id",)
    search_exact = ("notice__subject",)
    search_help_text = _("Refund number")

    def headline(self, row: Delivery) -> str:
        return f"{row.notice.subject} {row.get_way_display()}"

    def badge(self, row: Delivery) -> str:
        return look_badge(STATES[row.state])

    def facts(self, request: HttpRequest, row: Delivery) -> list[Fact]:
        return [
            Fact(_("Notice"), format_html('<a href="{}">{}</a>', _page(row.notice), row.notice)),
            Fact(_("Recipient"), _named(row.notice)),
            Fact(_("Way"), row.get_way_display()),
            Fact(_("Person"), row.user),
            Fact(_("Endpoint"), row.endpoint),
            Fact(_("Tries"), str(row.attempts)),
            Fact(_("Next try"), _shown(row.next_try_at) if row.state == DeliveryState.QUEUED else ""),
            Fact(_("Answer's status"), row.status),
            Fact(_("What went wrong"), row.error),
            Fact(_("Created at"), _shown(row.created_at)),
            Fact(_("Sent at"), _shown(row.sent_at)),
        ]

    def moves(self, request: HttpRequest, row: Delivery) -> Mapping[str, RecordMove]:
        is_off = row.endpoint is not None and row.endpoint.disabled_at is not None
        may = request.user.has_perm(MAY_REPLAY)
        return {"again": AGAIN} if may and row.state != DeliveryState.QUEUED and not is_off else {}

    @admin.display(description=_("about"))
    def subject(self, row: Delivery) -> str:
        return row.notice.subject

    @admin.display(description=_("topic"))
    def topic(self, row: Delivery) -> str:
        return row.notice.get_topic_display()

    @admin.display(description=_("recipient"))
    def recipient(self, row: Delivery) -> str:
        return f"{row.notice.get_recipient_kind_display()} {row.notice.recipient_id}"

    @admin.display(description=_("state"))
    def shown(self, row: Delivery) -> str:
        return self.badge(row)


@admin.register(Endpoint)
class EndpointAdmin(RecordAdmin):
    list_display = ("url", "owner_name", "created_at", "disabled_at", "shown")
    list_filter = ("disabled_reason",)
    list_select_related = ("shop", "seller")
    ordering = ("-id",)
    search_exact = ("seller__code", "shop__code")
    search_help_text = _("Code of the seller or the shop")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        rows: QuerySet[Endpoint] = super().get_queryset(request)
        return rows.defer("sealed_secret", "sealed_former")

    def badge(self, row: Endpoint) -> str:
        if row.disabled_at is None:
            return look_badge(IN_USE)
        return look_badge(Look("toggle_off", "warn", Endpoint.Why(row.disabled_reason).label))

    def facts(self, request: HttpRequest, row: Endpoint) -> list[Fact]:
        return [
            Fact(_("Owner"), self.owner_name(row)),
            Fact(_("Address"), row.url),
            Fact(_("Created at"), _shown(row.created_at)),
            Fact(_("Former secret valid until"), _shown(row.former_until)),
            Fact(_("Switched off at"), _shown(row.disabled_at)),
        ]

    def moves(self, request: HttpRequest, row: Endpoint) -> Mapping[str, RecordMove]:
        if not request.user.has_perm(endpoints.MAY_SWITCH):
            return {}
        return {"on": SWITCH_ON} if row.disabled_at else {"off": SWITCH_OFF}

    @admin.display(description=_("owner"))
    def owner_name(self, row: Endpoint) -> str:
        return str(row.seller or row.shop)

    @admin.display(description=_("state"))
    def shown(self, row: Endpoint) -> str:
        return self.badge(row)


def _named(notice: Notice) -> str:
    who = RECIPIENTS[notice.recipient_kind].objects.filter(pk=notice.recipient_id).first()
    return f"{notice.get_recipient_kind_display()}: {who or gettext('none of ours')}"


def _page(row: Notice | Delivery) -> str:
    return reverse(f"admin:notices_{row._meta.model_name}_change", args=[row.pk])


def _shown(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""
