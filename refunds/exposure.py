"""What open matters could still take from a seller's own money, and what is left to take out (requirement G5).

Exposure is the sum, in minor units of one currency, of

1. for each order with requests that are open and not yet approved, or rejected with the buyer's appeal waiting: what
   they ask for, but no more than what of the order's captures is settled and not claimed (what is still in escrow is
   not the seller's yet and pays for itself);
2. for each approved request: the part of its claims that is to come from the seller's own money, until it is booked
   (its transfer succeeded, or was called off);
3. for each open dispute: the part of its claim that is to come from the seller's own money;
4. for each replacement on offer, instead of 1: the part of its claim that is to come from the seller's own money.

It is read by one statement, and so at one instant: a request that is being approved is found under 1 or under 2,
never under both or neither.
"""

from typing import NamedTuple

from django.db import connection

from marketplace.ledger.models import Kind
from marketplace.ledger.queries import balances
from sellers.models import Seller

from .machine import OPEN, PAYABLE


class Funds(NamedTuple):
    """A seller's money in one currency, as positive minor units."""

    currency: str
    escrow: int
    payable: int
    withdrawing: int
    deposit: int
    debt: int
    exposure: int

    @property
    def required_reserve(self) -> int:
        """What payable and deposit together must keep; it follows the exposure."""
        return self.exposure

    @property
    def withdrawable(self) -> int:
        return withdrawable(
            payable=self.payable, deposit=self.deposit, debt=self.debt, exposure=self.exposure
        )

    @property
    def held(self) -> int:
        """Of the payable: what cannot be taken out now."""
        return self.payable - self.withdrawable


def withdrawable(*, payable: int, deposit: int, debt: int, exposure: int) -> int:
    """Of the payable; nothing while the seller owes anything."""
    return 0 if debt else max(0, min(payable, payable + deposit - exposure))


def returnable(*, payable: int, deposit: int, debt: int, exposure: int) -> int:
    """Of the deposit, by the same measure."""
    return 0 if debt else max(0, min(deposit, payable + deposit - exposure))


_EXPOSURE = """
WITH offered AS (
    SELECT k.reference, k.from_settled AS amount FROM refunds_refundrequest r
    JOIN payments_claim k ON k.reference = r.number AND k.kind = 'replacement' AND k.released_at IS NULL
    WHERE r.seller_id = %(seller)s AND r.currency = %(currency)s AND r.state = 'awaiting_buyer'
), open AS (
    SELECT r.number, r.order_id, r.amount FROM refunds_refundrequest r
    WHERE r.seller_id = %(seller)s AND r.currency = %(currency)s AND r.state = ANY(%(undecided)s)
    UNION ALL
    SELECT r.number, r.order_id, r.amount FROM refunds_appeal a
    JOIN refunds_refundrequest r ON r.id = a.request_id AND r.sequence = a.against_sequence
    WHERE r.seller_id = %(seller)s AND r.currency = %(currency)s AND a.party = 'buyer' AND a.decided_at IS NULL
), asked AS (
    SELECT r.order_id, sum(r.amount) AS amount FROM open r
    WHERE NOT EXISTS (SELECT 1 FROM offered o WHERE o.reference = r.number) GROUP BY r.order_id
), undecided AS (
    SELECT least(asked.amount, (
        SELECT sum(c.settled - c.claimed_settled) FROM payments_capture c WHERE c.order_id = asked.order_id
    )) AS amount FROM asked
), approved AS (
    SELECT k.from_settled AS amount FROM refunds_refundrequest r
    JOIN payments_claim k ON k.reference = r.number AND k.kind = 'refund' AND k.released_at IS NULL
    JOIN payments_transfer t ON t.claim_id = k.id AND t.state NOT IN ('succeeded', 'cancelled')
    WHERE r.seller_id = %(seller)s AND r.currency = %(currency)s AND r.state = ANY(%(approved)s)
), disputed AS (
    SELECT k.from_settled AS amount FROM risk_dispute d
    JOIN payments_claim k ON k.id = d.claim_id AND k.released_at IS NULL
    JOIN payments_capture c ON c.id = d.capture_id JOIN orders_order o ON o.id = c.order_id
    WHERE d.state = 'open' AND o.seller_id = %(seller)s AND c.currency = %(currency)s
)
SELECT coalesce(sum(amount), 0)::bigint
FROM (SELECT amount FROM undecided UNION ALL SELECT amount FROM approved UNION ALL SELECT amount FROM disputed
    UNION ALL SELECT amount FROM offered) AS exposed
"""


def exposure(seller_id: int, currency: str) -> int:
    """Minor units; the definition stands above."""
    with connection.cursor() as cursor:
        cursor.execute(
            _EXPOSURE,
            {
                "seller": seller_id,
                "currency": currency,
                "undecided": sorted(map(str, OPEN - PAYABLE)),
                "approved": sorted(map(str, OPEN & PAYABLE)),
            },
        )
        return int(cursor.fetchone()[0])


def funds(seller: Seller) -> list[Funds]:
    """In each currency the seller has accounts in, as they stand now. Who decides by them locks the accounts first
    (payments.operations.bearing.lock_funds).
    """
    found = balances(seller.code)

    def own(currency: str, kind: Kind) -> int:
        return abs(found.get((currency, kind), 0))

    return [
        Funds(
            currency=currency,
            escrow=own(currency, Kind.ESCROW),
            payable=own(currency, Kind.PAYABLE),
            withdrawing=own(currency, Kind.WITHDRAWING),
            deposit=own(currency, Kind.DEPOSIT),
            debt=own(currency, Kind.DEBT),
            exposure=exposure(seller.pk, currency),
        )
        for currency in sorted({currency for currency, _kind in found})
    ]
