"""How a dispute ends, and who bears what was lost (requirements G4, G8)."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from marketplace.kernel.errors import NotFound
from marketplace.kernel.money import Money
from marketplace.ledger.operations import book
from marketplace.orders.models import Order
from marketplace.payments.operations.bearing import lock_funds, shares
from marketplace.payments.operations.reserve import lock_captures
from marketplace.risk.models import Dispute, DisputeState

from ..models import RefundRequest
from ..policies import in_force
from ..policy.terms import ChargebackFee
from .charged_back import take_over_for
from .disputed import hold_in_turn, let_go
from .pay import close_when_through

Kind, State = Dispute.Kind, DisputeState


def close_dispute(*, number: str, state: DisputeState, now: datetime) -> Dispute:
    """Close an open dispute as won (for us) or lost (for the buyer); one that is closed stays as it is.

    Won: what it held is free again. Lost: what it held goes to the buyer and is borne as a refund would be (G4), with
    it what refunds of this payment could not pay; the contested rest and, where the terms say so, the channel's fee
    by the platform (G8). A complaint moves no money
    either way: what it held is free for the refund that settles it. Raises NotFound.
    """
    with transaction.atomic(durable=True):
        return settle_dispute(number, state, now)


def settle_dispute(
    number: str, state: DisputeState, now: datetime, check: Callable[[Dispute], None] = lambda dispute: None
) -> Dispute:
    """`close_dispute` inside the caller's transaction; `check` sees the dispute, locked, and may refuse."""
    order_id = Dispute.objects.filter(number=number).values_list("capture__order_id", flat=True).first()
    if order_id is None:
        raise NotFound()
    order = lock_order(order_id)
    requests = _lock_requests(order_id)
    lock_captures(order_id)
    dispute = Dispute.objects.select_related("claim", "capture").get(number=number)
    check(dispute)
    if dispute.state != State.OPEN:
        return dispute
    dispute.state, dispute.closed_at = state, now
    dispute.save(update_fields=["state", "closed_at"])
    if dispute.kind == Kind.COMPLAINT:
        let_go(dispute, now)
    elif state == State.WON:
        _win(dispute, now)
    else:
        taken_over = [request for request in requests if take_over_for(dispute, request, now)]
        _lose(dispute, order, now)
        for request in taken_over:
            close_when_through(request, now)
    return dispute


def _lock_requests(order_id: int) -> list[RefundRequest]:
    """All of the order's, whatever their state: one that moves at this moment is read as it is after the move."""
    return list(RefundRequest.objects.filter(order=order_id).select_for_update().order_by("id"))


def _win(dispute: Dispute, now: datetime) -> None:
    post("chargeback_won", dispute, now)
    hold_in_turn(dispute, now)


def _lose(dispute: Dispute, order: Order, now: datetime) -> None:
    seller = order.seller.code
    fee = in_force(order.goods_type, now).terms.chargeback_fee
    for currency in sorted({dispute.currency, fee.currency}):  # both before either is posted to
        lock_funds(seller, currency)
    claim = dispute.claim
    borne = {"platform": dispute.contested}
    if claim is not None:
        borne |= shares(
            amount=claim.amount,
            from_settled=claim.from_settled,
            seller=seller,
            currency=dispute.currency,
        )
    post("chargeback_lost", dispute, now, seller=seller, borne=borne)
    if fee.amount:
        _book_fee(fee, dispute, seller, now)


def _book_fee(fee: ChargebackFee, dispute: Dispute, seller: str, now: datetime) -> None:
    """The fee is not the buyer's money: nothing of it comes from escrow."""
    borne = {"platform": fee.amount}
    if fee.borne_by == "seller":
        borne = shares(amount=fee.amount, from_settled=fee.amount, seller=seller, currency=fee.currency)
    post("chargeback_fee", dispute, now, money=Money(fee.amount, fee.currency), seller=seller, borne=borne)


def post(
    recipe: str,
    dispute: Dispute,
    now: datetime,
    *,
    money: Money | None = None,
    seller: str = "",
    borne: dict[str, int] | None = None,
) -> None:
    """One booking a recipe and dispute, of the whole disputed amount where no other is given."""
    amount, currency = money or dispute.money
    book(
        recipe=recipe,
        reference=f"{recipe}:{dispute.number}",
        amount=amount,
        currency=currency,
        occurred_at=now,
        shares=borne,
        channel=dispute.channel,
        seller=seller,
    )


def lock_order(order_id: int) -> Order:
    orders = Order.objects.select_for_update(of=("self",), no_key=True).select_related("seller")
    return orders.get(pk=order_id)
