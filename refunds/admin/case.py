"""The case page: one screen with the facts, what the policy found, what was said, and what may be decided."""

from typing import Any, NamedTuple, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.orders.models import Unit
from marketplace.payments.models import Transfer
from marketplace.payments.operations import stuck
from refunds import desk_queries
from refunds.findings import findings_json
from refunds.machine import State
from refunds.models import RefundItem, RefundRequest
from refunds.models.evidence import kind_label
from refunds.operations.asked import standing_demand
from refunds.operations.say import say_as_staff
from refunds.permissions import STAFF_PARTIES, is_outside, may_do
from refunds.policy import EventFacts, unit_use
from refunds.review_queries import reviewing

from . import looks
from .clocks import clock_panel
from .contested import appeals_shown, panel_shown
from .deeds import DEEDS, deed_form, units_of
from .evidence import evidence_panel
from .forms import MoveForm, SayForm
from .hints import hints
from .holding import holding_panel
from .moves import APPROVALS, MOVES, Move, open_to
from .reviewing import panels, settle_deviation
from .timeline import timeline

SAY = "say"
RESULT_ORDER = ("unmet", "unknown", "met")


class Attempt(NamedTuple):
    """A post that was refused: which form, as it was typed, and the HTTP status that says why."""

    name: str
    form: Any
    status: int


def case_view(model_admin: Any, request: HttpRequest, number: str) -> HttpResponse:
    """GET shows the case; POST makes one move, or says something, by one operation."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    try:
        attempt = _act(request, number) if request.method == "POST" else None
        if request.method == "POST" and attempt is None:
            return HttpResponseRedirect(reverse("admin:refunds_refundrequest_case", args=[number]))
        return _page(model_admin, request, desk_queries.case(number, cast(User, request.user)), attempt)
    except NotFound:
        messages.warning(request, _("There is no case %(number)s.") % {"number": number})
        return HttpResponseRedirect(reverse("admin:refunds_refundrequest_changelist"))


def _act(request: HttpRequest, number: str) -> Attempt | None:
    """None when it was done; what was typed when it was refused. Raises NotFound."""
    name = request.POST.get("move", "")
    if name == SAY:
        return _say(request, number)
    if name in DEEDS:
        return _do(request, number, name)
    move = MOVES.get(name)
    if move is None:
        messages.error(request, _("There is no such move."))
        return Attempt("", None, 400)
    case_of = RefundRequest.objects.filter(number=number).first()
    if case_of is None:
        raise NotFound()
    form = bound(name, move, case_of, request.POST)
    if not form.is_valid():
        _show(request, [error for errors in form.errors.values() for error in errors])
        return Attempt(name, form, 422)
    try:
        moved = move.run(number, cast(User, request.user), form.cleaned_data, timezone.now())
    except NotFound:
        raise
    except Refusal as refusal:
        _show(request, [refusal.detail, *hints(refusal)])
        return Attempt(name, form, refusal.status)
    if name in APPROVALS and moved.state != State.APPROVED:
        messages.success(request, _("Proposed. A second person must confirm before the money goes out."))
    else:
        messages.success(request, str(move.done))
    return None


def _say(request: HttpRequest, number: str) -> Attempt | None:
    form = SayForm(request.POST, auto_id="say-%s")
    if not form.is_valid():
        _show(request, form.errors["text"])
        return Attempt(SAY, form, 422)
    is_internal = request.POST.get("internal") == "1"
    user, text = cast(User, request.user), form.cleaned_data["text"]
    try:
        say_as_staff(number=number, user=user, text=text, now=timezone.now(), is_internal=is_internal)
    except NotFound:
        raise
    except Refusal as refusal:
        _show(request, [refusal.detail])
        return Attempt(SAY, form, refusal.status)
    messages.success(request, _("Noted for staff.") if is_internal else _("Sent to both sides."))
    return None


def _do(request: HttpRequest, number: str, name: str) -> Attempt | None:
    """What moves no case: see deeds.py."""
    deed, case_of = DEEDS[name], RefundRequest.objects.filter(number=number).first()
    if case_of is None:
        raise NotFound()
    form = deed_form(name, units_of(case_of), request.POST)
    if not form.is_valid():
        _show(request, [error for errors in form.errors.values() for error in errors])
        return Attempt(name, form, 422)
    try:
        deed.run(number, cast(User, request.user), form.cleaned_data, timezone.now())
    except NotFound:
        raise
    except Refusal as refusal:
        _show(request, [refusal.detail])
        return Attempt(name, form, refusal.status)
    messages.success(request, str(deed.done))
    return None


def _show(request: HttpRequest, texts: Any) -> None:
    messages.error(request, " ".join(str(text) for text in texts))


def bound(name: str, move: Move, case_of: RefundRequest, data: Any = None, **initial: Any) -> MoveForm:
    return move.form(data, case_of=case_of, auto_id=f"{name}-%s", initial=initial)


def _page(
    model_admin: Any, request: HttpRequest, case: desk_queries.Case, attempt: Attempt | None
) -> HttpResponse:
    user, row = cast(User, request.user), case.request
    findings = _open_first(findings_json(case.decision.findings)) if case.decision else []
    proposed = case.proposal.amount if case.proposal else None
    is_held = any(stuck.is_held(transfer) for transfer in case.transfers)
    known, asked = reviewing(row), standing_demand(row)
    moves = []
    for name, move in open_to(user, row, case.proposal, case.seats, case.votes).items():
        typed = attempt.form if attempt and attempt.name == name else None
        form = typed if typed is not None else bound(name, move, row, proposed=proposed)
        moves.append((name, move, settle_deviation(form, name, known.precedents)))
    tried_deed = (attempt.name, attempt.form) if attempt and attempt.name in DEEDS else None
    context = {
        **model_admin.admin_site.each_context(request),
        "title": row.number,
        "case": case,
        "request_row": row,
        "state_badge": looks.state_badge(row.state),
        "waits_for": _("Buyer's identity")
        if is_held
        else looks.waits_for(row.state, asked.of if asked else None),
        "asked": asked,
        "asked_kinds": [kind_label(kind) for kind in asked.kinds] if asked else [],
        "is_outside": is_outside(user),
        "is_held": is_held,
        "units": [_unit(unit, case.covered.get(unit.pk)) for unit in case.units],
        "target": [(looks.TARGETS.get(name, name), value) for name, value in row.order.target.items()],
        "back": request.GET.get("_changelist_filters", ""),
        "transfers": [
            (transfer, looks.transfer_badge(transfer), stuck.is_held(transfer)) for transfer in case.transfers
        ],
        "disputes": [(dispute, looks.dispute_badge(dispute)) for dispute in case.disputes],
        "others": [(other, looks.state_badge(other.state)) for other in case.others],
        "outcome": looks.look_badge(looks.OUTCOMES[case.decision.outcome]) if case.decision else None,
        "findings": [(looks.look_badge(looks.RESULTS[finding["result"]]), finding) for finding in findings],
        "would_change": findings_json(case.decision.would_change) if case.decision else [],
        "clauses": list(dict.fromkeys(finding["clause"] for finding in findings)),
        "timeline": timeline(case, known),
        "moves": moves,
        "tried": attempt.name if attempt else "",
        "unsent": _unsent(attempt, [name for name, _move, _form in moves]),
        "is_proposer": bool(case.proposal and case.proposal.by_id == user.pk),
        "say_form": attempt.form if attempt and attempt.name == SAY else SayForm(auto_id="say-%s"),
        "may_show_code": may_do(user, "show_code"),
        "may_speak": user.role in STAFF_PARTIES,
        "needs_person": any(transfer.state in Transfer.STUCK_STATES for transfer in case.transfers),
        "over_limit": row.amount > row.two_person_above,
        **evidence_panel(user, case),
        **panel_shown(user, case),
        **appeals_shown(case),
        **holding_panel(user, row),
        **clock_panel(user, case, tried_deed),
        **panels(user, [unit.ref for unit in case.units if unit.pk in case.covered], known, tried_deed),
    }
    return TemplateResponse(request, "desk/case.html", context, status=attempt.status if attempt else 200)


def _open_first(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What speaks against the request, what nobody knows, and then what is in order."""
    return sorted(findings, key=lambda finding: RESULT_ORDER.index(finding["result"]))


def _unsent(attempt: Attempt | None, shown: list[str]) -> str:
    """What was typed into a form that is gone because the case moved on meanwhile: not to be lost."""
    if attempt is None or attempt.form is None or attempt.name in (SAY, *DEEDS, *shown):
        return ""
    return str(attempt.form.data.get("note", ""))


class ShownUnit(NamedTuple):
    unit: Unit
    item: RefundItem | None  # where this request covers it
    use: str
    came_used: bool  # redeemed before this buyer had it: the seller's fault
    events: list[tuple[str, Any]]


def _unit(unit: Unit, item: RefundItem | None) -> ShownUnit:
    events = list(unit.events.all())
    use = unit_use(EventFacts(event.type, event.at, bool(event.data.get("promo"))) for event in events)
    return ShownUnit(
        unit,
        item,
        looks.look_badge(looks.USES[use.use]),
        use.redeemed_before_delivery,
        [(looks.UNIT_EVENTS[event.type], event) for event in events],
    )
