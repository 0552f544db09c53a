"""What the tests of sellers' money share: orders that are earned, what the books hold, and that they are sound."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from marketplace.ledger.queries import balance
from marketplace.orders.models import Order
from refunds.invariants import INVARIANTS, breaks
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations.pay import pay
from refunds.operations.settle import settle_due
from tests.cases import bring, file
from tests.factories import add_capture, days, make_order
from tests.people import Cast

OWN = ("escrow", "payable", "deposit", "withdrawing", "debt")
EARNED = {"paid": days(-10), "completed": days(-9), "events": [("delivered", days(-9))]}


def earned(cast: Cast, total: int = 9900, **fields: Any) -> Order:
    """An order nobody contests whose hold has passed."""
    parties = {"shop": cast.shop, "buyer": cast.buyer, "seller": cast.seller}
    return make_order(**{"total": total, **EARNED, **parties, **fields})


def settled(cast: Cast, total: int = 9900, **fields: Any) -> Order:
    order = earned(cast, total, **fields)
    settle_due(timezone.now())
    return order


def capture_again(order: Order, amount: int, *, at: datetime | None = None) -> Any:
    return add_capture(order, amount, at=at or timezone.now())


def refunding(cast: Cast, order: Order, state: str = "refunded", **filing: Any) -> RefundRequest:
    """A request for the order, brought to `state` as people would; "refunded" has really been paid."""
    if state != State.REFUNDED:
        return bring(file(order, **filing), state, cast)
    request = bring(file(order, **filing), State.APPROVED, cast)
    pay(request.number, timezone.now())
    request.refresh_from_db()
    assert request.state == State.REFUNDED
    return request


def own(code: str, currency: str = "CNY") -> dict[str, int]:
    """The seller's accounts as positive amounts, those that are not empty."""
    found = {kind: abs(balance(kind, code, currency)) for kind in OWN}
    return {kind: amount for kind, amount in found.items() if amount}


def sound() -> list[str]:
    """The invariants that are broken: none."""
    return [invariant.name for invariant in INVARIANTS if breaks(invariant)]
