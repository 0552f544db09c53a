"""What staff do in a case without moving it: ask the provider, write its answer down, clear a flag, put a clock off."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Text
from refunds.casefile.views import person
from refunds.desk_queries import arbiters
from refunds.models import ProviderAnswer, RefundRequest
from refunds.operations import panel
from refunds.operations.extend import extend
from refunds.operations.flag import clear_flag
from refunds.operations.mass_fault import mark_mass_fault
from refunds.operations.provider_check import MAX_WORDS, ask, write_answer
from refunds.permissions import may_do
from refunds.providers import partner_name

from .forms import beijing_time

Cleaned = Mapping[str, Any]


class UnitForm(forms.Form):
    """Which of the case's units; not asked where there is one."""

    unit = forms.ChoiceField(label=_("Unit"))

    def __init__(self, *args: Any, units: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["unit"]
        field.choices = [(ref, ref) for ref in units]  # type: ignore[attr-defined]
        if len(units) == 1:
            field.widget = forms.HiddenInput()
            field.initial = units[0]


class AnswerForm(UnitForm):
    provider = forms.CharField(label=_("Provider"), max_length=64)
    answer = forms.ChoiceField(
        label=_("Their answer"), choices=[("", _("Choose …")), *ProviderAnswer.choices]
    )
    credited_at = beijing_time(_("Credited at"), _("Beijing time, where they say one."), required=False)
    reference = forms.CharField(label=_("Their reference"), required=False, max_length=128)
    words = forms.CharField(
        label=_("Their words"),
        help_text=_("As they wrote them, without the code."),
        max_length=MAX_WORDS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ClearForm(forms.Form):
    flag = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    note = forms.CharField(
        label=_("What was found or done"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class AppointForm(forms.Form):
    arbiter = forms.TypedChoiceField(label=_("Arbiter"), coerce=int)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(user.pk, person(user)) for user in arbiters()]
        self.fields["arbiter"].choices = [("", _("Choose …")), *people]  # type: ignore[attr-defined]


class RemoveForm(forms.Form):
    member = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class ExtendForm(forms.Form):
    until = beijing_time(_("New deadline"), _("Beijing time, later than the present one."))
    note = forms.CharField(
        label=_("Why"),
        help_text=_("Both sides read this."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class MassFaultForm(forms.Form):
    note = forms.CharField(
        label=_("Which fault"),
        help_text=_("Both sides read this."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class Deed(NamedTuple):
    """`run` calls the operation, which alone decides whether it may."""

    label: Text
    form: type[forms.Form]
    run: Callable[[str, User, Cleaned, datetime], object]
    done: Text


def _ask(number: str, user: User, data: Cleaned, now: datetime) -> object:
    return ask(number=number, user=user, unit=data["unit"], now=now)


def _write(number: str, user: User, data: Cleaned, now: datetime) -> object:
    return write_answer(number=number, user=user, now=now, **data)


def _clear(number: str, user: User, data: Cleaned, now: datetime) -> object:
    return clear_flag(number=number, user=user, flag_id=data["flag"], note=data["note"], now=now)


def _appoint(number: str, user: User, data: Cleaned, now: datetime) -> object:
    return panel.appoint(number=number, user=user, arbiter_id=data["arbiter"], now=now)


def _remove(number: str, user: User, data: Cleaned, now: datetime) -> object:
    return panel.remove(number=number, user=user, member_id=data["member"], now=now)


def _extend(number: str, user: User, data: Cleaned, now: datetime) -> object:
    return extend(number=number, user=user, until=data["until"], note=data["note"], now=now)


def _mass_fault(number: str, user: User, data: Cleaned, now: datetime) -> object:
    return mark_mass_fault(number=number, user=user, note=data["note"], now=now)


DEEDS: dict[str, Deed] = {
    "ask_provider": Deed(_("Ask the provider"), UnitForm, _ask, _("The provider is being asked.")),
    "write_answer": Deed(
        _("Write down the provider's answer"), AnswerForm, _write, _("The provider's answer is in the case.")
    ),
    "extend": Deed(
        _("Put the deadline off"),
        ExtendForm,
        _extend,
        _("The deadline is put off, and both sides are told why."),
    ),
    "mass_fault": Deed(
        _("Belongs to a mass fault"),
        MassFaultForm,
        _mass_fault,
        _("The review has the time of a mass fault, and both sides are told why."),
    ),
    "clear_flag": Deed(_("Clear the flag"), ClearForm, _clear, _("The flag is cleared.")),
    "appoint": Deed(_("Appoint"), AppointForm, _appoint, _("Appointed: they see the case from now on.")),
    "remove": Deed(_("Let go"), RemoveForm, _remove, _("Let go: they see the case no more.")),
}


def deed_form(name: str, units: list[str], data: Any = None, **initial: Any) -> forms.Form:
    extra: dict[str, Any] = {"units": units} if issubclass(DEEDS[name].form, UnitForm) else {}
    return DEEDS[name].form(data, auto_id=f"{name}-%s", initial=initial, **extra)


def units_of(case_of: RefundRequest) -> list[str]:
    return [item.unit.ref for item in case_of.items.select_related("unit").order_by("id")]


def open_deeds(user: User) -> set[str]:
    """Those to show this person; asking only where somebody would be asked."""
    shown = {name for name in DEEDS if may_do(user, name)}
    return shown if partner_name() else shown - {"ask_provider"}
