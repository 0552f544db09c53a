"""Filing: money is asked back, by the buyer or for them, whatever the channel (requirement C)."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils.translation import gettext_lazy as _

from marketplace.kernel import ids
from marketplace.kernel.errors import Refusal
from marketplace.kernel.idempotency import Answer, Key, KeyTaken, Outcome, once
from marketplace.kernel.money import Money, split
from marketplace.orders.goods import Place
from marketplace.orders.models import Order

from ..clocks import NO_CLOCK, Due
from ..facts import OrderFacts, UnitRow, build, of_buyer
from ..filing_channels import FILED_BY, FilingChannel
from ..findings import findings_json
from ..machine import NEW, Clock, State
from ..models import RefundRequest
from ..permissions import BUYER, Actor
from ..policies import Verdict, judge, two_person_limit
from ..policy import Facts, deciding
from ..transitions import OpenRequestExists, edge_for, one_open_request_per_unit

ONE_CLICK_REASON = "not_activated"
# Findings that nothing later can cure: refused at the door instead of opening a case.
REFUSED_AT_ONCE = frozenset({"amount", "duplicate"})

Present = Callable[[RefundRequest, list[str]], Answer]  # the request and its units' refs


class Filing(NamedTuple):
    """What the buyer asks. `units` None means all that the order has in place; `amount` None all that is left of them."""

    order_no: str
    reason: str
    remedy: str = "refund"
    description: str = ""
    units: tuple[str, ...] | None = None
    amount: Money | None = None
    details: dict[str, Any] | None = None
    file_when_allowed: bool = False


class Source(NamedTuple):
    """Who files, and how it came in: kept as it was."""

    channel: FilingChannel = FilingChannel.API
    actor: Actor = BUYER
    ticket: str = ""
    caller_check: str = ""  # how staff made sure that the caller is the buyer


BY_BUYER = Source()


class UnknownUnit(Refusal):
    code = "unknown_unit"
    status = 422
    title = _("The order has no such unit.")


class WrongCurrency(Refusal):
    code = "wrong_currency"
    status = 422
    title = _("A refund is in the currency of its order.")


class TooEarly(Refusal):
    code = "too_early"
    status = 422
    title = _("The payment may still arrive. File again at the time given, or let it be filed for you then.")


class NotRefundable(Refusal):
    code = "not_refundable"
    status = 422
    title = _("This cannot be refunded.")


class NotOneClick(Refusal):
    code = "not_one_click"
    status = 422
    title = _("This order cannot be refunded with one click. File a request with its reason.")


class _Judged(NamedTuple):
    order: Order
    units: list[UnitRow]
    facts: Facts
    verdict: Verdict


def file_request(
    *,
    buyer_id: int,
    filing: Filing,
    key: Key,
    present: Present,
    now: datetime,
    source: Source = BY_BUYER,
) -> Outcome:
    """Open a request and queue its pre-check; the answer is `present(request)`, kept under the key.

    `source` is another than the buyer where it is filed for them: by staff, their seller, an import, or the machine
    for what it found itself.

    Raises NotFound (not this buyer's order), OpenRequestExists (with its number), UnknownUnit, WrongCurrency,
    TooEarly and NotRefundable (both with findings), and what `once` raises.
    """
    return _once(
        key, filing, lambda: _file(_judged(buyer_id, filing, now), filing, key, present, now, source)
    )


def look_ahead(*, buyer_id: int, filing: Filing, now: datetime) -> None:
    """Raise what file_request would refuse now, but for its key; change nothing."""
    _agreed(judge_filing(of_buyer(buyer_id, filing.order_no), filing, now), filing)


def number_alone(request: RefundRequest, _units: list[str]) -> Answer:
    """The answer kept where a page shows the case itself."""
    return {"number": request.number}


def one_click_refund(*, buyer_id: int, order_no: str, key: Key, present: Present, now: datetime) -> Outcome:
    """Refund a small unused order whole, with no form (B8). Raises NotOneClick with findings, and as above."""
    filing = Filing(order_no, ONE_CLICK_REASON)

    def effect() -> tuple[Answer, int]:
        judged = _judged(buyer_id, filing, now)
        if not judged.verdict.decision.one_click:
            raise NotOneClick(**_trace(judged.verdict))
        return _file(judged, filing, key, present, now, BY_BUYER)

    return _once(key, filing, effect)


def _once(key: Key, filing: Filing, effect: Callable[[], tuple[Answer, int]]) -> Outcome:
    with one_open_request_per_unit(unit__order__no=filing.order_no):
        return once(key, effect)


def _judged(buyer_id: int, filing: Filing, now: datetime) -> _Judged:
    return judge_filing(of_buyer(buyer_id, filing.order_no, lock=True), filing, now)


def judge_filing(known: OrderFacts, filing: Filing, now: datetime) -> _Judged:
    """What the policy says to this filing now. Raises UnknownUnit, OpenRequestExists, WrongCurrency."""
    units = _chosen(known, filing.units)
    for unit in units:
        if unit.open_request:
            raise OpenRequestExists(number=unit.open_request)
    if filing.amount and filing.amount.currency != known.order.currency:
        raise WrongCurrency(pointer="/amount/currency", currency=known.order.currency)
    whole = sum(unit.remaining for unit in units)
    amount = filing.amount.amount if filing.amount else min(whole, known.available) or whole
    facts = build(known, units, reason=filing.reason, remedy=filing.remedy, amount=amount, filed_at=now)
    return _Judged(known.order, units, facts, judge(facts, now))


def _chosen(known: OrderFacts, refs: tuple[str, ...] | None) -> list[UnitRow]:
    if refs is None:
        return [unit for unit in known.units if unit.place == Place.IN_PLACE]
    # A replacement that was not confirmed is no unit of the buyer's; one that was replaced is refused with reasons.
    theirs = (Place.IN_PLACE, Place.REPLACED)
    by_ref = {unit.facts.ref: unit for unit in known.units if unit.place in theirs}
    unknown = [ref for ref in refs if ref not in by_ref]
    if unknown:
        raise UnknownUnit(pointer="/units", unknown=unknown, units=sorted(by_ref))
    return [by_ref[ref] for ref in dict.fromkeys(refs)]


def _file(
    judged: _Judged, filing: Filing, key: Key, present: Present, now: datetime, source: Source
) -> tuple[Answer, int]:
    due, amount = _agreed(judged, filing)
    facts, order = judged.facts, judged.order
    request = RefundRequest(
        number=ids.number("RF", now),
        order=order,
        buyer_id=order.buyer_id,
        seller_id=order.seller_id,
        reason=filing.reason,
        remedy=filing.remedy,
        description=filing.description,
        details=filing.details or {},
        amount=amount,
        currency=order.currency,
        filed_at=now,
        channel=source.channel,
        ticket=source.ticket,
        caller_check=source.caller_check,
        due_kind=due.kind,
        due_at=due.at,
        two_person_above=two_person_limit(facts, judged.verdict.policy.terms),
    )
    request.asks_nothing = judged.verdict.decision.one_click
    answer = present(request, [unit.facts.ref for unit in judged.units])
    _insert(request, _shares(judged.units, filing, amount), key, answer, source)
    return answer, 201


def _agreed(judged: _Judged, filing: Filing) -> tuple[Due, int]:
    """The clock it starts with, and the minor units asked. Raises TooEarly, NotRefundable."""
    due = _clock_or_refusal(judged.verdict, filing)
    amount = judged.verdict.decision.amount or judged.facts.amount
    if not amount:  # everything has gone back already
        raise NotRefundable(**_trace(judged.verdict))
    return due, amount


def _clock_or_refusal(verdict: Verdict, filing: Filing) -> Due:
    decision = verdict.decision
    settled_by = deciding(decision)
    if decision.outcome == "wait" and settled_by is not None:
        if not filing.file_when_allowed:
            raise TooEarly(may_file_at=settled_by.facts["may_file_at"], **_trace(verdict))
        return Due(Clock.ARRIVAL_WAIT, datetime.fromisoformat(settled_by.facts["may_file_at"]))
    if decision.outcome == "reject" and settled_by is not None and settled_by.rule in REFUSED_AT_ONCE:
        raise NotRefundable(**_trace(verdict))
    return NO_CLOCK


def _trace(verdict: Verdict) -> dict[str, Any]:
    decision = verdict.decision
    return {
        "outcome": decision.outcome,
        "findings": findings_json([finding.to_json() for finding in decision.findings]),
        "would_change": findings_json(decision.would_change),
    }


def _shares(units: list[UnitRow], filing: Filing, amount: int) -> list[tuple[int, int]]:
    """(unit id, minor units): a duplicate charge takes nothing of the goods' own value."""
    if filing.reason == "duplicate_charge":
        return [(unit.id, 0) for unit in units]
    parts = split(amount, [unit.remaining for unit in units])
    return [(unit.id, part) for unit, part in zip(units, parts, strict=True)]


# Request, history, items, idempotency key and jobs in one round trip. Nothing is written when the key is taken.
_INSERT = """
WITH k AS (
    INSERT INTO kernel_idempotencykey (scope, key, fingerprint, answer, status)
    VALUES (%(scope)s, %(key)s, %(fingerprint)s, %(answer)s, 201)
    ON CONFLICT (scope, key) DO NOTHING RETURNING id
), r AS (
    INSERT INTO refunds_refundrequest (number, order_id, buyer_id, seller_id, reason, remedy, description, details,
        amount, currency, filed_at, channel, ticket, caller_check, state, sequence, due_kind, due_at, two_person_above)
    SELECT %(number)s, %(order)s, %(buyer)s, %(seller)s, %(reason)s, %(remedy)s, %(description)s, %(details)s,
        %(amount)s, %(currency)s, %(now)s, %(channel)s, %(ticket)s, %(caller_check)s, %(state)s, 1, %(due_kind)s, %(due_at)s, %(limit)s
    FROM k RETURNING id
), t AS (
    INSERT INTO refunds_transition (request_id, sequence, event, from_state, to_state, at, actor, user_id, clause, note,
        due_at)
    SELECT id, 1, 'file', '', %(state)s, %(now)s, %(actor)s, %(user)s::bigint, '', '', %(due_at)s FROM r
), d AS (
    INSERT INTO refunds_deadline (request_id, sequence, kind, started_at, due_at)
    SELECT id, 1, %(due_kind)s, %(now)s, %(due_at)s::timestamptz FROM r WHERE %(due_at)s::timestamptz IS NOT NULL
), i AS (
    INSERT INTO refunds_refunditem (request_id, unit_id, amount, approved_amount, is_open)
    SELECT r.id, item.unit, item.amount, 0, true
    FROM r, unnest(%(units)s::bigint[], %(amounts)s::bigint[]) AS item(unit, amount)
), o AS (
    INSERT INTO kernel_outboxjob (task, args)
    SELECT 'refunds.precheck', jsonb_build_array(id) FROM r WHERE %(due_at)s::timestamptz IS NULL
    UNION ALL SELECT 'batch.tell', jsonb_build_array(jsonb_build_array(jsonb_build_array(id, 1))) FROM r
)
SELECT id FROM r
"""


def _insert(
    request: RefundRequest, shares: list[tuple[int, int]], key: Key, answer: Answer, source: Source
) -> None:
    edge = edge_for(NEW, "file", source.actor.party)
    assert edge.target == request.state == State.SUBMITTED
    assert source.actor.party in FILED_BY[source.channel]
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            {
                "scope": key.scope,
                "key": key.value,
                "fingerprint": key.fingerprint,
                "answer": json.dumps(answer),
                "number": request.number,
                "order": request.order_id,
                "buyer": request.buyer_id,
                "seller": request.seller_id,
                "reason": request.reason,
                "remedy": request.remedy,
                "description": request.description,
                "details": json.dumps(request.details),
                "amount": request.amount,
                "currency": request.currency,
                "now": request.filed_at,
                "state": edge.target,
                "channel": request.channel,
                "ticket": request.ticket,
                "caller_check": request.caller_check,
                "actor": source.actor.party.value,
                "user": source.actor.user_id,
                "due_kind": request.due_kind,
                "due_at": request.due_at,
                "limit": request.two_person_above,
                "units": [unit for unit, _amount in shares],
                "amounts": [amount for _unit, amount in shares],
            },
        )
        row = cursor.fetchone()
    if row is None:
        raise KeyTaken()
    request.pk = row[0]
