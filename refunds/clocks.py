"""Which clock a move starts, and when it runs out, from the terms in force (requirement E)."""

from datetime import datetime, timedelta
from typing import NamedTuple

from marketplace.kernel.businesstime import add_working_days

from .machine import CLOCKS, TARGET, Clock, State
from .policy import Clocks


class Due(NamedTuple):
    """The running clock of a request: what it waits for, until when."""

    kind: str
    at: datetime | None


NO_CLOCK = Due("", None)


def after(event: str, terms: Clocks, reason: str, now: datetime) -> Due:
    """The clock that starts with the state `event` leads to; NO_CLOCK for a state without one.

    `reason` is the request's: a reviewer has longer for some (E5).
    """
    kind = CLOCKS.get(State(TARGET[event]))
    return NO_CLOCK if kind is None else Due(kind, runs_out(kind, terms, reason, now))


def runs_out(kind: Clock, terms: Clocks, reason: str, now: datetime) -> datetime:
    if kind is Clock.SELLER_REPLY:
        return now + timedelta(hours=terms.seller_reply_hours)
    if kind is Clock.BUYER_REPLY:
        return now + timedelta(hours=terms.buyer_reply_hours)
    if kind is Clock.EVIDENCE:
        return now + timedelta(hours=terms.evidence_hours)
    if kind is Clock.ARBITRATION:
        return add_working_days(now, terms.arbitration_working_days)
    return _review(terms, reason, now)


def _review(terms: Clocks, reason: str, now: datetime) -> datetime:
    """Some reasons take their own time, in clock time (E5); the others are reviewed within working days."""
    if reason == "duplicate_charge":
        return now + timedelta(hours=terms.double_charge_hours)
    days = {
        "platform_fault": terms.technical_fault_days,
        "unauthorized_purchase": terms.theft_days,
        "seller_fraud": terms.complex_days,
        "other": terms.complex_days,
    }
    if reason in days:
        return now + timedelta(days=days[reason])
    return add_working_days(now, terms.review_working_days)
