"""The rules: each reads a case and answers with one verdict, or None where it does not apply.

They do not know of one another. `RULES` is the only list of them; `explain` gives the facts behind each.
"""

from __future__ import annotations

from collections.abc import Callable

from .case import Case
from .verdicts import VERDICTS, Verdict

Rule = Callable[[Case], Verdict | None]

_V = VERDICTS


def duplicate(case: Case) -> Verdict | None:
    """B1, C4: a charge beyond the first is paid back; a unit already refunded is not refunded again."""
    if case.reason.code == "duplicate_charge":
        return _V["duplicate.captures"] if case.duplicate_amount > 0 else _V["duplicate.single"]
    for unit in case.facts.units:
        if unit.refunded > 0 and unit.refunded >= unit.amount:
            return _V["duplicate.refunded"]
    for unit in case.facts.units:
        if unit.replaced:
            return _V["duplicate.replaced"]
    return _V["duplicate.none"]


def paid(case: Case) -> Verdict | None:
    """B2: something was paid, by our books or by the shop's word."""
    if case.facts.captures:
        return _V["paid.captured"]
    return _V["paid.by_shop"] if case.facts.paid_at is not None else _V["paid.missing"]


def window(case: Case) -> Verdict | None:
    """B6: filed before the window closed; its last second counts."""
    if case.closes_at is None:
        return _V["window.not_completed"]
    if case.in_window:
        return _V["window.open"]
    return _LATE[case.window_basis]


_LATE = {
    "days": _V["window.late"],
    "hours": _V["window.late_coins"],
    "condition": _V["window.late_condition"],
    "right": _V["window.late_right"],
}


def arrival_wait(case: Case) -> Verdict | None:
    """B7: non-arrival is accepted once the channel has had its time. Nothing to wait for after a delivery."""
    if case.may_file_at is None:
        return None
    return _V["arrival_wait.over"] if case.now >= case.may_file_at else _V["arrival_wait.early"]


def usage(case: Case) -> Verdict | None:
    """A3, A4, B3, B4: what the units' own events say about their use."""
    if not case.uses:
        return None
    if case.all_used:
        return _V["usage.used"]
    if case.any_used:
        return _V["usage.mixed"]
    if case.suspected:
        return _V["usage.suspected"]
    if case.before_delivery:
        return _V["usage.before_delivery"]
    if case.revealed and case.reason.code == "not_delivered":
        return _V["usage.revealed_not_delivered"]
    if case.credited:
        return _V["usage.credited"]
    return _V["usage.seen"] if case.seen else _V["usage.unused"]


def promo(case: Case) -> Verdict | None:
    """B3: any consumption of bonus coins, whatever the goods are called."""
    if case.promo_spent:
        return _V["promo.spent"]
    return _V["promo.untouched"] if case.terms.promo is not None else None


def reason(case: Case) -> Verdict | None:
    """B1: some claims are about people, and a person judges them."""
    return _V["reason.person"] if case.reason.to_person else _V["reason.listed"]


def fault(case: Case) -> Verdict | None:
    """B2: a party at fault, or a right to change one's mind."""
    if case.reason.code == "duplicate_charge":
        return None
    if case.before_delivery and not case.reason.to_person:
        return _V["fault.before_delivery"]
    if case.reason.code != "no_fault":
        return _V["fault.claimed"]
    if case.holds(case.promise_until):
        return _V["fault.promise"]
    if case.holds(case.right_until):
        return _V["fault.withdrawal"]
    if case.small is None:
        return _V["fault.unmeasured"]
    return _V["fault.small"] if case.small else _V["fault.none"]


def seller_promise(case: Case) -> Verdict | None:
    """B2: the promise on the product page as shown at purchase binds."""
    if case.reason.code != "no_fault":
        return None
    if case.promise_until is None:
        return _V["seller_promise.none"]
    return _V["seller_promise.met"] if case.holds(case.promise_until) else _V["seller_promise.over"]


def region(case: Case) -> Verdict | None:
    """B10: withdrawal by law, unless consent and acknowledgement are both on record."""
    if case.reason.code != "no_fault" or case.facts.region.upper() not in case.terms.withdrawal.regions:
        return None
    if case.right_until is None:
        return _V["region.waived"]
    return _V["region.met"] if case.holds(case.right_until) else _V["region.over"]


def records(case: Case) -> Verdict | None:
    """B2: the payment, and the delivery where the order says it is complete, are on the books."""
    if not case.facts.captures:
        return _V["records.no_capture"]
    if not case.uses:
        return _V["records.no_units"]
    if case.facts.completed_at is not None and not case.delivered_all:
        return _V["records.no_delivery"]
    return _V["records.complete"]


def evidence(case: Case) -> Verdict | None:
    """D2: what the terms ask for this reason. Nothing where the books already answer (B1, B8)."""
    if case.small or case.road == "duplicate.captures":
        return _V["evidence.not_asked"]
    needed = case.terms.evidence[case.reason.code]
    if not needed:
        return _V["evidence.not_asked"]
    present = case.facts.evidence
    for kind in needed:
        if kind not in present:
            return _V["evidence.missing"]
    return _V["evidence.complete"]


def amount(case: Case) -> Verdict | None:
    """B8, B9, G2: the amount can be paid, and whether the machine may decide it."""
    if case.reason.code != "duplicate_charge":
        if case.stake <= 0 and case.facts.remedy == "refund":
            return _V["amount.nothing"]
        if case.stake > case.remaining:
            return _V["amount.over_units"]
        if case.stake > case.available and case.facts.captures:
            return _V["amount.over_available"]
    if case.stake_cny is None:
        return _V["amount.no_rate"]
    if case.stake_cny > case.terms.machine_limit:
        return _V["amount.above_limit"]
    return _V["amount.small"] if case.small else _V["amount.within"]


def cross_border(case: Case) -> Verdict | None:
    """B9: identity before payout where the order is in another currency."""
    if case.currency == "CNY" and case.facts.fx_rate is None:
        return None
    return _V["cross_border.verified"] if case.facts.identity_verified else _V["cross_border.unverified"]


def risk(case: Case) -> Verdict | None:
    """B8: any signal is looked at by a person."""
    return _V["risk.signals"] if case.facts.risk_signals else _V["risk.none"]


RULES: dict[str, Rule] = {
    "duplicate": duplicate,
    "paid": paid,
    "window": window,
    "arrival_wait": arrival_wait,
    "usage": usage,
    "promo": promo,
    "reason": reason,
    "fault": fault,
    "records": records,
    "evidence": evidence,
    "amount": amount,
    "region": region,
    "cross_border": cross_border,
    "risk": risk,
    "seller_promise": seller_promise,
}
