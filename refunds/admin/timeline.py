"""Everything that happened in a case, in the order of time: moves, messages, payments and the units' events."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _

from marketplace.kernel.templatetags.recourse import money
from marketplace.payments.models import Transfer
from refunds.desk_queries import Case
from refunds.machine import Party, State

from .looks import EVENTS, STATES, UNIT_EVENTS, Text, person


class Entry(NamedTuple):
    at: datetime
    icon: str
    tone: str
    title: Text
    who: str = ""
    clause: str = ""
    text: str = ""
    is_internal: bool = False


def timeline(case: Case) -> list[Entry]:
    """Oldest first. Entries of one instant keep the order they are listed in here: cause before effect."""
    entries = [*_payments(case), *_units(case), *_moves(case), *_messages(case), *_transfers(case)]
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


def _moves(case: Case) -> Iterator[Entry]:
    for move in case.request.transitions.all():
        look = STATES[State(move.to_state)]
        who = person(move.user) or Party(move.actor).label
        yield Entry(move.at, look.icon, look.tone, EVENTS[move.event], str(who), move.clause, move.note)
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
            title = _("Received by the channel: %(amount)s") % {"amount": money(*transfer.money)}
            yield Entry(transfer.settled_at, "north_east", "good", title, transfer.number)
        elif transfer.state in Transfer.STUCK_STATES and transfer.sent_at:
            title = _("Refused by the channel: %(error)s") % {"error": transfer.error_code or "–"}
            yield Entry(transfer.sent_at, "report", "bad", title, transfer.number, text=transfer.error_detail)
