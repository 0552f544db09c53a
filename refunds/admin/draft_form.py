"""The form in which the terms of a draft are written: made from the table of terms, a field a term.

What is typed is read by policy.term_words and judged by the operation; the form itself refuses nothing but a day that
is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.language import language
from refunds.models import PolicyDraft
from refunds.policy import EVIDENCE_KINDS
from refunds.policy.term_table import BEARERS, GROUPS, TERMS, Term, completed
from refunds.policy.term_words import in_words, read, typed


class KindBoxes(forms.CheckboxSelectMultiple):
    """One row of a grid: each box says by itself what it stands for."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def create_option(self, name: str, value: Any, label: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, label, *args, **kwargs)
        option["attrs"] |= {"aria-label": f"{self.reason}: {label}", "title": f"{self.reason}: {label}"}
        return option


@dataclass(frozen=True)
class ShownTerm:
    """One term beside its field; `was` is what the version in force says, where that is something else."""

    term: Term
    field: BoundField
    unit: str
    was: str


@dataclass(frozen=True)
class ShownGroup:
    key: str
    name: str
    terms: list[ShownTerm]

    @property
    def changed(self) -> int:
        return sum(bool(shown.was) for shown in self.terms)

    @property
    def wrong(self) -> int:
        return sum(bool(shown.field.errors) for shown in self.terms)


class DraftForm(forms.Form):
    title = forms.CharField(
        label=_("Title"),
        help_text=_("In a few words, for lists and notices."),
        required=False,
        max_length=120,
    )
    why = forms.CharField(
        label=_("Why"),
        help_text=_("Everybody reads this once the version is published."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    in_force_at = forms.DateField(
        label=_("In force from"),
        help_text=_("From midnight in Beijing, at least 7 days after it is published."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    seen_at = forms.DateTimeField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, draft: PolicyDraft, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.draft = draft
        self.initial = {
            "title": draft.title,
            "why": draft.why,
            "in_force_at": timezone.localtime(draft.in_force_at).date(),
            "seen_at": draft.changed_at,
        }
        for term in TERMS.values():
            self.fields[term.path] = _field(term)
            self.initial[term.path] = typed(term, draft.terms)

    def clean_in_force_at(self) -> datetime:
        day: date = self.cleaned_data["in_force_at"]
        return datetime.combine(day, time.min, SHANGHAI)

    def clean(self) -> dict[str, Any]:
        """With the terms as typed, whole; what cannot be read stays as it is for Terms to refuse."""
        data = super().clean() or {}
        given = {path: _as_typed(data.get(path)) for path in TERMS}
        return {**data, "terms": read(given, self.draft.terms)}

    def groups(self) -> Iterator[ShownGroup]:
        """All fields of terms, by group, as the page shows them."""
        base = completed(self.draft.based_on.terms)
        for key, names in GROUPS.items():
            rows = [
                ShownTerm(
                    term, self[term.path], term.unit_name(language()), _was(self[term.path], term, base)
                )
                for term in TERMS.values()
                if term.group == key
            ]
            yield ShownGroup(key, names[language() == "en"], rows)


def kind_names() -> list[str]:
    """The heads of the grid's columns."""
    return [kind.en if language() == "en" else kind.zh for kind in EVIDENCE_KINDS.values()]


def _field(term: Term) -> forms.Field:
    label, help_text = term.label(language()), term.help(language())
    shared: dict[str, Any] = {"label": label, "help_text": help_text, "required": False}
    if term.unit == "kinds":
        choices = list(zip(EVIDENCE_KINDS, kind_names(), strict=True))
        return forms.MultipleChoiceField(choices=choices, widget=KindBoxes(label), **shared)
    if term.unit == "yes_no":
        return forms.BooleanField(**shared)
    if term.unit == "bearer":
        bearers = [(code, names[language() == "en"]) for code, names in BEARERS.items()]
        return forms.CharField(widget=forms.Select(choices=bearers), **shared)
    if term.unit == "regions":
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}), **shared)
    mode = "text" if term.unit == "currency" else "decimal"
    return forms.CharField(
        max_length=32,
        widget=forms.TextInput(attrs={"inputmode": mode, "autocomplete": "off"}),
        **shared,
    )


def _as_typed(value: Any) -> str | list[str]:
    if isinstance(value, bool):
        return "1" if value else ""
    return value if isinstance(value, list) else value or ""


def _was(field: BoundField, term: Term, base: dict[str, Any]) -> str:
    if _same(field.value(), typed(term, base)):
        return ""
    return in_words(term, term.of(base), language(), base["chargeback_fee"]["currency"])


def _same(shown: Any, before: str | list[str]) -> bool:
    given = _as_typed(shown if shown is not None else "")
    if isinstance(given, list) or isinstance(before, list):
        return set(given) == set(before)
    return given.strip() == before
