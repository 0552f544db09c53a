"""Reading what was typed. Whether it may be done is the operation's to say."""

import re
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.forms import typed_amount
from marketplace.kernel.money import EXPONENTS
from marketplace.ledger.models import Kind
from marketplace.notices.addresses import MAX_URL
from refunds.faults import Ground
from refunds.operations.say import MAX_CHARACTERS

from .money_looks import ACCOUNTS

STATEMENT_DAYS = 30  # when none is asked for
MOST_DAYS = 366


class LongText(forms.CharField):
    """Lines as people count them: a browser sends each line break as two characters."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows})
        super().__init__(max_length=MAX_CHARACTERS, widget=widget, **kwargs)

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class AgreeForm(forms.Form):
    note = LongText(
        label=_("Note to the buyer (optional)"), help_text=_("The buyer and the platform read this."),
        required=False, rows=3,
    )  # fmt: skip


class RefuseForm(forms.Form):
    ground = forms.ChoiceField(
        label=_("Ground"),
        choices=Ground.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a ground."),
            "invalid_choice": _("Choose one of the grounds listed."),
        },
    )
    note = LongText(
        label=_("Explanation"),
        help_text=_("Say what it rests on: records, times, the rule. The buyer and the reviewer read this."),
        error_messages={"required": _("Say in a sentence what the ground rests on.")},
        rows=4,
    )


class AppealForm(forms.Form):
    clauses = forms.CharField(
        label=_("Clauses you rely on"),
        help_text=_("As the findings name them, separated by commas: B3, B6."),
        max_length=200,
        error_messages={"required": _("Name at least one clause.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    text = LongText(
        label=_("Why the decision is wrong"),
        help_text=_("A supervisor who took no part in the decision reads this."),
        error_messages={"required": _("Say why the decision is wrong.")},
        rows=4,
    )

    def clean_clauses(self) -> list[str]:
        parts = re.split(r"[,，、;；]", self.cleaned_data["clauses"])
        return [part.strip() for part in parts if part.strip()]


class MessageForm(forms.Form):
    text = LongText(
        label=_("Message"),
        help_text=_("The buyer and the platform read this. Never write a card code or a password here."),
        error_messages={"required": _("Write a message first.")},
        rows=3,
    )


class WithdrawForm(forms.Form):
    """Minor units of the currency its block is of."""

    currency = forms.ChoiceField(choices=[(each, each) for each in EXPONENTS], widget=forms.HiddenInput)
    amount = forms.CharField(
        label=_("Amount"),
        max_length=32,
        error_messages={"required": _("Write an amount first.")},
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "currency" in cleaned and "amount" in cleaned:
            try:
                cleaned["amount"] = typed_amount(cleaned["amount"], cleaned["currency"])
            except forms.ValidationError as error:
                self.add_error("amount", error)
        return cleaned


class StatementForm(forms.Form):
    """Which account, in which currency, and the days from and to, both included."""

    account = forms.ChoiceField(label=_("Ledger account"), choices=list(ACCOUNTS.items()))
    currency = forms.ChoiceField(label=_("Currency"))
    since = forms.DateField(label=_("From"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(label=_("To"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, data: Any = None, *, currencies: list[str]) -> None:
        today = timezone.localdate()
        initial = {
            "account": Kind.PAYABLE, "currency": currencies[0] if currencies else "",
            "since": today - timedelta(days=STATEMENT_DAYS), "until": today,
        }  # fmt: skip
        super().__init__(data, initial=initial, auto_id="statement-%s")
        self.fields["currency"].choices = [(each, each) for each in currencies]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and not timedelta() <= until - since < timedelta(days=MOST_DAYS):
            self.add_error("until", _("The days run from the earlier to the later, at most a year."))
        return cleaned

    @property
    def chosen(self) -> dict[str, Any] | None:
        """What to show: what was asked for, the usual where nothing was, nothing where it makes no sense."""
        if not self.is_bound:
            return dict(self.initial) if self.initial["currency"] else None
        return self.cleaned_data if self.is_valid() else None


class EndpointForm(forms.Form):
    url = forms.CharField(
        label=_("Address"),
        help_text=_(
            "https://, on the public internet. Each notice is posted there as JSON, signed as Standard Webhooks."
        ),
        max_length=MAX_URL,
        widget=forms.URLInput(
            attrs={"placeholder": "https://shop.example.com/webhooks", "autocomplete": "off"}
        ),
        error_messages={"required": _("Write an address first.")},
    )
