"""The pre-check: facts gathered, the policy asked, its answer kept whole and carried out (requirement E2)."""

from datetime import datetime

from django.db import transaction

from .. import clocks
from ..facts import build, of_request
from ..machine import Clock
from ..models import Deadline, Decision, RefundRequest, Transition
from ..permissions import SYSTEM
from ..policies import Verdict, judge
from ..policy import Facts, deciding
from ..transitions import apply_transition
from .approve import approve
from .disputed import DisputeOpen
from .flag import flag_threats
from .locking import lock_alone

EVENTS = {
    "approve": "policy_approve",
    "reject": "policy_reject",
    "ask_seller": "policy_ask_seller",
    "review": "policy_review",
}


def precheck(request_id: int, now: datetime) -> None:
    """Decide a submitted request. Called twice, or for one that has moved on, it does nothing."""
    with transaction.atomic(durable=True):
        request = lock_alone("r.id = %s AND r.state = 'submitted'", request_id, wait="SKIP LOCKED")
        if request is None or (request.due_at and request.due_at > now):
            return
        facts = _facts(request)
        verdict = judge(facts, now)
        _keep(request, facts, verdict, now)
        # Here and not at filing, whose statements are counted.
        flag_threats(request, request.description, now)
        if verdict.decision.outcome == "wait":
            _wait_on(request, verdict)
        else:
            _carry_out(request, verdict, now)


def _facts(request: RefundRequest) -> Facts:
    known, units = of_request(request)
    return build(
        known,
        units,
        reason=request.reason,
        remedy=request.remedy,
        amount=request.amount,
        filed_at=request.filed_at,
    )


def _keep(request: RefundRequest, facts: Facts, verdict: Verdict, now: datetime) -> None:
    decision = verdict.decision
    Decision.objects.create(
        request=request,
        policy_id=verdict.policy.id,
        at=now,
        outcome=decision.outcome,
        amount=decision.amount,
        one_click=decision.one_click,
        facts=facts.to_json(),
        findings=[finding.to_json() for finding in decision.findings],
        would_change=decision.would_change,
    )


def _wait_on(request: RefundRequest, verdict: Verdict) -> None:
    """Filed for later, and a payment came in meanwhile that moves the day: the clock moves, the state does not."""
    settled_by = deciding(verdict.decision)
    assert settled_by is not None
    due_at = datetime.fromisoformat(settled_by.facts["may_file_at"])
    waits = Deadline.objects.filter(request=request, kind=Clock.ARRIVAL_WAIT, closed_at__isnull=True)
    waits.update(due_at=due_at)  # and with it the clock the request shows


def _carry_out(request: RefundRequest, verdict: Verdict, now: datetime) -> None:
    decision = verdict.decision
    settled_by = deciding(decision)
    clause = settled_by.clause if settled_by else ""
    event, note = EVENTS[decision.outcome], ""
    if decision.outcome == "approve" and _refused_by_a_person(request):
        event = EVENTS["review"]
    elif decision.outcome == "approve":
        # Taken once more since it was filed, a payment owes more than was asked: the rest goes back unasked (G3).
        amount = min(decision.amount, request.amount)
        try:
            approve(request, "precheck", event, actor=SYSTEM, now=now, amount=amount, clause=clause)
            return
        except DisputeOpen as refusal:  # raised before anything was written
            event, note = EVENTS["review"], str(refusal.extra["dispute"])
    due = clocks.after(event, verdict.policy.terms.clocks, request.reason, now)
    apply_transition(request, "precheck", event, actor=SYSTEM, now=now, due=due, clause=clause, note=note)


def _refused_by_a_person(request: RefundRequest) -> bool:
    """Applied for again (C6): what a person has refused, no machine approves."""
    by_people = Transition.objects.filter(request=request, event__in=("reject", "rule_for_seller"))
    return request.sequence > 1 and by_people.exists()
