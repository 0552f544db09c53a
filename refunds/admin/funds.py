"""Sellers with their money: what they have, owe and must keep, and what finance moves for them. And settlements."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.identity.models import User
from marketplace.kernel.forms import typed_amount
from marketplace.kernel.money import EXPONENTS
from marketplace.kernel.templatetags.recourse import money
from marketplace.ledger.models import PLATFORM, Kind
from marketplace.ledger.queries import balances
from marketplace.payments.models import Settlement
from marketplace.payments.operations import seller_funds
from marketplace.payments.operations.seller_funds import MAX_REFERENCE, MOVE_FUNDS
from refunds.exposure import funds
from refunds.operations.withdraw_funds import return_deposit
from sellers.admin import SellerAdmin
from sellers.models import Seller

from .record import Fact, RecordAdmin, RecordMove

VIEW_FUNDS = "payments.view_withdrawal"
ENTRIES = 20


class MoveForm(forms.Form):
    """An amount in a currency; the reference is the operation's to refuse."""

    currency = forms.ChoiceField(label=_("Currency"), choices=[(each, each) for each in EXPONENTS])
    amount = forms.CharField(
        label=_("Amount"),
        max_length=32,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    reference = forms.CharField(
        label=_("Bank's reference"),
        help_text=_("As the bank's statement names the payment."),
        required=False,
        max_length=MAX_REFERENCE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "currency" in cleaned and "amount" in cleaned:
            try:
                cleaned["amount"] = typed_amount(cleaned["amount"], cleaned["currency"])
            except forms.ValidationError as error:
                self.add_error("amount", error)
        return cleaned


class DecisionForm(MoveForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reference = self.fields["reference"]
        reference.label = _("Decision")
        reference.help_text = _("The number under which giving it up was decided.")


Run = Callable[[Seller, User, Mapping[str, Any], datetime], None]


def _by(operation: Callable[..., None], reference: str = "bank_reference") -> Run:
    def run(seller: Seller, user: User, data: Mapping[str, Any], now: datetime) -> None:
        named = {reference: data["reference"]}
        operation(
            seller=seller, amount=data["amount"], currency=data["currency"], user=user, now=now, **named
        )

    return run


def _fund(_seller: Seller, user: User, data: Mapping[str, Any], now: datetime) -> None:
    seller_funds.fund_advance(
        amount=data["amount"], currency=data["currency"], bank_reference=data["reference"], user=user, now=now
    )


DEPOSIT = RecordMove(
    _("Deposit paid in"), _("The seller's security has arrived at the bank."),
    "savings", "good", MoveForm, _by(seller_funds.take_deposit), _("Booked."),
)  # fmt: skip
RETURN = RecordMove(
    _("Deposit returned"), _("Only as far as open refunds and disputes do not need it."),
    "undo", "calm", MoveForm, _by(return_deposit), _("Booked."),
)  # fmt: skip
REPAY = RecordMove(
    _("Debt repaid"), _("The seller has paid back what was advanced."),
    "price_check", "good", MoveForm, _by(seller_funds.repay_debt), _("Booked."),
)  # fmt: skip
FUND = RecordMove(
    _("Fund the advances"), _("The platform puts money aside; debts are written off against it."),
    "add_card", "calm", MoveForm, _fund, _("Booked."),
)  # fmt: skip
WRITE_OFF = RecordMove(
    _("Write the debt off"), _("Given up, out of the fund for advances. This cannot be taken back."),
    "money_off", "bad", DecisionForm, _by(seller_funds.write_off_debt, "decision"), _("Booked."),
)  # fmt: skip


# The page of a seller with what other floors know of them takes the place of the one that knows the seller alone.
admin.site.unregister(Seller)


@admin.register(Seller)
class SellerFundsAdmin(RecordAdmin):
    list_display = SellerAdmin.list_display
    list_filter = SellerAdmin.list_filter
    ordering = SellerAdmin.ordering
    search_start = SellerAdmin.search_start
    search_exact = SellerAdmin.search_exact
    search_help_text = SellerAdmin.search_help_text

    def facts(self, request: HttpRequest, row: Seller) -> Sequence[Fact]:
        people = row.members.order_by("id").values_list("user__username", flat=True)
        return [
            Fact(_("Code"), row.code),
            Fact(_("Name"), row.name),
            Fact(_("Verified"), _time(row.verified_at)),
            Fact(_("First seen"), _time(row.created_at)),
            Fact(_("Sellers' people"), ", ".join(people)),
        ]

    def panels(self, request: HttpRequest, row: Seller) -> Sequence[str]:
        if not request.user.has_perm(VIEW_FUNDS):
            return ()
        advance = [
            (currency, -amount)
            for (currency, kind), amount in balances(PLATFORM).items()
            if kind == Kind.ADVANCE
        ]
        entries = LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(Seller), object_id=str(row.pk)
        )
        context = {
            "funds": funds(row),
            "advance": advance,
            "entries": entries.select_related("user").order_by("-id")[:ENTRIES],
            "withdrawals": row.withdrawals.order_by("-id")[:ENTRIES],
        }
        return [render_to_string("desk/seller_funds.html", context, request=request)]

    def moves(self, request: HttpRequest, row: Seller) -> Mapping[str, RecordMove]:
        if not request.user.has_perm(MOVE_FUNDS):
            return {}
        found = funds(row)
        moves = {"deposit": DEPOSIT}
        if any(each.deposit for each in found):
            moves["return"] = RETURN
        if any(each.debt for each in found):
            moves |= {"repay": REPAY, "fund": FUND, "write_off": WRITE_OFF}
        return moves


@admin.register(Settlement)
class SettlementAdmin(ReadOnlyAdmin):
    list_display = ("id", "order", "seller", "sum", "kept", "repaid", "settled_at")
    list_select_related = ("capture__order__seller",)
    ordering = ("-id",)
    search_exact = ("capture__order__no", "capture__order__external_no", "capture__channel_no")
    search_help_text = _("Order number or channel's number")
    fields = ("order", "seller", "sum", "kept", "repaid", "settled_at")
    readonly_fields = ("order", "seller", "sum", "kept", "repaid")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Settlement | None:
        rows = Settlement.objects.select_related("capture__order__seller")
        return rows.filter(pk=object_id).first() if object_id.isdigit() else None

    @admin.display(description=_("order"))
    def order(self, row: Settlement) -> str:
        return row.capture.order.no

    @admin.display(description=_("seller"))
    def seller(self, row: Settlement) -> str:
        return str(row.capture.order.seller)

    @admin.display(description=_("amount"))
    def sum(self, row: Settlement) -> str:
        return money(row.amount, row.capture.currency)

    @admin.display(description=_("commission"))
    def kept(self, row: Settlement) -> str:
        return money(row.commission, row.capture.currency)

    @admin.display(description=_("debt repaid"))
    def repaid(self, row: Settlement) -> str:
        return money(row.debt_repaid, row.capture.currency)


def _time(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""
