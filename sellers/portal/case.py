"""One case as its seller may see it: no internal note, no card code, no contact data of the buyer."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Prefetch, prefetch_related_objects
from django.utils.translation import gettext as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Text
from marketplace.orders.models import UnitEvent
from marketplace.payments.models import Capture, Transfer
from marketplace.risk.models import Dispute
from refunds.casefile.offers import offer_words
from refunds.casefile.reading import disputes_of
from refunds.casefile.timeline import Entry as TimelineEntry
from refunds.casefile.timeline import Facts
from refunds.casefile.timeline import timeline as entries_of
from refunds.casefile.views import PORTAL
from refunds.casefile.words import TARGETS, TERMS
from refunds.extensions import PutOff, put_off
from refunds.faults import Fault, shares_words
from refunds.filing_channels import FilingChannel
from refunds.findings import findings_json
from refunds.machine import Party, State
from refunds.masking import mask_contact
from refunds.models import EvidenceDemand, Judgement, Message, RefundItem, RefundRequest
from refunds.models.evidence import kind_label
from refunds.operations.asked import standing_demand
from refunds.policy import EventFacts, unit_use
from refunds.queries import sellers_request, transfers_of

from .looks import (
    AGREED_ABOVE_LIMIT,
    ASKED_FOR_EVIDENCE,
    EVENTS,
    FILED_BY,
    FILED_BY_STAFF,
    OFFERS,
    RESULTS,
    STATES,
    TRANSFERS,
    USES,
    YOU_WERE_ASKED,
    Look,
)

ANSWERS = frozenset({"agree", "agree_for_check", "refuse", "offer"})
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
    """How the seller answered when last asked: agree, agree_for_check, refuse or offer; "" where they did not."""
    for move in reversed(case.transitions.all()):
        if move.event == "policy_ask_seller":
            break
        if move.event in ANSWERS:
            return move.event
    return ""


def look_of(case: RefundRequest) -> Look:
    if demand_of_seller(case):
        return ASKED_FOR_EVIDENCE
    return AGREED_ABOVE_LIMIT if _awaits_confirmation(case) else STATES[case.state]


def demand_of_seller(case: RefundRequest) -> EvidenceDemand | None:
    """What a reviewer waits for from this seller."""
    demand = standing_demand(case)
    return demand if demand and demand.of == Party.SELLER else None


def shown(case: RefundRequest, user: User) -> dict[str, Any]:
    """What the page of a loaded case shows, in a fixed number of queries."""
    items = list(case.items.all())
    events = Prefetch("events", UnitEvent.objects.defer("data").order_by("at", "id"))
    prefetch_related_objects([item.unit for item in items], events)
    prefetch_related_objects(
        [case.order], Prefetch("captures", Capture.objects.order_by("captured_at", "id"))
    )
    disputes = disputes_of(case.order_id)
    transfers = transfers_of([case.number])[case.number]
    decision = next(reversed(case.decisions.all()), None)
    findings = findings_json(decision.findings) if decision else []
    extended = put_off(case)
    units = [_unit(item) for item in items]
    demand = demand_of_seller(case)
    return {
        "case": case,
        "order": case.order,
        "look": look_of(case),
        "is_disputed": any(dispute.state == Dispute.State.OPEN for dispute in disputes),
        "is_mine_to_answer": case.state == State.AWAITING_SELLER,
        "is_mine": case.channel == FilingChannel.PORTAL,
        "is_being_checked": case.state in (State.SUBMITTED, State.PRECHECKING),
        "demand": demand,
        "demanded_kinds": [kind_label(kind) for kind in demand.kinds] if demand else [],
        "needs_second_person": case.amount > case.two_person_above,
        "units": units[:UNITS_AT_ONCE],
        "more_units": units[UNITS_AT_ONCE:],
        "fault": fault_words(judgements[-1]) if (judgements := list(case.judgements.all())) else "",
        "findings": [(RESULTS[f["result"]], f) for f in findings if PORTAL.sees_rule(f["rule"])],
        "offers": [(OFFERS[o.state], offer_words(o, case.currency), o) for o in case.offers.all()],
        "terms": list(_terms(case.order.snapshot.get("terms") or {})),
        "targets": list(_targets({**case.order.target, **case.details})),
        "other_clocks": [clock for clock in case.deadlines.all() if clock.kind != case.due_kind],
        "put_off": extended,
        "timeline": list(_timeline(case, transfers, disputes, extended)),
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
            yield label, mask_contact(str(known[name]))


def _timeline(
    case: RefundRequest, transfers: list[Transfer], disputes: list[Dispute], extended: list[PutOff]
) -> Iterator[Entry]:
    """The one time-line, with the seller's own words for moves."""
    facts = Facts(
        request=case,
        units=[item.unit for item in case.items.all()],
        captures=case.order.captures.all(),
        transfers=transfers,
        judgements={judgement.sequence: judgement for judgement in case.judgements.all()},
        disputes=disputes,
        appeals=case.appeals.all(),
        put_off=extended,
    )
    for entry in entries_of(facts, PORTAL):
        title = _title(entry) if entry.to else entry.title
        fault = fault_words(entry.judgement) if entry.judgement else ""
        yield Entry(entry.at, entry.who, title, entry.clause, entry.text, fault)


def _title(move: TimelineEntry) -> Text:
    if move.code == "file" and move.party != Party.BUYER:
        return FILED_BY.get(move.party, FILED_BY_STAFF)
    return YOU_WERE_ASKED if move.asked == Party.SELLER else EVENTS[move.code]


def fault_words(judgement: Judgement) -> str:
    """Whose fault a person found it to be, in the seller's view."""
    if judgement.shares:
        return _("Fault: %(party)s") % {"party": shares_words(judgement.shares)}
    if judgement.fault != Fault.SELLER:
        return _("Fault: %(party)s") % {"party": Fault(judgement.fault).label}
    return _("Fault: yours. The refund is forced and needs no agreement.")


def _said(message: Message, user: User) -> Said:
    is_mine = message.user_id == user.pk
    if message.author == Party.SELLER and message.user:
        who: Text = message.user.get_full_name() or message.user.get_username()
    else:
        who = Party(message.author).label
    return Said(message, who, is_mine)
