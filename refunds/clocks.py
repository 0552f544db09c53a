"""Which clock a move starts, and when it runs out, from the terms in force (requirement E)."""

from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from marketplace.kernel.businesstime import add_working_days, add_working_hours, is_working_time

from .machine import CLOCKS, TARGET, Clock, State
from .policy import Clocks
from .policy.goods import wait_class
from .timetable import Timetable, timetable

# In place of a reason: the buyer has complained at the payment channel, which counts too (E5).
COMPLAINT = "complaint"


class Due(NamedTuple):
    """The clock a move starts: what it waits for, until when, and until when a person must have said a first word.

    That word is owed once in a case: where it was said, or is awaited already, `reply_by` starts nothing.
    """

    kind: str
    at: datetime | None
    reply_by: datetime | None = None


class Length(NamedTuple):
    """How long something may take: in clock time, or in working days."""

    time: timedelta = timedelta()
    working_days: int = 0


NO_CLOCK = Due("", None)


def after(event: str, terms: Clocks, matter: str, now: datetime) -> Due:
    """The clock that starts with the state `event` leads to; NO_CLOCK for a state without one.

    `matter` is the request's reason, or COMPLAINT: a reviewer has longer, or less, for some.
    """
    kind = CLOCKS.get(State(TARGET[event]))
    if kind is None or kind is Clock.PAYOUT:  # how long a channel has is said by payout()
        return NO_CLOCK
    times = timetable()
    reply_by = first_reply(terms, now, times) if kind is Clock.REVIEW else None
    return Due(kind, runs_out(length(kind, terms, matter), terms, now, times), reply_by)


def length(kind: Clock, terms: Clocks, matter: str) -> Length:
    lengths = {
        Clock.SELLER_REPLY: Length(timedelta(hours=terms.seller_reply_hours)),
        Clock.BUYER_REPLY: Length(timedelta(hours=terms.buyer_reply_hours)),
        Clock.EVIDENCE: Length(timedelta(hours=terms.evidence_hours)),
        Clock.ARBITRATION: Length(working_days=terms.arbitration_working_days),
        Clock.REVIEW: _review(terms, matter),
    }
    return lengths[kind]


def _review(terms: Clocks, matter: str) -> Length:
    """Some matters take their own time, in clock time (E5); the others are reviewed within working days."""
    special = {
        COMPLAINT: timedelta(hours=terms.complaint_verdict_hours),
        "duplicate_charge": timedelta(hours=terms.double_charge_hours),
        "platform_fault": timedelta(days=terms.technical_fault_days),
        "unauthorized_purchase": timedelta(days=terms.theft_days),
        "seller_fraud": timedelta(days=terms.complex_days),
        "other": timedelta(days=terms.complex_days),
    }
    if matter in special:
        return Length(special[matter])
    return Length(working_days=terms.review_working_days)


def payout(channel: str, terms: Clocks, now: datetime) -> Due:
    """How long the channel has to pay back (E10). No peak of ours makes it slower."""
    if wait_class(channel) == "wallet":
        return Due(Clock.PAYOUT, now + timedelta(days=terms.payout_wallet_days))
    return Due(Clock.PAYOUT, add_working_days(now, terms.payout_card_working_days, timetable().days))


def first_reply(terms: Clocks, now: datetime, times: Timetable) -> datetime:
    """When a person must have said a first word (E4): within so many working hours, and never later than the limit
    for nights and weekends.
    """
    percent = _percent(terms, now, times)
    latest = now + timedelta(hours=terms.first_reply_off_hours) * percent / 100
    if not is_working_time(now, times.days):
        return latest
    hours = timedelta(hours=terms.first_reply_working_hours) * percent / 100
    return min(latest, add_working_hours(now, hours, times.days))


def runs_out(allowed: Length, terms: Clocks, now: datetime, times: Timetable) -> datetime:
    """When a clock of this length runs out that starts now; longer in a peak (E6)."""
    percent = _percent(terms, now, times)
    if allowed.working_days:
        return add_working_days(now, ceil(allowed.working_days * percent / 100), times.days)
    return now + allowed.time * percent / 100


def _percent(terms: Clocks, now: datetime, times: Timetable) -> int:
    return times.percent(now, terms.peak_min_percent, terms.peak_max_percent)
