"""Reading what was typed on the case page. Whether it may be done is the operation's to say."""

import re
import unicodedata
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.money import EXPONENTS, MAX_AMOUNT, minor
from refunds.models import RefundRequest, Transition
from refunds.operations.say import MAX_CHARACTERS

# 1234.50 or 1,234.50. A comma anywhere else may be meant as a decimal point: refused, not guessed at.
AMOUNT = re.compile(r"(\d{1,15}|\d{1,3}(,\d{3}){1,4})(\.\d{1,15})?", re.ASCII)
CLAUSE_LENGTH = Transition._meta.get_field("clause").max_length


class MoveForm(forms.Form):
    """Reasons. Left empty they are the operation's to refuse, in its own words."""

    note = forms.CharField(
        label=_("Reasons"),
        help_text=_("Both sides read this."),
        required=False,
        max_length=MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, case_of: RefundRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case_of = case_of


class ConfirmForm(MoveForm):
    """The amount the second person saw, so that a proposal made meanwhile is not confirmed unseen."""

    proposed = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=MAX_AMOUNT)


class PartForm(MoveForm):
    field_order = ("amount", "note")

    amount = forms.CharField(
        label=_("Amount"),
        max_length=32,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def clean_amount(self) -> int:
        """Minor units, exactly as typed: nothing is rounded."""
        currency = self.case_of.currency
        text = unicodedata.normalize(
            "NFKC", self.cleaned_data["amount"]
        )  # full-width digits of a Chinese keyboard
        if not AMOUNT.fullmatch(text):
            raise forms.ValidationError(gettext("Amount: write a number such as 12.50."))
        try:
            return minor(Decimal(text.replace(",", "")), currency)
        except ValueError as error:
            raise forms.ValidationError(
                gettext("Amount: %(currency)s has at most %(digits)d decimals.")
                % {"currency": currency, "digits": EXPONENTS[currency]}
            ) from error


class RejectForm(MoveForm):
    field_order = ("clause", "note")

    clause = forms.CharField(
        label=_("Clause"),
        help_text=_("Pick one from the findings or write your own."),
        required=False,
        max_length=CLAUSE_LENGTH,
        validators=[RegexValidator(r"^[\w .§()\-/]+$", _("Clause: letters, digits and . - / § only."))],
    )


class SayForm(forms.Form):
    text = forms.CharField(
        label=_("Message"),
        required=False,
        max_length=MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
