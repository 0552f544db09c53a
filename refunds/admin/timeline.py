"""Everything that happened in a case, in the order of time: moves, messages, payments and the units' events."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from marketplace.kernel.templatetags.recourse import money
from marketplace.payments.models import Transfer
from refunds.desk_queries import Case
from refunds.machine import Party, State
from refunds.models import ProviderCheck
from refunds.review_queries import Reviewing

from .looks import ANSWERS, EVENTS, STATES, UNIT_EVENTS, Text, person
from .reviewing import fault_words


class Entry(NamedTuple):
    at: datetime
    icon: str
    tone: str
    title: Text
    who: str = ""
    clause: str = ""
    text: str = ""
    is_internal: bool = False
    aside: Text = ""


def timeline(case: Case, known: Reviewing) -> list[Entry]:
    """Oldest first. Entries of one instant keep the order they are listed in here: cause before effect."""
    entries = [
        *_payments(case),
        *_units(case),
        *_moves(case, known),
        *_messages(case),
        *_transfers(case),
        *_checks(known),
        *_flags(known),
        *_put_off(case),
    ]
    return sorted(entries, key=lambda entry: entry.at)


def _payments(case: Case) -> Iterator[Entry]:
    for capture in case.captures:
        title = _("Paid %(amount)s") % {"amount": money(capture.amount, capture.currency)}
        yield Entry(capture.captured_at, "south_west", "calm", title, capture.get_channel_display())


def _units(case: Case) -> Iterator[Entry]:
    for unit in case.units:
        for event in unit.events.all():
            title = _("Unit %(unit)s: %(event)s") % {"unit": unit.ref, "event": event.get_type_display()}
            yield Entry(event.at, UNIT_EVENTS[event.type], "calm", title)


def _moves(case: Case, known: Reviewing) -> Iterator[Entry]:
    for move in case.request.transitions.all():
        look = STATES[State(move.to_state)]
        who = person(move.user) or Party(move.actor).label
        judgement = known.judgements.get(move.sequence)
        text, aside = move.note, fault_words(judgement) if judgement else ""
        if judgement and judgement.deviation:
            text += "\n" + _("Departs from the precedents: %(why)s") % {"why": judgement.deviation}
        title = EVENTS[move.event]
        yield Entry(move.at, look.icon, look.tone, title, str(who), move.clause, text, aside=aside)
    if case.proposal:
        title = _("Proposed %(amount)s") % {"amount": money(case.proposal.amount, case.request.currency)}
        by, note = person(case.proposal.by), case.proposal.note
        yield Entry(case.proposal.at, "pending_actions", "warn", title, by, case.proposal.clause, note)


def _messages(case: Case) -> Iterator[Entry]:
    for message in case.request.messages.all():
        title = _("Internal note") if message.is_internal else _("Message")
        icon = "lock" if message.is_internal else "chat"
        who = person(message.user) or str(Party(message.author).label)
        yield Entry(message.at, icon, "calm", title, who, text=message.text, is_internal=message.is_internal)


def _transfers(case: Case) -> Iterator[Entry]:
    for transfer in case.transfers:
        if transfer.settled_at is not None:
            by_hand = transfer.by_hand  # type: ignore[attr-defined]  # of desk_queries.case
            title = _("Paid by hand: %(amount)s") if by_hand else _("Received by the channel: %(amount)s")
            title %= {"amount": money(*transfer.money)}
            yield Entry(transfer.settled_at, "north_east", "good", title, transfer.number)
        elif transfer.state in Transfer.STUCK_STATES and transfer.sent_at:
            title = _("Refused by the channel: %(error)s") % {"error": transfer.error_code or "–"}
            yield Entry(transfer.sent_at, "report", "bad", title, transfer.number, text=transfer.error_detail)


def _checks(known: Reviewing) -> Iterator[Entry]:
    for check in known.checks:
        title = _("%(provider)s asked about unit %(unit)s") % {
            "provider": check.provider,
            "unit": check.unit.ref,
        }
        if check.answered_at is None or check.answered_at > check.asked_at:
            yield Entry(check.asked_at, "outgoing_mail", "calm", title, person(check.asked_by), check.number)
        if check.answered_at is not None:
            look = ANSWERS[check.answer]
            title, text = provider_says(check), check.words
            yield Entry(check.answered_at, look.icon, look.tone, title, person(check.written_by), text=text)


def provider_says(check: ProviderCheck) -> str:
    """One line of third-party evidence."""
    said = {"provider": check.provider, "unit": check.unit.ref, "answer": check.get_answer_display()}
    if check.credited_at is None:
        return _("%(provider)s says of unit %(unit)s: %(answer)s") % said
    at = date_format(timezone.localtime(check.credited_at), "Y-m-d H:i")
    return _("%(provider)s says of unit %(unit)s: credited at %(at)s") % {**said, "at": at}


def _put_off(case: Case) -> Iterator[Entry]:
    for clock, extension, why in case.put_off:
        title = _("%(clock)s: put off") % {"clock": clock.get_kind_display()}
        was, due = (
            date_format(timezone.localtime(at), "Y-m-d H:i")
            for at in (extension.was_due_at, extension.due_at)
        )
        text = _("From %(was)s to %(due)s: %(why)s") % {"was": was, "due": due, "why": why}
        yield Entry(extension.at, "more_time", "info", title, person(extension.user), text=text)


def _flags(known: Reviewing) -> Iterator[Entry]:
    for flag in known.flags:
        yield Entry(flag.at, "flag", "warn", _("Flagged for legal review"), text=flag.words, is_internal=True)
        if flag.cleared_at is not None:
            who = person(flag.cleared_by)
            yield Entry(
                flag.cleared_at,
                "flag_check",
                "calm",
                _("Flag cleared"),
                who,
                text=flag.note,
                is_internal=True,
            )
