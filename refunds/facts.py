"""What the policy may look at, read in one statement."""

import json
from datetime import datetime
from typing import Any, NamedTuple

from marketplace.kernel.errors import NotFound
from marketplace.orders.goods import Place
from marketplace.orders.models import Order

from .machine import PAYABLE
from .models import RefundRequest
from .policy import CaptureFacts, EventFacts, Facts, UnitFacts

DISPUTE_OPEN = (
    "dispute_open"  # the signal of an order whose payment is disputed at the channel: a person decides
)

# The order's own columns, and beside them the units with their events and what earlier requests took of them, the
# captures, the standing signals: one round trip. Sub-selects see the moment the statement began, so after a wait
# for the lock they may miss what the other just wrote; the unique index on open units, the claims' CHECK and the
# pre-check, which reads again, stand behind that.
_SQL = """
SELECT o.*,
  (SELECT coalesce(json_agg(json_build_object(
      'id', u.id, 'ref', u.ref, 'amount', u.amount, 'place', u.place,
      'events', (SELECT coalesce(json_agg(json_build_array(e.type, e.at, e.data->>'promo' = 'true')
                                          ORDER BY e.at, e.id), '[]')
                 FROM orders_unitevent e WHERE e.unit_id = u.id),
      'items', (SELECT coalesce(json_agg(json_build_array(
                    r.number, r.state, i.approved_amount, i.is_open, i.request_id)), '[]')
                FROM refunds_refunditem i JOIN refunds_refundrequest r ON r.id = i.request_id
                WHERE i.unit_id = u.id)
    ) ORDER BY u.id), '[]') FROM orders_unit u WHERE u.order_id = o.id)::text AS units_json,
  (SELECT coalesce(json_agg(json_build_array(c.channel, c.amount, c.captured_at, c.claimed,
      (SELECT coalesce(sum(k.amount), 0) FROM risk_dispute d JOIN payments_claim k ON k.id = d.claim_id
       WHERE d.capture_id = c.id AND d.state = 'open' AND k.released_at IS NULL),
      EXISTS (SELECT 1 FROM risk_dispute d WHERE d.capture_id = c.id AND d.state = 'open')
    ) ORDER BY c.captured_at, c.id), '[]')
   FROM payments_capture c WHERE c.order_id = o.id)::text AS captures_json,
  (SELECT coalesce(json_agg(DISTINCT s.kind), '[]') FROM risk_signal s
   WHERE s.buyer_id = o.buyer_id AND s.cleared_at IS NULL)::text AS signals_json,
  (SELECT coalesce(json_agg(DISTINCT e.kind), '[]') FROM refunds_evidence e
   WHERE e.request_id = %s::bigint AND e.by <> 'seller')::text AS evidence_json,
  (SELECT b.identity_verified_at IS NOT NULL FROM identity_buyer b WHERE b.id = o.buyer_id) AS is_verified
FROM orders_order o
"""


class UnitRow(NamedTuple):
    """A unit of the order with what earlier requests left of it."""

    id: int
    facts: UnitFacts
    place: str  # of orders.goods.Place
    open_request: str | None  # number of another request that is open and holds it
    is_held: bool  # by the request being decided

    @property
    def remaining(self) -> int:
        return max(self.facts.amount - self.facts.refunded, 0) if self.place == Place.IN_PLACE else 0


class OrderFacts(NamedTuple):
    """Everything about an order that does not depend on what is asked for."""

    order: Order
    units: list[UnitRow]
    captures: tuple[CaptureFacts, ...]
    undisputed: tuple[CaptureFacts, ...]  # the same as if open disputes claimed nothing
    risk_signals: tuple[str, ...]
    evidence: tuple[str, ...]  # kinds given for the request being decided; what its seller gave is against it
    identity_verified: bool

    @property
    def available(self) -> int:
        return sum(capture.amount - capture.claimed for capture in self.undisputed)


def of_buyer(buyer_id: int, order_no: str, *, lock: bool = False) -> OrderFacts:
    """The facts of this buyer's order, locked until commit where asked. Raises NotFound."""
    where = "WHERE o.no = %s AND o.buyer_id = %s" + (" FOR UPDATE OF o" if lock else "")
    return _read(where, [order_no, buyer_id])


def of_request(request: RefundRequest) -> tuple[OrderFacts, list[UnitRow]]:
    """The order's facts as if this request were not there yet, and the units it covers."""
    known = _read("WHERE o.id = %s", [request.order_id], judged=request.pk)
    return known, [unit for unit in known.units if unit.is_held]


def _read(where: str, parameters: list[Any], judged: int | None = None) -> OrderFacts:
    row: Any = next(iter(Order.objects.raw(f"{_SQL} {where}", [judged, *parameters])), None)
    if row is None:
        raise NotFound()
    captures, undisputed, is_disputed = [], [], False
    for channel, amount, captured_at, claimed, held, is_contested in json.loads(row.captures_json):
        at = datetime.fromisoformat(captured_at)
        captures.append(CaptureFacts(channel, amount, at, claimed))
        undisputed.append(CaptureFacts(channel, amount, at, claimed - held))
        is_disputed |= is_contested
    return OrderFacts(
        order=row,
        units=[_unit(unit, judged) for unit in json.loads(row.units_json)],
        captures=tuple(captures),
        undisputed=tuple(undisputed),
        risk_signals=(*json.loads(row.signals_json), *([DISPUTE_OPEN] if is_disputed else [])),
        evidence=tuple(json.loads(row.evidence_json)),
        identity_verified=bool(row.is_verified),
    )


def build(
    known: OrderFacts, units: list[UnitRow], *, reason: str, remedy: str, amount: int, filed_at: datetime
) -> Facts:
    """The policy's facts for a request of `amount` minor units over `units`.

    Money that an open dispute holds is not gone: a request for it is heard, by a person. But what was charged twice
    and is disputed is not there to be given back by the machine.
    """
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
        captures=known.captures if reason == "duplicate_charge" else known.undisputed,
        units=tuple(unit.facts for unit in units),
        risk_signals=known.risk_signals,
        evidence=known.evidence,
        identity_verified=known.identity_verified,
    )


def _unit(data: dict[str, Any], judged: int | None) -> UnitRow:
    """`judged` is the request being decided: its own hold on the unit does not count against it."""
    others = [item[:4] for item in data["items"] if item[4] != judged]
    facts = UnitFacts(
        ref=data["ref"],
        amount=data["amount"],
        refunded=sum(approved for _number, state, approved, _open in others if state in PAYABLE),
        replaced=data["place"] == Place.REPLACED
        or any(kind == "replaced" for kind, _when, _promo in data["events"]),
        events=tuple(
            EventFacts(kind, datetime.fromisoformat(when), bool(promo))
            for kind, when, promo in data["events"]
        ),
    )
    open_request = next((number for number, _s, _a, is_open in others if is_open), None)
    return UnitRow(data["id"], facts, data["place"], open_request, is_held=len(others) < len(data["items"]))
