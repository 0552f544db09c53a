"""The cases of a run that would have ended otherwise: a list to go through page by page, and a file."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.kernel.csvfile import csv_file
from marketplace.kernel.money import major
from refunds.backtests import Filter, flips, page_of
from refunds.findings import findings_json
from refunds.models import BacktestFlip, BacktestRun
from refunds.reasons import REASON_CHOICES, reason_label

from .looks import OUTCOMES, look_badge

_ANY = ("", gettext_lazy("Any"))
_OUTCOMES = [_ANY, *((key, look.word) for key, look in OUTCOMES.items())]


class FlipsForm(forms.Form):
    was = forms.ChoiceField(label=gettext_lazy("Was"), choices=_OUTCOMES, required=False)
    would_be = forms.ChoiceField(label=gettext_lazy("Would be"), choices=_OUTCOMES, required=False)
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=[_ANY, *REASON_CHOICES], required=False)


def flips_panel(run: BacktestRun, asked: Mapping[str, str], *, opens: bool) -> str:
    """`opens`: with links to the cases."""
    form = FlipsForm({name: asked.get(name, "") for name in Filter._fields})
    wanted = _wanted(form)
    after = asked.get("after", "")
    rows, more = page_of(flips(run, wanted), int(after) if after.isdecimal() and len(after) < 19 else 0)
    chosen = {name: value for name, value in wanted._asdict().items() if value}
    context = {
        "run": run,
        "form": form,
        "rows": [
            {
                "flip": flip,
                "was": look_badge(OUTCOMES[flip.was]),
                "would_be": look_badge(OUTCOMES[flip.would_be]),
                "reason": reason_label(flip.reason),
                "before": _because(flip.decided_by),
                "after": _because(flip.would_be_decided_by),
                "url": reverse("admin:refunds_refundrequest_case", args=[flip.request.number])
                if opens
                else "",
            }
            for flip in rows
        ],
        "more": urlencode({**chosen, "after": more}) if more else "",
        "is_later": bool(after),
        "first": urlencode(chosen),
        "file": f"{reverse('admin:refunds_backtestrun_flips', args=[run.pk])}?{urlencode(chosen)}",
        "is_capped": (run.flipped or 0) > run.found["flips_kept"],
    }
    return render_to_string("desk/policies/lab_flips.html", context)


def flips_file(run: BacktestRun, asked: Mapping[str, str]) -> HttpResponse:
    header = [
        _("Refund number"), _("Reason"), _("Was"), _("Decided by"), _("Would be"), _("Would be decided by"), _("Currency"),
        _("Paid back"), _("Would be paid back"), _("Difference"),
    ]  # fmt: skip
    rows = flips(run, _wanted(FlipsForm({name: asked.get(name, "") for name in Filter._fields})))
    return csv_file(f"backtest-{run.pk}.csv", header, (_line(flip) for flip in rows))


def _line(flip: BacktestFlip) -> list[Any]:
    amounts = [
        "" if amount is None else major(amount, flip.currency)
        for amount in (flip.before, flip.after, flip.difference)
    ]
    return [
        flip.request.number, reason_label(flip.reason), OUTCOMES[flip.was].word, _because(flip.decided_by),
        OUTCOMES[flip.would_be].word, _because(flip.would_be_decided_by), flip.currency, *amounts,
    ]  # fmt: skip


def _wanted(form: FlipsForm) -> Filter:
    """What is no choice of ours filters nothing."""
    form.is_valid()
    return Filter(**{name: form.cleaned_data.get(name, "") for name in Filter._fields})


def _because(finding: dict[str, Any] | None) -> str:
    """The rule that settled it, in words."""
    if finding is None:
        return _("No rule settled it: the seller is asked.")
    return str(findings_json([finding])[0]["text"])
