"""Known answers as supervisors keep them (requirement K4): marked, withdrawn, and how reviewers answered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.forms import typed_amount
from refunds.casefile.views import person
from refunds.faults import Fault, Outcome
from refunds.models import KnownAnswer, RefundRequest
from refunds.operations.judging import FaultNeeded
from refunds.operations.mark_known import mark_known, withdraw_known
from refunds.permissions import may_do
from refunds.trials import verdict

from .looks import Look, look_badge
from .record import Fact, NoteForm, RecordAdmin, RecordMove, in_words
from .trials import AGREES, range_words

DEED = "mark_known"
STATES = {
    True: Look("fact_check", "good", _("Counts")),
    False: Look("undo", "calm", _("Withdrawn")),
}


def _amount(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=32,
        help_text=_("In major units; of a part alone."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


class MarkForm(forms.Form):
    """Amounts are read in the case's own currency."""

    number = forms.CharField(label=_("Refund number"), max_length=20)
    outcome = forms.ChoiceField(label=_("Right outcome"), choices=[("", _("Choose …")), *Outcome.choices])
    low = _amount(_("At least"))
    high = _amount(_("At most"))
    fault = forms.ChoiceField(
        label=_("Who is at fault"),
        choices=[("", _("Choose …")), *Fault.choices],
        error_messages={"required": FaultNeeded.title},
    )
    why = forms.CharField(
        label=_("Why"),
        help_text=_("Reviewers read this after they answered: name the clause and what settles it."),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def clean_number(self) -> str:
        return str(self.cleaned_data["number"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        row = RefundRequest.objects.filter(number=data.get("number")).first()
        if row is None:
            if "number" in data:
                self.add_error("number", gettext("There is no case %(number)s.") % data)
            return data
        for name in ("low", "high"):
            try:
                data[name] = typed_amount(data[name], row.currency) if data.get(name) else None
            except forms.ValidationError as error:
                self.add_error(name, error)
        return data


def _mark(_row: None, user: User, data: Mapping[str, Any], now: datetime) -> KnownAnswer:
    return mark_known(user=user, now=now, **data)


def _withdraw(row: KnownAnswer, user: User, data: Mapping[str, Any], now: datetime) -> KnownAnswer:
    return withdraw_known(known_id=row.pk, user=user, why=data["note"], now=now)


MARK = RecordMove(
    _("Mark a known answer"),
    _("Now and then a reviewer gets this case as if it were new; what they decide touches nothing."),
    "fact_check", "calm", MarkForm, _mark, _("Marked. Reviewers who had no hand in the case may get it now."),
)  # fmt: skip
WITHDRAW = RecordMove(
    _("Withdraw it"), _("It proved wrong: its trials count no more. This cannot be taken back; the case can be marked anew."),
    "undo", "bad", NoteForm, _withdraw, _("Withdrawn. Its trials count no more."),
)  # fmt: skip


@admin.register(KnownAnswer)
class KnownAnswerAdmin(RecordAdmin):
    adding = MARK
    list_display = ("case", "goods", "outcome", "goes_back", "fault", "answered", "marked", "status")
    list_filter = ("outcome", "fault")
    list_select_related = ("request__order", "marked_by", "withdrawn_by")
    change_list_template = "desk/clocks/list.html"
    ordering = ("-id",)
    search_exact = ("request__number",)
    search_help_text = _("Refund number")
    icon = "fact_check"
    about = _(
        "Closed cases whose right answer is agreed: reviewers meet them unawares, and are told afterwards."
    )
    empty = _("No case has a known answer yet.")
    empty_hint = _(
        "A supervisor marks cases that are clear in hindsight. Some dozens, renewed now and then, are enough."
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_do(cast(User, request.user), DEED)

    def get_queryset(self, request: HttpRequest) -> QuerySet[KnownAnswer]:
        rows: QuerySet[KnownAnswer] = super().get_queryset(request)
        return rows.annotate(answers=Count("trials__answer"))

    def headline(self, row: KnownAnswer) -> str:
        return gettext("Known answer of %(number)s") % {"number": row.request.number}

    def badge(self, row: KnownAnswer) -> str:
        return look_badge(STATES[row.is_standing])

    def facts(self, request: HttpRequest, row: KnownAnswer) -> Sequence[Fact]:
        url = reverse("admin:refunds_refundrequest_case", args=[row.request.number])
        facts = [
            Fact(_("Case"), format_html('<a class="desk-mono" href="{}">{}</a>', url, row.request.number)),
            Fact(_("Goods"), row.request.order.title),
            Fact(_("Right outcome"), row.get_outcome_display()),
            Fact(_("Goes back"), range_words(row)),
            Fact(_("Who is at fault"), row.get_fault_display()),
            Fact(_("Why"), row.why),
            Fact(_("Marked by"), f"{person(row.marked_by)}, {in_words(row.marked_at)}"),
        ]
        if not row.is_standing:
            facts += [
                Fact(_("Withdrawn by"), f"{person(row.withdrawn_by)}, {in_words(row.withdrawn_at)}"),
                Fact(_("Why it was withdrawn"), row.withdrawn_why),
            ]
        return facts

    def panels(self, request: HttpRequest, row: KnownAnswer) -> Sequence[str]:
        trials = row.trials.select_related("user", "answer").order_by("-id")
        lines = [
            (trial, person(trial.user), look_badge(AGREES[verdict(row, trial.answer).agrees]), trial.answer)
            if hasattr(trial, "answer")
            else (trial, person(trial.user), "", None)
            for trial in trials
        ]
        return [render_to_string("desk/trials.html", {"lines": lines, "currency": row.request.currency})]

    def moves(self, request: HttpRequest, row: KnownAnswer) -> Mapping[str, RecordMove]:
        may = row.is_standing and may_do(cast(User, request.user), DEED)
        return {"withdraw": WITHDRAW} if may else {}

    @admin.display(description=_("case"))
    def case(self, row: KnownAnswer) -> SafeString:
        return format_html('<span class="desk-number">{}</span>', row.request.number)

    @admin.display(description=_("goods"))
    def goods(self, row: KnownAnswer) -> str:
        return row.request.order.title

    @admin.display(description=_("goes back"))
    def goes_back(self, row: KnownAnswer) -> str:
        return range_words(row)

    @admin.display(description=_("answered"))
    def answered(self, row: Any) -> int:
        return int(row.answers)

    @admin.display(description=_("marked"))
    def marked(self, row: KnownAnswer) -> str:
        return f"{person(row.marked_by)}, {in_words(row.marked_at)}"

    @admin.display(description=_("state"))
    def status(self, row: KnownAnswer) -> str:
        return self.badge(row)
