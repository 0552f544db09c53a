"""The time-line of a case (casefile/timeline.py) with the desk's icons and tones."""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Text
from marketplace.payments.models import Transfer
from refunds.casefile.timeline import Entry, Facts, Kind
from refunds.casefile.timeline import timeline as entries_of
from refunds.casefile.views import DESK
from refunds.desk_queries import Case
from refunds.review_queries import Reviewing

from .evidence import Shown as ShownFile
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


# What of the stream can be looked at alone. "All" holds besides what happened before anybody asked for money back.
GROUPS: dict[str, Text] = {
    "message": _("Messages"),
    "note": _("Internal notes"),
    "evidence": _("Evidence"),
    "move": _("Moves"),
}
BEFORE = frozenset({Kind.PAYMENT, Kind.COMPLETION, Kind.DELIVERY, Kind.USE})


class Shown(NamedTuple):
    entry: Entry
    icon: str
    tone: str
    aside: str  # whose fault it was found to be
    groups: tuple[str, ...]  # of GROUPS
    file: ShownFile | None  # the file it tells of


def timeline(case: Case, known: Reviewing, files: list[ShownFile]) -> list[Shown]:
    """`files` are the case's evidence as this person may see it."""
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
    by_row = {file.evidence.pk: file for file in files}
    return [_shown(entry, by_row) for entry in entries_of(facts, DESK)]


def _shown(entry: Entry, files: Mapping[int, ShownFile]) -> Shown:
    icon, tone = _look(entry)
    fault = fault_words(entry.judgement) if entry.judgement else ""
    return Shown(
        entry, icon, tone, fault, _groups(entry), files[entry.evidence.pk] if entry.evidence else None
    )


def _groups(entry: Entry) -> tuple[str, ...]:
    """A demand for evidence is a move as well."""
    if entry.kind == Kind.NEGOTIATION and entry.code in ("message", "note"):
        return (entry.code,)
    if entry.kind in (Kind.EVIDENCE, Kind.PROVIDER):
        return ("evidence", "move") if entry.to else ("evidence",)
    return () if entry.kind in BEFORE else ("move",)


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
