"""ONE time-line of a case for every reader (requirement D6): from the payment to the money back, oldest first.

The desk, the sellers' portal and the documents show these entries; what each adds are its own icons and words.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.kernel.errors import Text
from marketplace.kernel.templatetags.recourse import money
from marketplace.orders.goods import EventType
from marketplace.orders.models import Unit
from marketplace.payments.models import Capture, Transfer
from marketplace.risk.models import Dispute

from ..extensions import PutOff
from ..faults import Ground
from ..machine import Party
from ..models import Appeal, Evidence, Flag, Judgement, Proposal, ProviderCheck, RefundRequest, Transition
from ..models.evidence import kind_label
from .offers import offer_words
from .views import View, person
from .words import EVENTS


class Kind(models.TextChoices):
    PAYMENT = "payment", gettext_lazy("Payment")
    COMPLETION = "completion", gettext_lazy("Confirmation")
    DELIVERY = "delivery", gettext_lazy("Delivery")
    USE = "use", gettext_lazy("Reveal and use")
    FILING = "filing", gettext_lazy("Filing")
    DECISION = "decision", gettext_lazy("Decision")
    NEGOTIATION = "negotiation", gettext_lazy("Negotiation")
    EVIDENCE = "evidence", gettext_lazy("Evidence")
    PROVIDER = "provider", gettext_lazy("Third party")
    RULING = "ruling", gettext_lazy("Ruling")
    MONEY_OUT = "money_out", gettext_lazy("Money back")
    DISPUTE = "dispute", gettext_lazy("Payment channel")
    FLAG = "flag", gettext_lazy("Legal review")


# Of a move that is no decision: everything else is one.
MOVES: dict[str, Kind] = {
    **dict.fromkeys(("file", "reapply", "withdraw"), Kind.FILING),
    **dict.fromkeys(
        ("agree", "agree_for_check", "refuse", "offer", "seller_silent", "accept_offer", "decline_offer",
         "accept_offer_for_check", "confirm_replacement", "buyer_silent", "promise_broken", "policy_ask_seller",
         "settle_sealed", "settle_sealed_for_check"),
        Kind.NEGOTIATION,
    ),
    **dict.fromkeys(("ask_evidence", "give_evidence", "evidence_overdue", "resume"), Kind.EVIDENCE),
    **dict.fromkeys(("refer", "escalate", "rule_for_buyer", "rule_for_seller"), Kind.RULING),
    **dict.fromkeys(("pay", "settle", "come_back", "charged_back"), Kind.MONEY_OUT),
    "freeze": Kind.DISPUTE,
}  # fmt: skip
DELIVERY = frozenset({EventType.STOCKED, EventType.RESERVED, EventType.DELIVERED, EventType.REPLACED})


class Entry(NamedTuple):
    """`code` says what within its kind: a move's event, a unit's event, a state. `to` is a move's target state."""

    at: datetime
    kind: Kind
    code: str
    title: Text
    who: str = ""
    party: str = ""
    text: str = ""
    clause: str = ""
    to: str = ""
    asked: str = ""  # the side that a demand for evidence asks
    is_internal: bool = False
    judgement: Judgement | None = None
    evidence: Evidence | None = None  # the file it tells of


class Facts(NamedTuple):
    """Rows already read: a request with its order, transitions, messages and evidence, and what belongs to it."""

    request: RefundRequest
    units: Iterable[Unit]  # with their events
    captures: Iterable[Capture]
    transfers: Iterable[Transfer]  # with claim and capture
    judgements: Mapping[int, Judgement]  # by the sequence of their transition
    disputes: Iterable[Dispute] = ()
    checks: Iterable[ProviderCheck] = ()
    flags: Iterable[Flag] = ()
    proposal: Proposal | None = None
    appeals: Iterable[Appeal] = ()
    put_off: Iterable[PutOff] = ()


def timeline(facts: Facts, view: View) -> list[Entry]:
    """Oldest first. Entries of one instant keep the order of the list below: cause before effect."""
    entries = [entry for part in PARTS for entry in part(facts, view)]
    return sorted(entries, key=lambda entry: entry.at)


def _payments(facts: Facts, view: View) -> Iterator[Entry]:
    for capture in facts.captures:
        title = _("Paid %(amount)s") % {"amount": money(capture.amount, capture.currency)}
        channel = capture.get_channel_display()
        yield Entry(capture.captured_at, Kind.PAYMENT, capture.channel, title, channel)


def _units(facts: Facts, view: View) -> Iterator[Entry]:
    for unit in facts.units:
        for event in unit.events.all():
            kind = Kind.DELIVERY if event.type in DELIVERY else Kind.USE
            title = _("Unit %(unit)s: %(event)s") % {"unit": unit.ref, "event": event.get_type_display()}
            yield Entry(event.at, kind, event.type, title)


def _completion(facts: Facts, view: View) -> Iterator[Entry]:
    if facts.request.order.completed_at:
        yield Entry(
            facts.request.order.completed_at, Kind.COMPLETION, "completed", _("The order was completed")
        )


def _moves(facts: Facts, view: View) -> Iterator[Entry]:
    offered = {offer.sequence: offer for offer in facts.request.offers.all()}
    asked = {demand.sequence: demand.of for demand in facts.request.evidence_demands.all()}
    for move in facts.request.transitions.all():
        judgement, text = facts.judgements.get(move.sequence), _note(move)
        if offer := offered.get(move.sequence):
            text = "\n".join(filter(None, [offer_words(offer, facts.request.currency), offer.note]))
        if judgement and judgement.deviation and view.is_internal:
            text += "\n" + _("Departs from the precedents: %(why)s") % {"why": judgement.deviation}
        yield Entry(
            move.at,
            MOVES.get(move.event, Kind.DECISION),
            move.event,
            EVENTS[move.event],
            view.who(move, move.actor),
            party=move.actor,
            text=text,
            clause=move.clause,
            to=move.to_state,
            asked=asked.get(move.sequence, ""),
            judgement=judgement,
        )


def _note(move: Transition) -> str:
    """A refusal is kept as "ground: explanation"; the ground is shown by its name."""
    if move.event != "refuse":
        return move.note
    ground, _colon, explanation = move.note.partition(": ")
    return f"{Ground(ground).label}: {explanation}" if ground in Ground.values else move.note


def _offers(facts: Facts, view: View) -> Iterator[Entry]:
    """How offers ended, and that sealed ones were made: nobody sees a sealed number (F3)."""
    for offer in facts.request.offers.all():
        if offer.answered_at is not None:
            title = _("Offer ended: %(how)s") % {"how": offer.get_answer_display()}
            text = offer_words(offer, facts.request.currency)
            yield Entry(offer.answered_at, Kind.NEGOTIATION, offer.answer, title, text=text)
    for sealed in facts.request.sealed_offers.all():
        who = str(Party(sealed.party).label)
        yield Entry(sealed.at, Kind.NEGOTIATION, "sealed", _("Sealed offer made"), who, party=sealed.party)


def _put_off(facts: Facts, view: View) -> Iterator[Entry]:
    for clock, extension, why in facts.put_off:
        title = _("%(clock)s: put off") % {"clock": clock.get_kind_display()}
        was, due = (
            date_format(timezone.localtime(at), "Y-m-d H:i")
            for at in (extension.was_due_at, extension.due_at)
        )
        text = _("From %(was)s to %(due)s: %(why)s") % {"was": was, "due": due, "why": why}
        who = person(extension.user) if view.names_people else ""
        yield Entry(extension.at, Kind.DECISION, "put_off", title, who, text=text)


def _appeals(facts: Facts, view: View) -> Iterator[Entry]:
    for appeal in facts.appeals:
        if not view.sees_appeal(appeal):
            continue
        who, text = str(Party(appeal.party).label), "\n".join([", ".join(appeal.clauses), appeal.text])
        yield Entry(appeal.at, Kind.RULING, "appeal", _("Appeal"), who, party=appeal.party, text=text)
        if appeal.decided_at is not None:
            title = _("Appeal decided: %(outcome)s") % {"outcome": appeal.get_outcome_display()}
            who = person(appeal.decided_by) if view.names_people else ""
            yield Entry(appeal.decided_at, Kind.RULING, "appeal_decided", title, who, text=appeal.note)


def _proposal(facts: Facts, view: View) -> Iterator[Entry]:
    proposed = facts.proposal
    if proposed and view.is_internal:
        title = _("Proposed %(amount)s") % {"amount": money(proposed.amount, facts.request.currency)}
        yield Entry(
            proposed.at,
            Kind.DECISION,
            "proposed",
            title,
            person(proposed.by),
            text=proposed.note,
            clause=proposed.clause,
            is_internal=True,
        )


def _messages(facts: Facts, view: View) -> Iterator[Entry]:
    for message in facts.request.messages.all():
        if view.sees_message(message):
            title = _("Internal note") if message.is_internal else _("Message")
            yield Entry(
                message.at,
                Kind.NEGOTIATION,
                "note" if message.is_internal else "message",
                title,
                view.who(message, message.author),
                party=message.author,
                text=message.text,
                is_internal=message.is_internal,
            )


def _evidence(facts: Facts, view: View) -> Iterator[Entry]:
    for row in facts.request.evidence.all():
        if view.sees_evidence(row):
            title = _("Evidence %(n)s: %(kind)s") % {"n": row.position, "kind": kind_label(row.kind)}
            yield Entry(
                row.at,
                Kind.EVIDENCE,
                row.kind,
                title,
                view.who(row, row.by),
                party=row.by,
                text=row.note,
                evidence=row,
            )


def _transfers(facts: Facts, view: View) -> Iterator[Entry]:
    for transfer in facts.transfers:
        if transfer.settled_at is not None:
            by_hand = getattr(transfer, "by_hand", False)  # where the reading asked for it
            title = _("Paid by hand: %(amount)s") if by_hand else _("Received by the channel: %(amount)s")
            title %= {"amount": money(*transfer.money)}
            yield Entry(transfer.settled_at, Kind.MONEY_OUT, transfer.state, title, transfer.number)
        elif transfer.state in Transfer.STUCK_STATES and transfer.sent_at and view.is_internal:
            title = _("Refused by the channel: %(error)s") % {"error": transfer.error_code or "–"}
            yield Entry(
                transfer.sent_at,
                Kind.MONEY_OUT,
                transfer.state,
                title,
                transfer.number,
                text=transfer.error_detail,
                is_internal=True,
            )


def _disputes(facts: Facts, view: View) -> Iterator[Entry]:
    for dispute in facts.disputes:
        number = dispute.number if view.sees_provider else ""
        title = _("%(kind)s at the payment channel: %(amount)s") % {
            "kind": dispute.get_kind_display(),
            "amount": money(dispute.amount, dispute.currency),
        }
        yield Entry(dispute.opened_at, Kind.DISPUTE, Dispute.State.OPEN, title, number)
        if dispute.closed_at:
            title = _("The payment channel has decided: %(state)s") % {"state": dispute.get_state_display()}
            yield Entry(dispute.closed_at, Kind.DISPUTE, dispute.state, title, number)


def _checks(facts: Facts, view: View) -> Iterator[Entry]:
    if not view.sees_provider:
        return
    for check in facts.checks:
        asked = {"provider": check.provider, "unit": check.unit.ref}
        if check.answered_at is None or check.answered_at > check.asked_at:
            title = _("%(provider)s asked about unit %(unit)s") % asked
            who = person(check.asked_by) if view.names_people else ""
            yield Entry(check.asked_at, Kind.PROVIDER, "asked", title, who, text=check.number)
        if check.answered_at is not None:
            who = person(check.written_by) if view.names_people else ""
            title = provider_says(check)
            yield Entry(check.answered_at, Kind.PROVIDER, check.answer, title, who, text=check.words)


def provider_says(check: ProviderCheck) -> str:
    """One line of third-party evidence."""
    said = {"provider": check.provider, "unit": check.unit.ref, "answer": check.get_answer_display()}
    if check.credited_at is None:
        return _("%(provider)s says of unit %(unit)s: %(answer)s") % said
    at = date_format(timezone.localtime(check.credited_at), "Y-m-d H:i")
    return _("%(provider)s says of unit %(unit)s: credited at %(at)s") % {**said, "at": at}


def _flags(facts: Facts, view: View) -> Iterator[Entry]:
    for flag in facts.flags if view.is_internal else ():
        title = _("Flagged for legal review")
        yield Entry(flag.at, Kind.FLAG, "raised", title, text=flag.words, is_internal=True)
        if flag.cleared_at is not None:
            who, title = person(flag.cleared_by), _("Flag cleared")
            yield Entry(flag.cleared_at, Kind.FLAG, "cleared", title, who, text=flag.note, is_internal=True)


PARTS: tuple[Callable[[Facts, View], Iterator[Entry]], ...] = (
    _payments,
    _units,
    _completion,
    _moves,
    _offers,
    _put_off,
    _proposal,
    _appeals,
    _messages,
    _evidence,
    _transfers,
    _disputes,
    _checks,
    _flags,
)
