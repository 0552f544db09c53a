"""One case as its seller may see it: no internal note, no card code, no contact data of the buyer."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Prefetch, prefetch_related_objects
from django.utils.translation import gettext as _

from marketplace.identity.models import User
from marketplace.kernel.templatetags.recourse import money
from marketplace.orders.models import UnitEvent
from marketplace.payments.models import Transfer
from refunds.extensions import PutOff, put_off
from refunds.faults import Fault
from refunds.findings import findings_json
from refunds.machine import Party, State
from refunds.models import Judgement, Message, RefundItem, RefundRequest, Transition
from refunds.operations.answer import Ground
from refunds.policy import EventFacts, unit_use
from refunds.queries import is_disputed, sellers_request, transfers_of

from .looks import AGREED_ABOVE_LIMIT, EVENTS, RESULTS, STATES, TARGETS, TERMS, TRANSFERS, USES, Look, Text

ANSWERS = frozenset({"agree", "agree_for_check", "refuse"})
# About the buyer's person, not about the goods: no business of the seller's.
RULES_ABOUT_THE_BUYER = frozenset({"risk", "identity"})
CONTACT = re.compile(r"(?:\+?86)?1[3-9]\d{9}|\S+@\S+")
UNITS_AT_ONCE = 10  # the rest is folded away


class ShownUnit(NamedTuple):
    item: RefundItem
    use: Look
    came_used: bool  # redeemed before this buyer had it
    events: list[UnitEvent]


class Entry(NamedTuple):
    at: datetime
    who: Text
    title: Text
    clause: str = ""
    text: str = ""
    fault: Text = ""


class Said(NamedTuple):
    message: Message
    who: Text
    is_mine: bool


def load(user: User, number: str) -> RefundRequest:
    """The case, if it is one of this person's seller. Raises NotFound."""
    return sellers_request(user, number)


def last_answer(case: RefundRequest) -> str:
    """How the seller answered when last asked: agree, agree_for_check or refuse; "" where they did not."""
    for move in reversed(case.transitions.all()):
        if move.event == "policy_ask_seller":
            break
        if move.event in ANSWERS:
            return move.event
    return ""


def look_of(case: RefundRequest) -> Look:
    return AGREED_ABOVE_LIMIT if _awaits_confirmation(case) else STATES[case.state]


def shown(case: RefundRequest, user: User) -> dict[str, Any]:
    """What the page of a loaded case shows, in a fixed number of queries."""
    items = list(case.items.all())
    events = Prefetch("events", UnitEvent.objects.defer("data").order_by("at", "id"))
    prefetch_related_objects([item.unit for item in items], events)
    transfers = transfers_of([case.number])[case.number]
    decision = next(reversed(case.decisions.all()), None)
    findings = findings_json(decision.findings) if decision else []
    extended = put_off(case)
    units = [_unit(item) for item in items]
    return {
        "case": case,
        "order": case.order,
        "look": look_of(case),
        "is_disputed": is_disputed(case),
        "is_mine_to_answer": case.state == State.AWAITING_SELLER,
        "needs_second_person": case.amount > case.two_person_above,
        "units": units[:UNITS_AT_ONCE],
        "more_units": units[UNITS_AT_ONCE:],
        "fault": fault_words(judgements[-1]) if (judgements := list(case.judgements.all())) else "",
        "findings": [(RESULTS[f["result"]], f) for f in findings if f["rule"] not in RULES_ABOUT_THE_BUYER],
        "terms": list(_terms(case.order.snapshot.get("terms") or {})),
        "targets": list(_targets({**case.order.target, **case.details})),
        "other_clocks": [clock for clock in case.deadlines.all() if clock.kind != case.due_kind],
        "put_off": extended,
        "timeline": sorted(_timeline(case, transfers, extended), key=lambda entry: entry.at),
        "transfers": [(TRANSFERS[transfer.state], transfer) for transfer in transfers],
        "messages_said": [_said(message, user) for message in case.messages.all() if not message.is_internal],
    }


def _awaits_confirmation(case: RefundRequest) -> bool:
    moves = case.transitions.all()
    return case.state == State.MANUAL_REVIEW and bool(moves) and list(moves)[-1].event == "agree_for_check"


def _unit(item: RefundItem) -> ShownUnit:
    events = list(item.unit.events.all())
    use = unit_use(EventFacts(event.type, event.at) for event in events)
    return ShownUnit(item, USES[use.use], use.redeemed_before_delivery, events)


def _terms(terms: Mapping[str, Any]) -> Iterator[tuple[Text, str]]:
    stated = {**terms, **{c["code"]: c.get("value") for c in terms.get("conditions") or ()}}
    for name, label in TERMS.items():
        if name in stated and stated[name] != 0:  # zero days are no promise
            yield label, "" if stated[name] is None else str(stated[name])


def _targets(known: Mapping[str, Any]) -> Iterator[tuple[Text, str]]:
    for name, label in TARGETS.items():
        if known.get(name):
            yield label, CONTACT.sub(_masked, str(known[name]))


def _masked(found: re.Match[str]) -> str:
    return f"{found[0][:3]}****{found[0][-4:]}"


def _timeline(case: RefundRequest, transfers: list[Transfer], extended: list[PutOff]) -> Iterator[Entry]:
    """Cause before effect; entries of one instant keep this order."""
    if case.order.paid_at:
        yield Entry(case.order.paid_at, Party.BUYER.label, _("The order was paid"))
    if case.order.completed_at:
        yield Entry(case.order.completed_at, "", _("The order was completed"))
    judged = {judgement.sequence: judgement for judgement in case.judgements.all()}
    for move in case.transitions.all():
        fault = fault_words(judged[move.sequence]) if move.sequence in judged else ""
        yield Entry(move.at, Party(move.actor).label, EVENTS[move.event], move.clause, _note(move), fault)
    for transfer in transfers:
        if transfer.settled_at:
            paid = money(transfer.claim.amount, case.currency)
            yield Entry(
                transfer.settled_at, "", _("%(amount)s reached the payment channel") % {"amount": paid}
            )
    for clock, extension, why in extended:
        title = _("%(clock)s: put off") % {"clock": clock.get_kind_display()}
        yield Entry(extension.at, "", title, text=why)


def fault_words(judgement: Judgement) -> str:
    """Whose fault a person found it to be, in the seller's view."""
    if judgement.fault != Fault.SELLER:
        return _("Fault: %(party)s") % {"party": Fault(judgement.fault).label}
    return _("Fault: yours. The refund is forced and needs no agreement.")


def _note(move: Transition) -> str:
    """A refusal is kept as "ground: explanation"; the ground is shown by its name."""
    if move.event != "refuse":
        return move.note
    ground, _colon, explanation = move.note.partition(": ")
    return f"{Ground(ground).label}: {explanation}" if ground in Ground.values else move.note


def _said(message: Message, user: User) -> Said:
    is_mine = message.user_id == user.pk
    if message.author == Party.SELLER and message.user:
        who: Text = message.user.get_full_name() or message.user.get_username()
    else:
        who = Party(message.author).label
    return Said(message, who, is_mine)
