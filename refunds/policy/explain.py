"""The facts behind each finding, and what would change a decision (J2, J3).

Kept apart from the rules because a back-test needs a million outcomes and none of the explanations. Every
value is JSON: money as {"amount", "currency"} in minor units, instants (`*_at`) in ISO 8601, evidence kinds
under `kinds`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from .case import Case
from .facts import EventFacts
from .usage import SELLER_FAULT_EVENTS, SUSPECT_EVENTS, USE_EVENTS, Use, first_use
from .verdicts import Outcome

FactSheet = dict[str, Any]


def _money(case: Case, amount: int) -> FactSheet:
    return {"amount": amount, "currency": case.currency}


def _fen(amount: int) -> FactSheet:
    return {"amount": amount, "currency": "CNY"}


def _at(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _refs(case: Case, *uses: Use) -> list[str]:
    return sorted(unit.ref for unit, use in zip(case.facts.units, case.uses, strict=True) if use.use in uses)


def _duplicate(case: Case) -> FactSheet:
    if case.reason.code == "duplicate_charge":
        return {
            "captures": len(case.facts.captures),
            "duplicates": case.duplicate_count,
            "amount": _money(case, case.duplicate_amount),
            "total": _money(case, case.facts.total),
        }
    units = case.facts.units
    return {
        "units_refunded": sorted(u.ref for u in units if u.refunded > 0 and u.refunded >= u.amount),
        "units_replaced": sorted(u.ref for u in units if u.replaced),
    }


def _paid(case: Case) -> FactSheet:
    captured = sum(capture.amount for capture in case.facts.captures)
    return {
        "paid_at": _at(case.paid_from),
        "captures": len(case.facts.captures),
        "captured": _money(case, captured),
    }


def _window(case: Case) -> FactSheet:
    facts = case.facts
    sheet: FactSheet = {
        "completed_at": _at(facts.completed_at),
        "closes_at": _at(case.closes_at),
        "filed_at": _at(facts.filed_at),
        "basis": case.window_basis,
    }
    if case.window_basis == "hours":
        sheet |= {"paid_at": _at(case.paid_from), "hours": case.terms.window_hours_from_payment}
    elif case.window_basis == "condition":
        sheet |= {
            "condition": "unused_within_hours",
            "hours": case.condition_hours(),
            "delivered_at": _at(case.delivered_at),
        }
    else:
        sheet["days"] = case.window_days
    return sheet


def _arrival_wait(case: Case) -> FactSheet:
    channel = case.latest_capture.channel if case.latest_capture else None
    return {"paid_at": _at(case.paid_from), "channel": channel, "may_file_at": _at(case.may_file_at)}


def _usage(case: Case) -> FactSheet:
    sheet: FactSheet = {
        "units_used": _refs(case, "used"),
        "units_suspected": _refs(case, "suspected"),
        "units_seen": _refs(case, "seen"),
        "units_unused": _refs(case, "unused"),
        "delivered_at": _at(case.delivered_at),
        "revealed_at": _at(min((u.revealed_at for u in case.uses if u.revealed_at), default=None)),
    }
    conditions = sorted(code for code, _ in case.facts.conditions if code == "not_bound_to_account")
    if conditions:
        sheet["conditions"] = conditions
    told = _first_event(case, USE_EVENTS) or _first_event(case, SUSPECT_EVENTS)
    if told is not None:
        sheet |= {"event": told.type, "event_at": _at(told.at)}
    return sheet


def _first_event(case: Case, kinds: frozenset[str]) -> EventFacts | None:
    found = [event for unit in case.facts.units if (event := first_use(unit.events, kinds)) is not None]
    return min(found, key=lambda event: (event.at, event.type), default=None)


def _promo(case: Case) -> FactSheet:
    spent = [
        event.at
        for unit, use in zip(case.facts.units, case.uses, strict=True)
        for event in unit.events
        if event.type == "spent"
        and event.promo
        and (use.delivered_at is None or event.at >= use.delivered_at)
    ]
    return {"spent_at": _at(min(spent, default=None))}


def _reason(case: Case) -> FactSheet:
    return {"reason": case.reason.code}


def _fault(case: Case) -> FactSheet:
    sheet: FactSheet = {"reason": case.reason.code}
    if case.before_delivery:
        taken = [
            (event.at, event.type)
            for unit, use in zip(case.facts.units, case.uses, strict=True)
            for event in unit.events
            if event.type in SELLER_FAULT_EVENTS
            and use.delivered_at is not None
            and event.at < use.delivered_at
        ]
        event_at, event_type = min(taken)
        sheet |= {"event": event_type, "event_at": _at(event_at), "delivered_at": _at(case.delivered_at)}
    return sheet


def _records(case: Case) -> FactSheet:
    missing = sorted(
        unit.ref for unit, use in zip(case.facts.units, case.uses, strict=True) if use.delivered_at is None
    )
    return {"captures": len(case.facts.captures), "units_without_delivery": missing}


def missing_evidence(case: Case) -> tuple[str, ...]:
    """Kinds the terms ask for this reason that are not there yet, in the terms' order (D2)."""
    return tuple(kind for kind in case.terms.evidence[case.reason.code] if kind not in case.facts.evidence)


def _evidence(case: Case) -> FactSheet:
    return {"present": sorted(set(case.facts.evidence)), "kinds": list(missing_evidence(case))}


def _amount(case: Case) -> FactSheet:
    sheet: FactSheet = {
        "amount": _money(case, case.stake),
        "available": _money(case, case.available),
        "units_remaining": _money(case, case.remaining),
        "small_below": _fen(case.terms.small_below),
        "machine_limit": _fen(case.terms.machine_limit),
    }
    if case.currency != "CNY":
        sheet["fx_rate"] = None if case.facts.fx_rate is None else str(case.facts.fx_rate)
    return sheet


def _region(case: Case) -> FactSheet:
    return {
        "region": case.facts.region,
        "days": case.terms.withdrawal.days,
        "ends_at": _at(case.right_until),
        "filed_at": _at(case.facts.filed_at),
        "consent_waiver": case.facts.consent_waiver,
    }


def _cross_border(case: Case) -> FactSheet:
    rate = case.facts.fx_rate
    return {
        "currency": case.currency,
        "fx_rate": None if rate is None else str(rate),
        "identity_verified": case.facts.identity_verified,
    }


def _risk(case: Case) -> FactSheet:
    return {"signals": sorted(case.facts.risk_signals)}


def _seller_promise(case: Case) -> FactSheet:
    return {
        "days": case.facts.no_reason_days,
        "ends_at": _at(case.promise_until),
        "filed_at": _at(case.facts.filed_at),
    }


EXPLAIN: dict[str, Callable[[Case], FactSheet]] = {
    "duplicate": _duplicate,
    "paid": _paid,
    "window": _window,
    "arrival_wait": _arrival_wait,
    "usage": _usage,
    "promo": _promo,
    "reason": _reason,
    "fault": _fault,
    "records": _records,
    "evidence": _evidence,
    "amount": _amount,
    "region": _region,
    "cross_border": _cross_border,
    "risk": _risk,
    "seller_promise": _seller_promise,
}


def _kinds(*kinds: str) -> Callable[[Case], FactSheet]:
    return lambda case: {"kinds": [kind for kind in kinds if kind not in case.facts.evidence]}


def _not_used(case: Case) -> FactSheet:
    return {"units": _refs(case, "unused", "seen")}


def _not_refunded(case: Case) -> FactSheet:
    return {
        "units": sorted(u.ref for u in case.facts.units if not (u.refunded > 0 and u.refunded >= u.amount))
    }


def _at_most(case: Case) -> FactSheet:
    return {"at_most": _money(case, max(0, min(case.remaining, case.available)))}


def _since(name: str, length: Callable[[Case], timedelta]) -> Callable[[Case], FactSheet]:
    """The instant from which, had the period begun then, the request would have been in time."""
    return lambda case: {name: _at(case.facts.filed_at - length(case)), "closes_at": _at(case.closes_at)}


_PAYMENT = ("payment_proof", "bank_statement")
_STATE = ("provider_statement", "unactivated_state", "unused_video")

# The key that settled a decision -> the smallest fact that would turn it, with what is known about that fact.
_CHANGES: dict[str, tuple[str, Callable[[Case], FactSheet]]] = {
    "duplicate.single": ("change.second_charge", _kinds("bank_statement")),
    "paid.missing": ("change.payment", _kinds(*_PAYMENT)),
    "records.no_capture": ("change.capture", _kinds(*_PAYMENT)),
    "duplicate.refunded": ("change.units", _not_refunded),
    "duplicate.replaced": ("change.replacement", _kinds("error_screen", "provider_statement")),
    "window.late": ("change.completed", _since("completed_from_at", lambda c: timedelta(days=c.window_days))),
    "window.late_coins": (
        "change.paid_later",
        _since("paid_from_at", lambda c: timedelta(hours=c.terms.window_hours_from_payment or 0)),
    ),
    "window.late_condition": (
        "change.delivered",
        _since("delivered_from_at", lambda c: timedelta(hours=c.condition_hours() or 0)),
    ),
    "window.late_right": ("change.extension", lambda case: {"closes_at": _at(case.closes_at)}),
    "promo.spent": ("change.promo", _kinds("login_alert", "unknown_recipient")),
    "usage.used": ("change.use", _kinds(*_STATE)),
    "usage.mixed": ("change.units", _not_used),
    "usage.suspected": ("change.login", _kinds(*_STATE, "login_alert")),
    "usage.revealed_not_delivered": ("change.not_credited", _kinds("provider_statement", "error_screen")),
    "fault.none": ("change.fault", _kinds("promise_page")),
    "amount.nothing": ("change.amount", _at_most),
    "amount.over_units": ("change.amount", _at_most),
    "amount.over_available": ("change.amount", _at_most),
    "amount.no_rate": ("change.rate", lambda case: {"currency": case.currency}),
    "amount.above_limit": ("change.limit", lambda case: {"machine_limit": _fen(case.terms.machine_limit)}),
    "arrival_wait.early": ("change.wait", lambda case: {"may_file_at": _at(case.may_file_at)}),
    "cross_border.unverified": ("change.identity", _kinds("identity")),
    "risk.signals": ("change.cleared", lambda case: {}),
}


def would_change(case: Case, outcome: Outcome, decided_by: str | None) -> list[FactSheet]:
    """The smallest missing facts that would turn this decision (J3), as {rule, key, facts}; none when
    approved."""
    if outcome == "approve":
        return []
    changes: list[FactSheet] = []
    facts: FactSheet
    if decided_by is None:
        facts = {"hours": case.terms.clocks.seller_reply_hours}
        changes.append({"rule": "fault", "key": "change.seller", "facts": facts})
    elif decided_by in _CHANGES:
        key, known = _CHANGES[decided_by]
        facts = known(case)
        # Nothing to point at (every unit used, nothing left to refund): only a person can still help.
        if facts.get("units") != [] and facts.get("at_most", {}).get("amount") != 0:
            changes.append({"rule": decided_by.partition(".")[0], "key": key, "facts": facts})
    missing = missing_evidence(case)
    asked = any(change["facts"].get("kinds") == list(missing) for change in changes)
    if missing and not asked and outcome in ("review", "ask_seller") and case.road is None:
        changes.append({"rule": "evidence", "key": "change.evidence", "facts": {"kinds": list(missing)}})
    if not changes:
        changes.append({"rule": "reason", "key": "change.person", "facts": {}})
    return changes
