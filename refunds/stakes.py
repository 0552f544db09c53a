"""What it costs to refund, and what it costs to fight and lose: for the person who decides (requirements F5, G4, G8).

Nothing here is a forecast. Who bears the money follows from the books as they stand; the fee is the one of the terms;
how often comparable cases went to the buyer is a count of them, and no bank is bound by it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from marketplace.kernel.money import portion
from marketplace.ledger.queries import balances
from marketplace.payments.models import Capture
from marketplace.payments.operations.bearing import divide
from marketplace.payments.operations.reserve import NotEnoughCaptured, allocate

from .models import RefundRequest
from .policies import in_force
from .policy import ChargebackFee
from .precedents import CLEAR, Precedent


class Stakes(NamedTuple):
    """Minor units of the case's currency; the first five are `amount` together."""

    amount: int
    earned: int  # the seller's: still in escrow, less the commission on it
    commission: int  # the platform's: on what is in escrow, which it would have earned
    payable: int  # the seller's own money, settled already; the commission on it stays earned
    deposit: int
    debt: int  # the platform advances it, and the seller owes it
    fee: ChargebackFee  # on top where the buyer charges back and the bank decides for them
    comparable: int  # precedents near enough to bind
    for_buyer: int  # of those

    @property
    def share_for_buyer(self) -> int | None:
        """Percent; None where there are too few to speak of a share."""
        return round(100 * self.for_buyer / self.comparable) if self.comparable >= CLEAR else None


def weigh(
    *,
    amount: int,
    from_settled: int,
    funds: Mapping[str, int],
    commission_bps: int,
    fee: ChargebackFee,
    precedents: Iterable[Precedent],
) -> Stakes:
    """Pure: what refunding `amount` costs whom, and what losing a chargeback over it adds.

    A chargeback that is lost is borne as the refund would have been, and costs the fee besides; one that is won costs
    nobody. `from_settled` of the amount has left escrow; `funds` are the seller's accounts by kind, in minor units.
    """
    borne = divide(amount=amount, from_settled=from_settled, has=funds)
    commission = portion(borne["escrow"], commission_bps)
    binding = [precedent for precedent in precedents if precedent.binds]
    return Stakes(
        amount=amount,
        earned=borne["escrow"] - commission,
        commission=commission,
        payable=borne["payable"],
        deposit=borne["deposit"],
        debt=borne["debt"],
        fee=fee,
        comparable=len(binding),
        for_buyer=sum(precedent.is_for_buyer for precedent in binding),
    )


def stakes(
    request: RefundRequest,
    captures: Sequence[Capture],
    precedents: Iterable[Precedent],
    *,
    amount: int,
    now: datetime,
) -> Stakes | None:
    """Of a request with its order and seller, as the books stand now. None where the payment no longer holds so much:
    it was paid back, or the channel has taken it. Raises NoPolicy.
    """
    try:
        parts = allocate(captures, amount)
    except NotEnoughCaptured:
        return None
    order, found = request.order, balances(request.seller.code)
    bought_under = in_force(order.goods_type, order.paid_at or order.placed_at).terms
    return weigh(
        amount=amount,
        from_settled=sum(part.from_settled for part in parts),
        funds={kind: abs(held) for (currency, kind), held in found.items() if currency == request.currency},
        commission_bps=bought_under.commission_bps,
        fee=in_force(order.goods_type, now).terms.chargeback_fee,
        precedents=precedents,
    )
