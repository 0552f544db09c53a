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


def after(event: str, terms: Clocks, now: datetime) -> Due:
    """The clock that starts with the state `event` leads to; NO_CLOCK for a state without one."""
    kind = CLOCKS.get(State(TARGET[event]))
    return NO_CLOCK if kind is None else Due(kind, runs_out(kind, terms, now))


def runs_out(kind: Clock, terms: Clocks, now: datetime) -> datetime:
    if kind is Clock.SELLER_REPLY:
        return now + timedelta(hours=terms.seller_reply_hours)
    if kind is Clock.BUYER_REPLY:
        return now + timedelta(hours=terms.buyer_reply_hours)
    if kind is Clock.EVIDENCE:
        return now + timedelta(hours=terms.evidence_hours)
    if kind is Clock.ARBITRATION:
        return add_working_days(now, terms.arbitration_working_days)
    return add_working_days(now, terms.review_working_days)
