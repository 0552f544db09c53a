"""Disputes at the channels: what is open and until when, and what people enter of channels that tell us nothing."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.forms import typed_amount
from marketplace.kernel.money import Money
from marketplace.kernel.templatetags.recourse import money
from marketplace.payments.channels import Channel
from marketplace.payments.models import Capture
from marketplace.risk.models import Dispute, DisputeState
from refunds.models import RefundRequest
from refunds.operations.dispute_by_hand import (
    MAY_DECIDE,
    MAY_OPEN,
    decide_by_hand,
    is_decided_by_hand,
    open_by_hand,
)

from .looks import dispute_badge
from .record import Fact, NoteForm, RecordAdmin, RecordMove

SOON = timedelta(days=2)


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Open")), ("soon", _("Answer due within 2 days")), ("closed", _("Closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Dispute]) -> QuerySet[Dispute]:
        is_open = {"state": Dispute.State.OPEN}
        match self.value():
            case "open":
                return queryset.filter(**is_open)
            case "soon":
                return queryset.filter(**is_open, due_at__lt=timezone.now() + SOON)
            case "closed":
                return queryset.exclude(**is_open)
        return queryset


class DecideForm(NoteForm):
    field_order = ("is_seen", "note")

    is_seen = forms.BooleanField(
        label=_("I have seen this decision at the channel. It cannot be taken back.")
    )


class ComplaintForm(NoteForm):
    """A complaint as it stands at the channel. The amount is in the payment's currency; empty means all of it."""

    field_order = ("channel", "channel_no", "channel_dispute_no", "amount", "reason", "due_at", "note")

    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    channel_no = forms.CharField(label=_("Payment's number at the channel"), max_length=128)
    channel_dispute_no = forms.CharField(label=_("Complaint's number at the channel"), max_length=128)
    amount = forms.CharField(
        label=_("Amount"), max_length=32, required=False, help_text=_("Empty: the whole payment.")
    )
    reason = forms.CharField(label=_("Channel's reason"), max_length=64, required=False)
    due_at = forms.DateTimeField(
        label=_("Answer due"), required=False, help_text=_("Beijing time, such as 2026-03-02 18:00.")
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not (data.get("channel") and data.get("channel_no")):
            return data
        capture = Capture.objects.filter(channel=data["channel"], channel_no=data["channel_no"]).first()
        if capture is None:
            raise forms.ValidationError(gettext("This payment is not on our books."))
        amount = capture.amount
        if data.get("amount"):
            amount = typed_amount(data["amount"], capture.currency)
            if not 0 < amount <= capture.amount:
                raise forms.ValidationError(gettext("Amount: more than nothing, and no more than was paid."))
        data["money"] = Money(amount, capture.currency)
        return data


def _open(_row: None, user: User, data: Mapping[str, Any], now: datetime) -> Dispute:
    names = ("channel", "channel_no", "channel_dispute_no", "money", "reason", "due_at", "note")
    return open_by_hand(user=user, now=now, **{name: data[name] for name in names})


def _decide(state: DisputeState) -> Any:
    def run(row: Dispute, user: User, data: Mapping[str, Any], now: datetime) -> Dispute:
        return decide_by_hand(user=user, number=row.number, state=state, note=data["note"], now=now)

    return run


OPEN = RecordMove(
    _("Enter a complaint"),
    _("For complaints you saw at Alipay or WeChat Pay: its money is held until it is closed."),
    "add", "calm", ComplaintForm, _open, _("Entered. The disputed money is held."),
)  # fmt: skip
LOST = RecordMove(
    _("Decided for the buyer"),
    _("A chargeback is borne as a refund would be. A complaint moves no money: approve the refund in its case."),
    "cancel", "bad", DecideForm, _decide(Dispute.State.LOST), _("Closed: decided for the buyer."),
)  # fmt: skip
WON = RecordMove(
    _("Decided for us"), _("What the dispute held is free again."),
    "check_circle", "good", DecideForm, _decide(Dispute.State.WON), _("Closed: decided for us."),
)  # fmt: skip


@admin.register(Dispute)
class DisputeAdmin(RecordAdmin):
    adding = OPEN
    list_display = (
        "number",
        "kind",
        "channel",
        "channel_dispute_no",
        "order",
        "sum",
        "contested_sum",
        "status",
        "due",
    )
    list_filter = (StateFilter, "kind", "channel")
    list_select_related = ("claim", "capture__order")
    ordering = ("-id",)
    search_exact = ("number", "channel_dispute_no", "capture__channel_no", "capture__order__no")
    search_help_text = _("Dispute, payment or order number")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(MAY_OPEN))

    def badge(self, row: Dispute) -> str:
        return dispute_badge(row)

    def facts(self, request: HttpRequest, row: Dispute) -> list[Fact]:
        return [
            Fact(_("Kind"), row.get_kind_display()),
            Fact(_("Channel"), row.get_channel_display()),
            Fact(_("Number at the channel"), row.channel_dispute_no),
            Fact(_("Payment"), row.capture.channel_no),
            Fact(_("Order"), self.order(row)),
            Fact(_("Cases"), _cases(row)),
            Fact(_("Amount"), self.sum(row)),
            Fact(_("Paid back before"), self.contested_sum(row)),
            Fact(_("Channel's reason"), row.reason),
            Fact(_("Opened"), _time(row.opened_at)),
            Fact(_("Answer due"), self.due(row)),
            Fact(_("Closed"), _time(row.closed_at)),
            *(Fact(_time(entry.action_time), f"{entry.user}: {entry.change_message}") for entry in _log(row)),
        ]

    def moves(self, request: HttpRequest, row: Dispute) -> Mapping[str, RecordMove]:
        if row.state != Dispute.State.OPEN or not request.user.has_perm(MAY_DECIDE):
            return {}
        return {"won": WON, "lost": LOST} if is_decided_by_hand(row) else {}

    def adding_facts(self, request: HttpRequest) -> list[Fact]:
        return [Fact(_("Kind"), Dispute.Kind.COMPLAINT.label)]

    @admin.display(description=_("order"))
    def order(self, row: Dispute) -> SafeString:
        order = row.capture.order
        url = reverse("admin:orders_order_change", args=[order.pk])
        return format_html('<a class="desk-mono" href="{}">{}</a>', url, order.no)

    @admin.display(description=_("amount"))
    def sum(self, row: Dispute) -> str:
        return money(row.amount, row.currency)

    @admin.display(description=_("paid back before"))
    def contested_sum(self, row: Dispute) -> str:
        is_contested = row.kind == Dispute.Kind.CHARGEBACK and row.contested
        return money(row.contested, row.currency) if is_contested else "–"

    @admin.display(description=_("state"))
    def status(self, row: Dispute) -> str:
        return self.badge(row)

    @admin.display(description=_("answer due"))
    def due(self, row: Dispute) -> str:
        due_at = row.due_at if row.state == Dispute.State.OPEN else None
        return render_to_string("desk/deadline.html", {"due_at": due_at})


def _cases(row: Dispute) -> SafeString:
    """The order's refund requests."""
    numbers = (
        RefundRequest.objects.filter(order=row.capture.order_id)
        .order_by("id")
        .values_list("number", flat=True)
    )
    links = [(reverse("admin:refunds_refundrequest_case", args=[number]), number) for number in numbers]
    return format_html_join(" ", '<a class="desk-mono" href="{}">{}</a>', links)


def _log(row: Dispute) -> QuerySet[LogEntry]:
    """What people did about it by hand."""
    of_disputes = ContentType.objects.get_for_model(Dispute)
    entries = LogEntry.objects.filter(content_type=of_disputes, object_id=str(row.pk))
    return entries.select_related("user").order_by("id")


def _time(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""
