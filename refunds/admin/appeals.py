"""Appeals as supervisors see them (requirement F8): those that wait first, each decided by one operation."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.forms import typed_amount
from marketplace.kernel.templatetags.recourse import money
from refunds.casefile.views import person
from refunds.machine import Party, State
from refunds.models import Appeal
from refunds.operations import decide_appeal, review
from refunds.operations.appealed import borne, deciders
from refunds.permissions import may_do

from .contested import appeal_badge
from .looks import state_badge
from .record import Fact, NoteForm, RecordAdmin, RecordMove

STATES = {
    "waiting": (_("Waiting"), Q(decided_at__isnull=True)),
    "decided": (_("Decided"), Q(decided_at__isnull=False)),
}


class WaitingFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "appeal_state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(state, label) for state, (label, _picks) in STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Appeal]) -> QuerySet[Appeal]:
        _label, picks = STATES.get(self.value() or "", ("", Q()))
        return queryset.filter(picks)


class ReasonsForm(NoteForm):
    note = forms.CharField(
        label=_("Reasons"),
        help_text=_("Whoever appealed reads this."),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class OverturnForm(ReasonsForm):
    """The amount as typed; read in the appeal's currency by the move."""

    field_order = ("amount", "note")

    currency = forms.CharField(widget=forms.HiddenInput)
    amount = forms.CharField(
        label=_("Made good to the seller"),
        max_length=32,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "amount" in cleaned:
            try:
                cleaned["amount"] = typed_amount(cleaned["amount"], str(self.fields["currency"].initial))
            except forms.ValidationError as error:
                self.add_error("amount", error)
        return cleaned


def _hear(row: Appeal, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return review.hear_appeal(number=row.request.number, user=user, note=data["note"], now=now)


def _escalate(row: Appeal, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return review.escalate(number=row.request.number, user=user, note=data["note"], now=now)


def _dismiss(row: Appeal, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return decide_appeal.dismiss(number=row.request.number, user=user, note=data["note"], now=now)


def _uphold(row: Appeal, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return decide_appeal.uphold(number=row.request.number, user=user, note=data["note"], now=now)


def _overturn(row: Appeal, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return decide_appeal.overturn(
        number=row.request.number, user=user, amount=data["amount"], note=data["note"], now=now
    )


OF_BUYER = {
    "hear": RecordMove(
        _("Hear it"), _("The case is open again; a reviewer decides anew. Both sides are told."),
        "undo", "good", ReasonsForm, _hear, _("Heard: the case is with a reviewer again."),
    ),
    "escalate": RecordMove(
        _("Take to arbitration"), _("A ruling ends the case in the platform. Both sides are told."),
        "balance", "calm", ReasonsForm, _escalate, _("Taken to arbitration."),
    ),
    "dismiss": RecordMove(
        _("Dismiss"), _("The rejection stands. The buyer cannot appeal in this case again."),
        "block", "bad", ReasonsForm, _dismiss, _("Dismissed; the buyer is told why."),
    ),
}  # fmt: skip
UPHOLD = RecordMove(
    _("Uphold the decision"), _("The approval was right: the seller bears the refund."),
    "gavel", "calm", ReasonsForm, _uphold, _("Upheld; the seller is told why."),
)  # fmt: skip


@admin.register(Appeal)
class AppealAdmin(RecordAdmin):
    list_display = ("case", "party", "contested", "sum", "filed", "deadline", "status", "decided_by")
    list_filter = (WaitingFilter, "party", "outcome")
    list_select_related = ("request__seller", "request__order", "decided_by", "user")
    search_exact = ("request__number",)
    search_help_text = _("Refund number")

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """What waits stands first, the nearest deadline on top."""
        return (F("decided_at").desc(nulls_first=True), "due_at", "id")

    def headline(self, row: Appeal) -> str:
        return gettext("Appeal in %(number)s") % {"number": row.request.number}

    def badge(self, row: Appeal) -> str:
        return appeal_badge(row, timezone.now())

    def facts(self, request: HttpRequest, row: Appeal) -> Sequence[Fact]:
        case, against = row.request, self._against(row)
        facts = [
            Fact(_("Case"), format_html("{} {}", _link(row), state_badge(case.state))),
            Fact(_("Goods"), case.order.title),
            Fact(_("Asked"), money(case.amount, case.currency)),
            Fact(_("Appealed by"), row.get_party_display()),
            Fact(_("Clauses relied on"), ", ".join(row.clauses)),
            Fact(_("Grounds"), row.text),
            Fact(_("Filed"), _time(row.at)),
            Fact(_("Decide by"), render_to_string("desk/deadline.html", {"due_at": row.due_at})),
            *against,
        ]
        if row.party == Party.SELLER:
            facts.append(Fact(_("Borne by the seller so far"), money(borne(row.request_id), case.currency)))
        if row.proposed_by:
            said = f"{money(row.proposed_amount or 0, case.currency)} · {person(row.proposed_by)}"
            facts.append(Fact(_("Proposed"), f"{said} · {row.proposed_note}"))
        if row.decided_by:
            facts += [
                Fact(_("Decided by"), f"{person(row.decided_by)}, {_time(row.decided_at)}"),
                Fact(_("Reasons"), row.note),
            ]
            if row.amount:
                facts.append(Fact(_("Made good"), money(row.amount, case.currency)))
        elif self._is_overtaken(row):
            facts.append(Fact(_("Note"), _("The case has moved on since: the buyer applied again, or more.")))
        return facts

    def moves(self, request: HttpRequest, row: Appeal) -> Mapping[str, RecordMove]:
        user = cast(User, request.user)
        if not row.is_waiting or not may_do(user, "decide_appeal") or user.pk in deciders(row):
            return {}
        if row.party == Party.BUYER:
            return {"dismiss": OF_BUYER["dismiss"]} if self._is_overtaken(row) else OF_BUYER
        return {"uphold": UPHOLD, "overturn": _overturn_move(row)}

    def _against(self, row: Appeal) -> list[Fact]:
        judged = row.request.judgements.select_related("by").filter(sequence=row.against_sequence).first()
        if judged is None:
            return []
        return [
            Fact(_("Against the decision of"), f"{person(judged.by)}, {_time(judged.at)}"),
            Fact(_("Its reasons"), " · ".join(filter(None, [judged.clause, judged.note]))),
        ]

    def _is_overtaken(self, row: Appeal) -> bool:
        if row.party == Party.SELLER:
            return False
        return (row.request.state, row.request.sequence) != (State.REJECTED, row.against_sequence)

    @admin.display(description=_("case"))
    def case(self, row: Appeal) -> str:
        return row.request.number

    @admin.display(description=_("goods"))
    def contested(self, row: Appeal) -> str:
        return row.request.order.title

    @admin.display(description=_("amount"))
    def sum(self, row: Appeal) -> str:
        return money(row.request.amount, row.request.currency)

    @admin.display(description=_("filed"))
    def filed(self, row: Appeal) -> str:
        return _time(row.at)

    @admin.display(description=_("deadline"))
    def deadline(self, row: Appeal) -> str:
        return render_to_string("desk/deadline.html", {"due_at": row.due_at if row.is_waiting else None})

    @admin.display(description=_("state"))
    def status(self, row: Appeal) -> str:
        return self.badge(row)


def _overturn_move(row: Appeal) -> RecordMove:
    help_text = gettext(
        "The buyer keeps the refund; the platform makes good up to %(most)s to the seller. Above %(limit)s a second person confirms."
    ) % {
        "most": money(borne(row.request_id), row.request.currency),
        "limit": money(row.two_person_above, row.request.currency),
    }

    def form(*args: Any, **kwargs: Any) -> forms.Form:
        made = OverturnForm(*args, **kwargs)
        made.fields["currency"].initial = row.request.currency
        made.fields["currency"].disabled = True
        return made

    done = _("Noted. The seller's books show it as soon as it is decided.")
    return RecordMove(_("Overturn it"), help_text, "undo", "good", form, _overturn, done)


def _link(row: Appeal) -> str:
    url = reverse("admin:refunds_refundrequest_case", args=[row.request.number])
    return format_html('<a class="desk-mono" href="{}">{}</a>', url, row.request.number)


def _time(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""
