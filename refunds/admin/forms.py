"""Reading what was typed on the case page. Whether it may be done is the operation's to say."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.forms import typed_amount
from marketplace.kernel.money import MAX_AMOUNT
from refunds.faults import FORCES_REFUND, SHARED_BY, Fault
from refunds.models import RefundRequest, Transition
from refunds.models.demands import ASKABLE
from refunds.models.evidence import KIND_CHOICES
from refunds.operations.judging import FaultNeeded, RefundForced
from refunds.operations.say import MAX_CHARACTERS

LOCAL_TIME = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
CLAUSE_LENGTH = Transition._meta.get_field("clause").max_length


def beijing_time(label: Any, help_text: Any, *, required: bool = True) -> forms.DateTimeField:
    """An instant, typed to the minute in business time."""
    return forms.DateTimeField(
        label=label,
        help_text=help_text,
        required=required,
        input_formats=LOCAL_TIME,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL_TIME[0]),
    )


class MoveForm(forms.Form):
    """Reasons. Left empty they are the operation's to refuse, in its own words."""

    note = forms.CharField(
        label=_("Reasons"),
        help_text=_("Both sides read this."),
        required=False,
        max_length=MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, case_of: RefundRequest | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case_of = case_of


class JudgeForm(MoveForm):
    """A decision. Nobody is at fault by default: it is chosen each time."""

    fault = forms.ChoiceField(
        label=_("Who is at fault"),
        choices=[("", _("Choose …")), *Fault.choices],
        error_messages={"required": FaultNeeded.title, "invalid_choice": FaultNeeded.title},
    )
    deviation = forms.CharField(
        label=_("Why this case differs from its precedents"),
        required=False,
        max_length=MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    field_order: tuple[str, ...] = ("fault", "deviation", "note")

    def departs_from(self, numbers: Sequence[str]) -> None:
        """Ask for the deviation where these precedents were decided the other way, and not otherwise."""
        if numbers:
            self.fields["deviation"].help_text = gettext(
                "%(numbers)s were decided the other way. Staff alone reads this."
            ) % {"numbers": ", ".join(numbers)}
        elif not self.data.get("deviation"):
            del self.fields["deviation"]


class ConfirmForm(JudgeForm):
    """The amount the second person saw, so that a proposal made meanwhile is not confirmed unseen."""

    proposed = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=MAX_AMOUNT)


class SharesWidget(forms.MultiWidget):
    """A number for each party, in one row."""

    def __init__(self) -> None:
        number = {"min": 0, "max": 100, "step": 1, "inputmode": "numeric"}
        super().__init__({str(party): forms.NumberInput(number) for party in SHARED_BY})

    def decompress(self, value: Any) -> list[Any]:
        return [(value or {}).get(party) for party in SHARED_BY]

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        context = self.get_context(name, value, attrs)["widget"]
        parts = [
            (party.label, each["attrs"].get("id"), widget.render(each["name"], each["value"], each["attrs"]))
            for party, widget, each in zip(SHARED_BY, self.widgets, context["subwidgets"], strict=True)
        ]
        return render_to_string("desk/shares.html", {"parts": parts})


class SharesField(forms.MultiValueField):
    """Percent of the fault by party; None where nothing is filled in."""

    def __init__(self, **kwargs: Any) -> None:
        fields = [forms.IntegerField(min_value=0, max_value=100, required=False) for _party in SHARED_BY]
        super().__init__(fields, widget=SharesWidget(), required=False, require_all_fields=False, **kwargs)

    def compress(self, data_list: Sequence[Any]) -> dict[str, int] | None:
        given = {str(party): each for party, each in zip(SHARED_BY, data_list, strict=False) if each}
        return given or None


class PartForm(JudgeForm):
    field_order = ("amount", "fault", "shares", "deviation", "note")

    shares = SharesField(
        label=_("The fault divided, in percent"),
        help_text=_("Leave it empty where one party alone is at fault. Both sides read it."),
    )

    amount = forms.CharField(
        label=_("Amount"),
        max_length=32,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def clean_amount(self) -> int:
        assert self.case_of is not None  # an amount is typed for one case, in its currency
        return typed_amount(self.cleaned_data["amount"], self.case_of.currency)


class RejectForm(JudgeForm):
    field_order = ("clause", "fault", "deviation", "note")

    fault = forms.ChoiceField(
        label=_("Who is at fault"),
        help_text=_("With the seller at fault the refund is due: approve it."),
        choices=[("", _("Choose …")), *(each for each in Fault.choices if each[0] not in FORCES_REFUND)],
        error_messages={"required": FaultNeeded.title, "invalid_choice": RefundForced.title},
    )

    clause = forms.CharField(
        label=_("Clause"),
        help_text=_("Pick one from the findings or write your own."),
        required=False,
        max_length=CLAUSE_LENGTH,
        validators=[RegexValidator(r"^[\w .§()\-/]+$", _("Clause: letters, digits and . - / § only."))],
    )


class AskForm(MoveForm):
    """Whom, what and until when. Without a time the terms' own applies; it is never shorter."""

    field_order = ("of", "kinds", "until", "note")

    of = forms.ChoiceField(label=_("Whom"), choices=[(party, party.label) for party in ASKABLE])
    kinds = forms.MultipleChoiceField(
        label=_("What kinds"),
        required=False,
        choices=KIND_CHOICES,
        widget=forms.SelectMultiple(attrs={"size": 4}),
    )
    until = beijing_time(
        _("Until"), _("Beijing time. Left empty it is what the terms give, and never less."), required=False
    )


class SayForm(forms.Form):
    text = forms.CharField(
        label=_("Message"),
        required=False,
        max_length=MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
