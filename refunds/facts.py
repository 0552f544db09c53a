"""What the policy may look at, read in one statement."""

import json
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from marketplace.orders.models import Order

from .machine import PAYABLE, State
from .policy import CaptureFacts, EventFacts, Facts, UnitFacts

# One round trip for the units with their events and what was paid back before, the captures, the standing
# signals and what is open. {payable} and {replaced} are states, from code.
_SQL = """
SELECT
  (SELECT coalesce(json_agg(json_build_object(
      'id', u.id, 'ref', u.ref, 'amount', u.amount,
      'events', (SELECT coalesce(json_agg(json_build_array(e.type, e.at, e.data->>'promo' = 'true') ORDER BY e.at, e.id), '[]')
                 FROM orders_unitevent e WHERE e.unit_id = u.id),
      'items', (SELECT coalesce(json_agg(json_build_array(r.number, r.state, i.approved_amount, i.is_open)), '[]')
                FROM refunds_refunditem i JOIN refunds_refundrequest r ON r.id = i.request_id
                WHERE i.unit_id = u.id AND i.request_id IS DISTINCT FROM %(request)s)
    ) ORDER BY u.id), '[]') FROM orders_unit u WHERE u.order_id = %(order)s),
  (SELECT coalesce(json_agg(json_build_array(c.channel, c.amount, c.captured_at, c.claimed)
                            ORDER BY c.captured_at, c.id), '[]')
   FROM payments_capture c WHERE c.order_id = %(order)s),
  (SELECT coalesce(json_agg(DISTINCT s.kind), '[]') FROM risk_signal s
   WHERE s.buyer_id = %(buyer)s AND s.cleared_at IS NULL),
  (SELECT b.identity_verified_at IS NOT NULL FROM identity_buyer b WHERE b.id = %(buyer)s)
"""


class UnitRow(NamedTuple):
    """A unit of the order with what earlier requests left of it."""

    id: int
    facts: UnitFacts
    open_request: str | None  # number of the open request that holds it

    @property
    def remaining(self) -> int:
        return max(self.facts.amount - self.facts.refunded, 0)


class OrderFacts(NamedTuple):
    """Everything about an order that does not depend on what is asked for."""

    order: Order
    units: list[UnitRow]
    captures: tuple[CaptureFacts, ...]
    risk_signals: tuple[str, ...]
    identity_verified: bool

    @property
    def available(self) -> int:
        return sum(capture.amount - capture.claimed for capture in self.captures)


def read(order: Order, *, besides_request: int | None = None) -> OrderFacts:
    """One statement. `besides_request` is the request being judged: its own items do not count against it."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"order": order.pk, "buyer": order.buyer_id, "request": besides_request})
        row = cursor.fetchone()
    units, captures, signals, verified = (_loaded(value) for value in row)
    return OrderFacts(
        order=order,
        units=[_unit(unit) for unit in units],
        captures=tuple(
            CaptureFacts(channel, amount, _at(captured_at), claimed)
            for channel, amount, captured_at, claimed in captures
        ),
        risk_signals=tuple(signals),
        identity_verified=bool(verified),
    )


def build(
    known: OrderFacts, units: list[UnitRow], *, reason: str, remedy: str, amount: int, filed_at: datetime
) -> Facts:
    """The policy's facts for a request of `amount` minor units over `units`."""
    order = known.order
    terms = order.snapshot.get("terms") or {}
    consent = order.consent or {}
    return Facts(
        goods_type=order.goods_type,
        reason=reason,
        remedy=remedy,
        currency=order.currency,
        fx_rate=order.fx_rate,
        region=order.region,
        total=order.total,
        amount=amount,
        created_at=order.placed_at,
        paid_at=order.paid_at,
        completed_at=order.completed_at,
        filed_at=filed_at,
        consent_waiver=bool(consent.get("immediate_delivery") and consent.get("acknowledged")),
        window_days=terms.get("window_days"),
        no_reason_days=terms.get("no_reason_days") or 0,
        conditions=tuple((c["code"], c.get("value")) for c in terms.get("conditions") or ()),
        captures=known.captures,
        units=tuple(unit.facts for unit in units),
        risk_signals=known.risk_signals,
        evidence=(),
        identity_verified=known.identity_verified,
    )


def _unit(data: dict[str, Any]) -> UnitRow:
    items = data["items"]
    facts = UnitFacts(
        ref=data["ref"],
        amount=data["amount"],
        refunded=sum(approved for _number, state, approved, _open in items if state in PAYABLE),
        replaced=any(state == State.REPLACED for _number, state, _approved, _open in items)
        or any(kind == "replaced" for kind, _when, _promo in data["events"]),
        events=tuple(EventFacts(kind, _at(when), bool(promo)) for kind, when, promo in data["events"]),
    )
    return UnitRow(data["id"], facts, next((number for number, _s, _a, is_open in items if is_open), None))


def _at(value: str) -> datetime:
    return datetime.fromisoformat(value)


def _loaded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
