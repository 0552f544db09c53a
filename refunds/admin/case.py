"""The case page: one screen with the facts, what the policy found, what was said, and what may be decided."""

from functools import partial
from typing import Any, NamedTuple, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound
from marketplace.kernel.money import EXPONENTS
from marketplace.orders.models import Unit
from marketplace.payments.models import Transfer
from marketplace.payments.operations import stuck
from refunds import desk_queries
from refunds.findings import findings_json
from refunds.models import RefundItem
from refunds.models.evidence import kind_label
from refunds.operations.asked import standing_demand
from refunds.permissions import STAFF_PARTIES, is_outside, may_do
from refunds.policies import NoPolicy
from refunds.policy import EventFacts, unit_use
from refunds.precedents import Precedent
from refunds.review_queries import TO_JUDGE, reviewing
from refunds.stakes import Stakes, stakes
from refunds.trials import trial_of

from . import looks
from .acting import NOTE, SAY, Attempt, act, say_form
from .clauses import clauses
from .clocks import clock_panel
from .contested import appeals_shown, panel_shown
from .deeds import DEEDS
from .evidence import evidence_panel
from .holding import holding_panel, next_queue, take_next
from .moves import bound, open_to
from .reviewing import panels, settle_deviation
from .shortcuts import of_case
from .sidebar import FIRST_QUEUE, QUEUE_PARAMETER
from .standing import standing_panel
from .timeline import GROUPS, timeline
from .trials import marking, trial_view

RESULT_ORDER = ("unmet", "unknown", "met")
THEN, NEXT = "then", "next"  # the box in a decision's form: after it, the next case
SENT = "desk_sent"  # in the session: the draft that has become of a form, to be forgotten by the browser
FILTERS = "_changelist_filters"


def case_view(model_admin: Any, request: HttpRequest, number: str) -> HttpResponse:
    """GET shows the case; POST makes one move, or says something, by one operation."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    try:
        attempt = act(request, number) if request.method == "POST" else None
        if request.method == "POST" and attempt is None:
            return HttpResponseRedirect(_after(request))
        return _page(model_admin, request, desk_queries.case(number, cast(User, request.user)), attempt)
    except NotFound:
        if trial := trial_of(number, cast(User, request.user)):
            site = model_admin.admin_site.each_context(request)
            return trial_view(request, trial, site, partial(_page, model_admin, request))
        messages.warning(request, _("There is no case %(number)s.") % {"number": number})
        return HttpResponseRedirect(reverse("admin:refunds_refundrequest_changelist"))


def _after(request: HttpRequest) -> str:
    """Where a post that was carried out leads: to the same case, or where the box was ticked to the next one."""
    request.session[SENT] = request.POST.get("draft", "")[:200]
    if request.POST.get("move") in (SAY, NOTE, *DEEDS):
        return request.get_full_path()
    request.session[THEN] = request.POST.get(THEN, "")
    if request.session[THEN] != NEXT:
        return request.get_full_path()
    return take_next(request, next_queue(desk_queries.QUEUES[queue_of(request)], cast(User, request.user)))


def queue_of(request: HttpRequest) -> str:
    """The queue this person came from; else the one their role works on."""
    chosen = QueryDict(request.GET.get(FILTERS, "")).get(QUEUE_PARAMETER)
    default = FIRST_QUEUE.get(getattr(request.user, "role", ""), "all")
    return chosen if chosen in desk_queries.QUEUES else default


def _page(
    model_admin: Any, request: HttpRequest, case: desk_queries.Case, attempt: Attempt | None
) -> HttpResponse:
    user, row, now = cast(User, request.user), case.request, timezone.now()
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
    says = {
        name: attempt.form if attempt and attempt.name == name else say_form(name) for name in (SAY, NOTE)
    }
    shown_findings = [(looks.look_badge(looks.RESULTS[finding["result"]]), finding) for finding in findings]
    evidence = evidence_panel(user, case)
    stream = timeline(case, known, evidence["evidence"])
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
        "back": request.GET.get(FILTERS, ""),
        "here": request.get_full_path(),
        "queue": queue_of(request),
        "next_queue": next_queue(desk_queries.QUEUES[queue_of(request)], user),
        "then_next": request.session.get(THEN) == NEXT,
        "sent": request.session.pop(SENT, "") if request.method == "GET" else "",
        "transfers": [
            (transfer, looks.transfer_badge(transfer), stuck.is_held(transfer)) for transfer in case.transfers
        ],
        "disputes": [(dispute, looks.dispute_badge(dispute)) for dispute in case.disputes],
        "others": [(other, looks.state_badge(other.state)) for other in case.others],
        "outcome": looks.look_badge(looks.OUTCOMES[case.decision.outcome]) if case.decision else None,
        "open_findings": [shown for shown in shown_findings if shown[1]["result"] != "met"],
        "met_findings": [shown for shown in shown_findings if shown[1]["result"] == "met"],
        "would_change": findings_json(case.decision.would_change) if case.decision else [],
        "clauses": clauses(findings, case.decision),
        "timeline": stream,
        "groups": [
            (key, label, sum(key in shown.groups for shown in stream)) for key, label in GROUPS.items()
        ],
        "moves": moves,
        "shortcuts": of_case((name, move) for name, move, _form in moves),
        "tried": attempt.name if attempt else "",
        "unsent": _unsent(attempt, [name for name, _move, _form in moves]),
        "is_proposer": bool(case.proposal and case.proposal.by_id == user.pk),
        "says": says,
        "may_show_code": may_do(user, "show_code"),
        "may_speak": user.role in STAFF_PARTIES,
        "stuck": [transfer for transfer in case.transfers if transfer.state in Transfer.STUCK_STATES],
        "over_limit": row.amount > row.two_person_above,
        "decimals": EXPONENTS[row.currency],
        "stakes": _stakes(case, known.precedents, proposed or row.amount, now),
        "to_judge": row.state in TO_JUDGE,
        **evidence,
        **panel_shown(user, case),
        **appeals_shown(case),
        **holding_panel(user, row),
        **clock_panel(user, case, tried_deed),
        **marking(user, row),
        **panels(user, [unit.ref for unit in case.units if unit.pk in case.covered], known, tried_deed),
        **({} if is_outside(user) else standing_panel(row.seller_id, now)),
    }
    return TemplateResponse(request, "desk/case.html", context, status=attempt.status if attempt else 200)


def _open_first(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What speaks against the request, what nobody knows, and then what is in order."""
    return sorted(findings, key=lambda finding: RESULT_ORDER.index(finding["result"]))


def _stakes(case: desk_queries.Case, precedents: list[Precedent], amount: int, now: Any) -> Stakes | None:
    """Where somebody is to judge; the page stands without it where no terms are in force any more."""
    if case.request.state not in TO_JUDGE:
        return None
    try:
        return stakes(case.request, case.captures, precedents, amount=amount, now=now)
    except NoPolicy:
        return None


def _unsent(attempt: Attempt | None, shown: list[str]) -> str:
    """What was typed into a form that is gone because the case moved on meanwhile: not to be lost."""
    if attempt is None or attempt.form is None or attempt.name in (SAY, NOTE, *DEEDS, *shown):
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
