"""Disputes for tests, opened as the channel's notification would, and what must hold after whatever they did."""

import itertools
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from marketplace.kernel.money import Money
from marketplace.ledger.operations import book
from marketplace.ledger.queries import balance
from marketplace.payments.models import Capture
from marketplace.payments.operations.settle import settle
from marketplace.risk.models import Dispute, DisputeState
from refunds.invariants import INVARIANTS, breaks
from refunds.models import RefundRequest
from refunds.operations.dispute import open_dispute
from refunds.operations.dispute_close import close_dispute
from refunds.operations.review import approve_request
from tests.cases import make_request
from tests.factories import hours, make_order
from tests.people import Cast
from tests.terms import publish

_numbers = itertools.count(1)


def order(cast: Cast, **fields: Any) -> Any:
    events = [("delivered", hours(-3))]
    defaults = {"total": 9900, "events": events, "seller": cast.seller, "channel": "stripe"}
    return make_order(shop=cast.shop, buyer=cast.buyer, **{**defaults, **fields})


def dispute(
    capture: Capture | None = None,
    kind: str = "chargeback",
    amount: int | None = None,
    *,
    no: str = "",
    due_at: datetime | None = None,
    now: datetime | None = None,
) -> Dispute:
    """A dispute about the capture (the only one there is), for all of it unless told otherwise."""
    capture = capture or Capture.objects.get()
    now = now or timezone.now()
    return open_dispute(
        kind=kind,
        channel=capture.channel,
        channel_dispute_no=no or f"du_{next(_numbers)}",
        channel_no=capture.channel_no,
        money=Money(capture.amount if amount is None else amount, capture.currency),
        reason="fraudulent",
        opened_at=now,
        due_at=due_at,
        now=now,
    )


def close(row: Dispute, state: str) -> Dispute:
    return close_dispute(number=row.number, state=DisputeState(state), now=timezone.now())


def settle_all() -> None:
    """The sellers have earned every capture."""
    with transaction.atomic():
        for capture in Capture.objects.select_related("order__seller").order_by("id"):
            settle(capture=capture, amount=capture.in_escrow, commission=0, now=timezone.now())


def broken() -> list[str]:
    """The invariants that do not hold."""
    return [invariant.name for invariant in INVARIANTS if breaks(invariant)]


def request_in(state: str, cast: Cast, **fields: Any) -> RefundRequest:
    return make_request(cast, state=state, order=order(cast, **fields))


def read(request: RefundRequest) -> RefundRequest:
    return RefundRequest.objects.get(pk=request.pk)


def approve(request: RefundRequest, cast: Cast, amount: int | None = None) -> RefundRequest:
    return approve_request(
        number=request.number,
        user=cast.reviewer,
        amount=amount,
        note="Checked.",
        fault="seller",
        now=timezone.now(),
    )


def balances(seller: str, currency: str = "CNY") -> dict[str, int]:
    """What is not zero: in the seller's accounts, and in those of Stripe and the platform."""
    owners = [(kind, seller) for kind in ("escrow", "payable", "deposit", "debt")]
    owners += [(kind, "stripe") for kind in ("clearing", "disputed", "channel_fees")]
    owners += [("chargeback_loss", "platform")]
    return {kind: found for kind, owner in owners if (found := balance(kind, owner, currency))}


def give_deposit(cast: Cast, amount: int, currency: str = "CNY") -> None:
    book(recipe="deposit", reference=f"deposit:{currency}", amount=amount, currency=currency,
         occurred_at=timezone.now(), seller=cast.seller.code)  # fmt: skip


def set_fee(borne_by: str, amount: int = 1500, currency: str = "USD") -> None:
    """Publish terms with this fee, in force since a moment ago."""
    fee = {"amount": amount, "currency": currency, "borne_by": borne_by}
    publish(at=hours(-0.01), chargeback_fee=fee)
