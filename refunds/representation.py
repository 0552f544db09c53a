"""A refund request as JSON (API.md), from rows already in memory. Shared by the API and stored answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from marketplace.kernel.money import Money
from marketplace.kernel.serializers import instant
from marketplace.payments.channels import FACTS
from marketplace.payments.models import Transfer
from marketplace.payments.operations.stuck import is_held

from .evidence_shown import for_buyer, needed
from .findings import findings_json
from .machine import Party, State
from .models import Appeal, Deadline, Decision, EvidenceDemand, Judgement, Offer, RefundRequest, Transition


def represent(
    request: RefundRequest,
    *,
    units: Sequence[str],
    timeline: list[dict[str, Any]],
    deadlines: Sequence[Deadline] = (),
    decision: Decision | None = None,
    judgement: Judgement | None = None,
    transfers: Sequence[Transfer] = (),
    messages: list[dict[str, Any]] | None = None,
    evidence: list[dict[str, Any]] | None = None,
    evidence_needed: list[dict[str, Any]] | None = None,
    offer: dict[str, Any] | None = None,
    sealed_offers: dict[str, Any] | None = None,
    evidence_asked: dict[str, Any] | None = None,
    appeal: dict[str, Any] | None = None,
) -> dict[str, Any]:
    approved = request.approved_money
    return {
        "number": request.number,
        "order": request.order.no,
        "reason": request.reason,
        "remedy": request.remedy,
        "description": request.description,
        "units": list(units),
        "amount": request.money.json(),
        "approved_amount": approved.json() if approved else None,
        "state": request.state,
        "channel": request.channel,
        "filed_at": instant(request.filed_at),
        "decision": represent_decision(decision, request.currency) if decision else None,
        "judgement": represent_judgement(judgement, request.currency) if judgement else None,
        "offer": offer,
        "sealed_offers": sealed_offers or {"buyer": False, "seller": False, "result": None},
        "deadlines": [
            {"kind": clock.kind, "started_at": instant(clock.started_at), "due_at": instant(clock.due_at)}
            for clock in deadlines
        ],
        "timeline": timeline,
        "messages": messages or [],
        "evidence": evidence or [],
        "evidence_needed": evidence_needed or [],
        "evidence_asked": evidence_asked,
        "appeal": appeal,
        "refund": represent_refund(request, transfers),
    }


def represent_whole(
    request: RefundRequest, transfers: Sequence[Transfer], now: datetime | None = None
) -> dict[str, Any]:
    """For a request read by queries.whole_cases(). Internal notes stay with staff.

    Links to files hold for minutes: an answer that is kept has none, and gives no `now`.
    """
    decisions = list(request.decisions.all())
    decision = decisions[-1] if decisions else None
    offer = next(reversed(request.offers.all()), None)
    return represent(
        request,
        units=[item.unit.ref for item in request.items.all()],
        timeline=[represent_transition(move) for move in request.transitions.all()],
        deadlines=list(request.deadlines.all()),
        decision=decision,
        judgement=next(reversed(request.judgements.all()), None),
        transfers=transfers,
        offer=represent_offer(offer, request.currency) if offer else None,
        sealed_offers=represent_sealed(request),
        evidence=for_buyer(request, now),
        evidence_needed=needed(request, decision),
        evidence_asked=_asked_of_buyer(request),
        appeal=next(
            (represent_appeal(appeal) for appeal in request.appeals.all() if appeal.party == Party.BUYER),
            None,
        ),
        messages=[
            {"by": message.author, "text": message.text, "at": instant(message.at)}
            for message in request.messages.all()
            if not message.is_internal
        ],
    )


def represent_transition(move: Transition) -> dict[str, Any]:
    return {
        "at": instant(move.at),
        "event": move.event,
        "from": move.from_state or None,
        "to": move.to_state,
        "by": move.actor,
        "clause": move.clause,
        "note": move.note,
    }


def represent_decision(decision: Decision, currency: str) -> dict[str, Any]:
    return {
        "outcome": decision.outcome,
        "amount": Money(decision.amount, currency).json(),
        "policy": str(decision.policy),
        "at": instant(decision.at),
        "findings": findings_json(decision.findings),
        "would_change": findings_json(decision.would_change),
    }


def represent_judgement(judgement: Judgement, currency: str) -> dict[str, Any]:
    """What a person decided last. How it stands to other cases is staff's business."""
    return {
        "outcome": judgement.outcome,
        "amount": Money(judgement.amount, currency).json(),
        "fault": judgement.fault,
        "fault_shares": judgement.shares,
        "clause": judgement.clause,
        "note": judgement.note,
        "at": instant(judgement.at),
    }


def _asked_of_buyer(request: RefundRequest) -> dict[str, Any] | None:
    """What the request waits for from its buyer; what the seller is asked for is the seller's to answer."""
    if request.state != State.AWAITING_EVIDENCE:
        return None
    for demand in request.evidence_demands.all():
        if demand.sequence == request.sequence and demand.of == Party.BUYER:
            return represent_demand(demand)
    return None


def represent_demand(demand: EvidenceDemand) -> dict[str, Any]:
    return {
        "kinds": demand.kinds,
        "note": demand.note,
        "at": instant(demand.at),
        "due_at": instant(demand.due_at),
    }


def represent_appeal(appeal: Appeal) -> dict[str, Any]:
    """`outcome` and what follows are null while it waits. Who decided it stays with staff."""
    return {
        "clauses": appeal.clauses,
        "text": appeal.text,
        "at": instant(appeal.at),
        "due_at": instant(appeal.due_at),
        "outcome": appeal.outcome or None,
        "note": appeal.note or None,
        "decided_at": instant(appeal.decided_at) if appeal.decided_at else None,
    }


def represent_offer(offer: Offer, currency: str) -> dict[str, Any]:
    """What the seller offered last; `units` are those to be revealed of a replacement."""
    return {
        "kind": offer.kind,
        "amount": Money(offer.amount, currency).json() if offer.amount is not None else None,
        "promised_for": instant(offer.promised_for) if offer.promised_for else None,
        "note": offer.note,
        "at": instant(offer.at),
        "state": offer.state,
        "units": [unit.new.ref for unit in offer.units.all()],
    }


def represent_sealed(request: RefundRequest) -> dict[str, Any]:
    """Who has made a sealed offer, and once both have, whether they met: never a number (F3)."""
    parties = {offer.party for offer in request.sealed_offers.all()}
    met = any(move.event in SETTLES_SEALED for move in request.transitions.all())
    both = len(parties) == 2
    return {
        "buyer": Party.BUYER in parties,
        "seller": Party.SELLER in parties,
        "result": ("settled" if met else "no_overlap") if both else None,
    }


SETTLES_SEALED = frozenset({"settle_sealed", "settle_sealed_for_check"})
SLOWEST_FIRST = (
    *Transfer.STUCK_STATES,
    *Transfer.OPEN_STATES,
    Transfer.State.SUCCEEDED,
    Transfer.State.CHARGED_BACK,
)


def represent_refund(request: RefundRequest, transfers: Sequence[Transfer]) -> dict[str, Any] | None:
    """The money on its way: the slowest transfer speaks for all. Amounts and rate are the order's (B9)."""
    transfers = [transfer for transfer in transfers if transfer.state != Transfer.State.CANCELLED]
    if not transfers:
        return None
    state = min((transfer.state for transfer in transfers), key=SLOWEST_FIRST.index)
    last = next(transfer for transfer in transfers if transfer.state == state)
    channel = last.claim.capture.channel
    expected_by = last.settled_at or last.created_at + FACTS[channel].refund_within
    rate = request.order.fx_rate
    return {
        "state": state,
        "waiting_for": "identity" if any(map(is_held, transfers)) else None,
        "fx_rate": format(rate.normalize(), "f") if rate is not None else None,
        "channel": channel,
        "expected_by": instant(expected_by),
        "transfers": [
            {
                "number": transfer.number,
                "state": transfer.state,
                "channel": transfer.claim.capture.channel,
                "amount": transfer.part.json(),
                "settled_at": instant(transfer.settled_at) if transfer.settled_at else None,
            }
            for transfer in transfers
        ],
    }
