"""The time-line of a case (casefile/timeline.py) with the desk's icons and tones."""

from typing import NamedTuple

from marketplace.payments.models import Transfer
from refunds.casefile.timeline import Entry, Facts, Kind
from refunds.casefile.timeline import timeline as entries_of
from refunds.casefile.views import DESK
from refunds.desk_queries import Case
from refunds.review_queries import Reviewing

from .looks import ANSWERS, DISPUTES, OFFERS, STATES, UNIT_EVENTS
from .reviewing import fault_words

# Of an entry that has neither a state nor a table of its own.
KINDS: dict[str, tuple[str, str]] = {
    Kind.PAYMENT: ("south_west", "calm"),
    Kind.COMPLETION: ("task_alt", "calm"),
    Kind.DECISION: ("pending_actions", "warn"),
    Kind.NEGOTIATION: ("chat", "calm"),
    Kind.EVIDENCE: ("attach_file", "calm"),
    Kind.PROVIDER: ("outgoing_mail", "calm"),
    Kind.MONEY_OUT: ("report", "bad"),
}
CODES: dict[tuple[str, str], tuple[str, str]] = {
    (Kind.NEGOTIATION, "note"): ("lock", "calm"),
    (Kind.NEGOTIATION, "sealed"): ("lock", "calm"),
    (Kind.DECISION, "put_off"): ("more_time", "info"),
    (Kind.RULING, "appeal"): ("gavel", "warn"),
    (Kind.RULING, "appeal_decided"): ("gavel", "calm"),
    (Kind.MONEY_OUT, Transfer.State.SUCCEEDED): ("north_east", "good"),
    (Kind.FLAG, "raised"): ("flag", "warn"),
    (Kind.FLAG, "cleared"): ("flag_check", "calm"),
}


class Shown(NamedTuple):
    entry: Entry
    icon: str
    tone: str
    aside: str  # whose fault it was found to be


def timeline(case: Case, known: Reviewing) -> list[Shown]:
    facts = Facts(
        request=case.request,
        units=case.units,
        captures=case.captures,
        transfers=case.transfers,
        judgements=known.judgements,
        disputes=case.disputes,
        checks=known.checks,
        flags=known.flags,
        proposal=case.proposal,
        appeals=case.appeals,
        put_off=case.put_off,
    )
    return [_shown(entry) for entry in entries_of(facts, DESK)]


def _shown(entry: Entry) -> Shown:
    icon, tone = _look(entry)
    return Shown(entry, icon, tone, fault_words(entry.judgement) if entry.judgement else "")


def _look(entry: Entry) -> tuple[str, str]:
    if entry.to:
        return STATES[entry.to].icon, STATES[entry.to].tone
    if entry.kind in (Kind.DELIVERY, Kind.USE):
        return UNIT_EVENTS[entry.code], "calm"
    if entry.kind == Kind.DISPUTE:
        return DISPUTES[entry.code].icon, DISPUTES[entry.code].tone
    if entry.kind == Kind.PROVIDER and entry.code in ANSWERS:
        return ANSWERS[entry.code].icon, ANSWERS[entry.code].tone
    if entry.kind == Kind.NEGOTIATION and entry.code in OFFERS:
        return OFFERS[entry.code].icon, OFFERS[entry.code].tone
    return CODES.get((entry.kind, entry.code)) or KINDS[entry.kind]
