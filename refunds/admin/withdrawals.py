"""Sellers' withdrawals (requirement G5): finance pays with the bank's reference, or rejects with a note."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.templatetags.recourse import money
from marketplace.payments.models import Withdrawal
from marketplace.payments.operations.seller_funds import MAX_REFERENCE, MOVE_FUNDS
from refunds.casefile.views import person
from refunds.operations.withdraw_funds import pay_withdrawal, reject_withdrawal

from .looks import Look, look_badge
from .record import Fact, NoteForm, RecordAdmin, RecordMove

STATES: dict[str, Look] = {
    Withdrawal.State.REQUESTED: Look("schedule", "warn", Withdrawal.State.REQUESTED.label),
    Withdrawal.State.PAID: Look("check_circle", "good", Withdrawal.State.PAID.label),
    Withdrawal.State.REJECTED: Look("block", "bad", Withdrawal.State.REJECTED.label),
}


class ReferenceForm(forms.Form):
    """Left empty it is the operation's to refuse, in its own words."""

    bank_reference = forms.CharField(
        label=_("Bank's reference"),
        help_text=_("As the bank's statement names the payment."),
        required=False,
        max_length=MAX_REFERENCE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def _pay(row: Withdrawal, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return pay_withdrawal(number=row.number, user=user, bank_reference=data["bank_reference"], now=now)


def _reject(row: Withdrawal, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return reject_withdrawal(number=row.number, user=user, note=data["note"], now=now)


MOVES = {
    "pay": RecordMove(
        _("Record the payment"),
        _("Pay it at the bank first, to the account the seller is registered with; then enter the bank's reference."),
        "account_balance", "good", ReferenceForm, _pay, _("Recorded as paid."), needs_step_up=True,
    ),
    "reject": RecordMove(
        _("Reject"), _("The amount is payable again. The seller reads the note."),
        "block", "bad", NoteForm, _reject, _("Rejected. The amount is payable again."), needs_step_up=True,
    ),
}  # fmt: skip


@admin.register(Withdrawal)
class WithdrawalAdmin(RecordAdmin):
    list_display = (
        "number",
        "seller",
        "sum",
        "status",
        "requested_by",
        "requested_at",
        "decided_by",
        "decided_at",
    )
    list_filter = ("state", "currency")
    list_select_related = ("seller", "requested_by", "decided_by")
    ordering = ("-id",)
    search_exact = ("number", "seller__code", "bank_reference")
    search_help_text = _("Withdrawal number, seller's code or bank's reference")

    def badge(self, row: Withdrawal) -> str:
        return look_badge(STATES[row.state])

    def facts(self, request: HttpRequest, row: Withdrawal) -> Sequence[Fact]:
        seller: Any = row.seller
        if request.user.has_perm("sellers.view_seller"):
            url = reverse("admin:sellers_seller_change", args=[row.seller_id])
            seller = format_html('<a href="{}">{}</a>', url, row.seller)
        return [
            Fact(_("Seller"), seller),
            Fact(_("Amount"), self.sum(row)),
            Fact(_("Asked for by"), f"{person(row.requested_by)}, {_time(row.requested_at)}"),
            Fact(
                _("Decided by"),
                f"{person(row.decided_by)}, {_time(row.decided_at)}" if row.decided_by else "",
            ),
            Fact(_("Bank's reference"), row.bank_reference),
            Fact(_("Note"), row.note),
        ]

    def moves(self, request: HttpRequest, row: Withdrawal) -> Mapping[str, RecordMove]:
        is_open = row.state == Withdrawal.State.REQUESTED
        return MOVES if is_open and request.user.has_perm(MOVE_FUNDS) else {}

    @admin.display(description=_("amount"))
    def sum(self, row: Withdrawal) -> str:
        return money(row.amount, row.currency)

    @admin.display(description=_("state"))
    def status(self, row: Withdrawal) -> str:
        return self.badge(row)


def _time(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""
