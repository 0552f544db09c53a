"""The ways to answer that end with the buyer or with nobody seeing a number: each is one form, posted to one operation."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Text
from marketplace.kernel.forms import typed_amount
from refunds.machine import SEALABLE, Party, State
from refunds.models import RefundRequest
from refunds.operations import offer, seal_offer
from refunds.representation import represent_sealed

from .forms import LongText

Cleaned = Mapping[str, Any]
SEALED = "sealed"


class OfferForm(forms.Form):
    """`case` is the request it is about: amounts are typed in its currency."""

    def __init__(self, data: Any = None, *, case: RefundRequest, way: str) -> None:
        super().__init__(data, auto_id=f"{way}-%s")
        self.case = case

    def clean_amount(self) -> int:
        return typed_amount(self.cleaned_data["amount"], self.case.currency)


def _amount(label: Any, help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=32,
        error_messages={"required": _("Write an amount first.")},
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


def _note(*, required: bool, rows: int = 2) -> LongText:
    return LongText(
        label=_("What the buyer gets") if required else _("Note to the buyer (optional)"),
        help_text=_("The buyer and the platform read this. Never write a card code or a password here."),
        error_messages={"required": _("Say what you promise.")},
        required=required,
        rows=rows,
    )


class PartForm(OfferForm):
    amount = _amount(_("Amount you offer"), _("Less than what was asked."))
    note = _note(required=False)


class ReplacementForm(OfferForm):
    codes = LongText(
        label=_("New codes, one a line"),
        help_text=_("One for each unit. Only the buyer sees them, once they reveal them. Leave empty for goods on an account."),
        required=False,
        rows=2,
    )  # fmt: skip
    note = _note(required=False)


class PromiseForm(OfferForm):
    on = forms.DateField(
        label=_("By the end of"),
        error_messages={"required": _("A promise needs a date.")},
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )
    note = _note(required=True)

    def __init__(self, data: Any = None, **known: Any) -> None:
        super().__init__(data, **known)
        first, last = offer.promise_days(self.case, timezone.now())
        self.fields["on"].widget.attrs |= {"min": first.isoformat(), "max": last.isoformat()}


class SealedForm(OfferForm):
    amount = _amount(_("The most you would pay"), _("Nobody sees this number, and it cannot be changed."))


class Way(NamedTuple):
    name: str  # its address
    label: Text
    means: Text
    button: Text
    done: Text
    form: type[OfferForm]
    run: Callable[[str, User, Cleaned, datetime], RefundRequest]


def _part(number: str, user: User, typed: Cleaned, now: datetime) -> RefundRequest:
    return offer.offer_part(number=number, user=user, amount=typed["amount"], note=typed["note"], now=now)


def _replacement(number: str, user: User, typed: Cleaned, now: datetime) -> RefundRequest:
    codes = typed["codes"].splitlines()
    return offer.offer_replacement(number=number, user=user, codes=codes, note=typed["note"], now=now)


def _promise(number: str, user: User, typed: Cleaned, now: datetime) -> RefundRequest:
    return offer.promise(number=number, user=user, on=typed["on"], note=typed["note"], now=now)


def _seal(number: str, user: User, typed: Cleaned, now: datetime) -> RefundRequest:
    return seal_offer.seal_as_seller(number=number, user=user, most=typed["amount"], now=now)


WAYS: dict[str, Way] = {
    way.name: way
    for way in (
        Way(
            "part", _("Offer a part"), _("The buyer accepts it, or a reviewer decides."), _("Send the offer"),
            _("Done: your offer is with the buyer."), PartForm, _part,
        ),
        Way(
            "replacement", _("Send a replacement"),
            _("The buyer confirms it, and it takes the old unit's place. Until then its worth is held of the payment."),
            _("Send the replacement"), _("Done: the replacement is with the buyer."), ReplacementForm, _replacement,
        ),
        Way(
            "promise", _("Promise a date"),
            _("Unconfirmed by then, the case goes to a reviewer by itself, and it counts against you."), _("Promise"),
            _("Done: your promise is with the buyer."), PromiseForm, _promise,
        ),
    )
}  # fmt: skip
SEAL = Way(
    SEALED, _("Make a sealed offer"),
    _("Where you and the buyer meet, the middle is paid at once. Where you do not, both hear only that."),
    _("Seal it"), _("Done: your sealed offer is made. Nobody sees its number."), SealedForm, _seal,
)  # fmt: skip


def offered_ways(
    case: RefundRequest, tried: forms.Form | None, name: str
) -> list[tuple[Way, forms.Form, bool]]:
    """The ways to answer with their forms, the one that was tried open; first what the buyer asked for."""
    if case.state != State.AWAITING_SELLER:
        return []
    ways = sorted(WAYS.values(), key=lambda way: way.name != case.remedy)
    return [(way, *_form(way, case, tried, name)) for way in ways]


def sealed_way(case: RefundRequest, tried: forms.Form | None, name: str) -> dict[str, Any]:
    """Whether each side has made its sealed offer, what came of it, and the form where this seller still may."""
    known = represent_sealed(case)
    may = case.state in SEALABLE and not known[Party.SELLER.value]
    form, is_open = _form(SEAL, case, tried, name) if may else (None, False)
    return {"way": SEAL, "form": form, "is_open": is_open, **known}


def _form(way: Way, case: RefundRequest, tried: forms.Form | None, name: str) -> tuple[forms.Form, bool]:
    if tried is not None and name == way.name:
        return tried, True
    return way.form(case=case, way=way.name), False
