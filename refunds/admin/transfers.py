"""Transfers, and the page of one: how it stands, what the channel said, and exactly what may be done now (G6, G7)."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal
from marketplace.kernel.templatetags.recourse import money
from marketplace.payments.models import Payout, Transfer
from marketplace.payments.operations.payout import is_paid_by_hand, standing
from refunds.machine import Party
from refunds.models import Message

from . import looks
from .record import Fact, RecordAdmin, RecordMove
from .remedies import remedy_for
from .transfer_moves import MOVES, SEE_PAYEE, open_to


@admin.register(Transfer)
class TransferAdmin(RecordAdmin):
    list_display = (
        "number", "reference", "state", "sum", "channel", "attempts", "error_code", "created_at", "settled_at",
    )  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("claim__capture",)
    ordering = ("-id",)
    search_exact = ("number", "reference", "channel_refund_no")
    search_help_text = _("Transfer, refund or channel's number")

    @admin.display(description=_("amount"))
    def sum(self, transfer: Transfer) -> str:
        return money(transfer.claim.amount, transfer.claim.capture.currency)

    @admin.display(description=_("channel"))
    def channel(self, transfer: Transfer) -> str:
        return transfer.claim.capture.get_channel_display()

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Transfer | None:
        rows = Transfer.objects.select_related("claim__capture__order__buyer")
        rows = rows.annotate(by_hand=is_paid_by_hand())
        return rows.filter(pk=object_id).first() if object_id.isdigit() else None

    def badge(self, row: Transfer) -> str:
        return looks.transfer_badge(row)

    def facts(self, request: HttpRequest, row: Transfer) -> Sequence[Fact]:
        order, capture = row.claim.capture.order, row.claim.capture
        case = _link(row.reference, "refunds_refundrequest_case", row.reference)
        facts = [
            Fact(_("Refund"), case),
            Fact(_("Amount"), format_html('<span class="desk-sum">{}</span>', self.sum(row))),
            Fact(_("FX rate"), order.fx_rate),
            Fact(_("Buyer"), _link(str(order.buyer), "identity_buyer_change", order.buyer_id)),
            Fact(_("Paid by"), f"{capture.get_channel_display()} {capture.channel_no}"),
            Fact(_("Paid by hand"), _("Yes") if row.by_hand else ""),  # type: ignore[attr-defined]  # get_object
            Fact(_("Paid by a chargeback"), _by_chargeback(row)),
            Fact(_("Channel's refund number"), row.channel_refund_no),
            Fact(_("Attempts"), row.attempts),
            Fact(_("Created"), _time(row.created_at)),
            Fact(_("First sent"), _time(row.sent_at)),
            Fact(_("Next try"), _time(row.next_try_at) if row.state in Transfer.OPEN_STATES else ""),
            Fact(_("Settled"), _time(row.settled_at)),
        ]
        return [fact for fact in facts if fact.value not in (None, "")]

    def moves(self, request: HttpRequest, row: Transfer) -> Mapping[str, RecordMove]:
        return open_to(cast(User, request.user), row, standing(row))

    def panels(self, request: HttpRequest, row: Transfer) -> Sequence[str]:
        return [
            render_to_string(
                "desk/transfer_panels.html",
                {
                    "transfer": row,
                    "remedy": remedy_for(row),
                    "payee": getattr(request, "payee_to_show", None),
                    "payouts": [(payout, payout_badge(payout)) for payout in _payouts(row)],
                    "is_proposer": _waits_for_another(row, request.user.pk),
                    "traces": _traces(row),
                },
            )
        ]

    def _act(self, request: HttpRequest, row: Transfer) -> HttpResponse:
        """The payee is shown in the answer to the post itself, so that each view is one that was asked for."""
        if request.POST.get("move") != SEE_PAYEE or SEE_PAYEE not in self.moves(request, row):
            return super()._act(request, row)
        form = MOVES[SEE_PAYEE].form(request.POST)
        if not form.is_valid():
            return self._page(request, row, status=422)
        try:
            shown = MOVES[SEE_PAYEE].run(row, cast(User, request.user), form.cleaned_data, timezone.now())
        except Refusal as refusal:
            messages.error(request, str(refusal.detail))
            return self._page(request, row, status=refusal.status)
        request.payee_to_show = shown  # type: ignore[attr-defined]
        return self._page(request, row)


def payout_badge(payout: Payout) -> str:
    state = "rejected" if payout.rejected_at else "paid" if payout.paid_at else "waiting"
    return looks.look_badge(looks.PAYOUTS[state])


def _payouts(transfer: Transfer) -> list[Payout]:
    rows = transfer.payouts.select_related("proposed_by", "decided_by").defer("sealed_payee")
    return list(rows.order_by("-id"))


def _by_chargeback(transfer: Transfer) -> str:
    return money(*transfer.part) if transfer.by_chargeback else ""


def _waits_for_another(transfer: Transfer, user_id: int | None) -> bool:
    """Whether this person proposed what now waits for another."""
    payout = standing(transfer)
    return payout is not None and payout.decided_by_id is None and payout.proposed_by_id == user_id


def _traces(transfer: Transfer) -> list[Message]:
    """What people did about the money of this case, the latest first."""
    rows = Message.objects.filter(
        request__number=transfer.reference, is_internal=True, author=Party.SYSTEM, user__isnull=False
    )
    return list(rows.select_related("user").order_by("-id")[:50])


def _link(text: str, page: str, key: Any) -> str:
    return format_html('<a class="desk-mono" href="{}">{}</a>', reverse(f"admin:{page}", args=[key]), text)


def _time(at: Any) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""
