"""What is typed where somebody files for a buyer: on the desk, in the portal, in a row of a file.

Reading only; whether it may be filed is the operation's to say.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.forms import typed_amount
from marketplace.kernel.money import MAX_AMOUNT, Money
from marketplace.orders.models import Order

from .operations.file import Filing
from .reasons import REASON_CHOICES, REMEDY_CHOICES

MAX_DESCRIPTION = 4000  # characters, as through the API
UNITS_AT_MOST = 1000
# Name, label, characters: the fields of requirement C7, as through the API (held by a test).
DETAILS = (
    ("user_id", _("User ID"), 128),
    ("account", _("Account"), 128),
    ("server", _("Server"), 128),
    ("package", _("Package"), 128),
    ("payment_method", _("Payment method"), 64),
    ("exact_amount", _("Exact amount and currency"), 32),
    ("card_last4", _("Card's last four digits"), 4),
    ("channel_reference", _("Payment's number at the channel"), 128),
    ("balance_before", _("Balance before"), 64),
    ("balance_after", _("Balance after"), 64),
    ("troubleshooting", _("Tried already"), 1000),
)
DETAIL_NAMES = tuple(name for name, _label, _most in DETAILS)


class FilingForm(forms.Form):
    """Of one order. `units` are refs; none chosen means all of the order's."""

    reason = forms.ChoiceField(label=_("Reason"), choices=[("", _("Choose …")), *REASON_CHOICES])
    description = forms.CharField(
        label=_("In the buyer's words"),
        required=False,
        max_length=MAX_DESCRIPTION,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    units = forms.MultipleChoiceField(
        label=_("Units"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all of them."),
    )  # fmt: skip

    def __init__(self, *args: Any, order: Order, refs: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order = order
        self.fields["units"].choices = [(ref, ref) for ref in refs]  # type: ignore[attr-defined]

    def filing(self) -> Filing:
        data = self.cleaned_data
        details = {name: data[name] for name in DETAIL_NAMES if data.get(name)}
        return Filing(
            order_no=self.order.no,
            reason=data["reason"],
            remedy=data.get("remedy") or "refund",
            description=data["description"],
            units=tuple(data["units"]) or None,
            amount=data.get("amount") or None,
            details=details or None,
            file_when_allowed=bool(data.get("file_when_allowed")),
        )


class WholeFilingForm(FilingForm):
    """With all a buyer can say through the API."""

    remedy = forms.ChoiceField(label=_("Remedy"), choices=REMEDY_CHOICES, required=False, initial="refund")
    amount = forms.CharField(
        label=_("Amount"),
        required=False,
        max_length=32,
        help_text=_("Empty: all that is left of the units."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    file_when_allowed = forms.BooleanField(
        label=_("If the payment may still arrive, file it when that time is over"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label, most in DETAILS:
            self.fields[name] = forms.CharField(label=label, required=False, max_length=most)
        self.fields["card_last4"].validators.append(
            RegexValidator(r"^[0-9]{4}\Z", _("Give the last four digits, and never more."))
        )

    def clean_amount(self) -> Money | None:
        if not (typed := self.cleaned_data["amount"]):
            return None
        amount = typed_amount(typed, self.order.currency)
        if not 0 < amount <= MAX_AMOUNT:
            raise ValidationError(gettext("Amount: more than nothing, and no more than was paid."))
        return Money(amount, self.order.currency)

    @property
    def detail_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in DETAIL_NAMES]
