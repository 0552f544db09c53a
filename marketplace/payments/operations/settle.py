"""Settling: the seller has earned a capture, or what is left of it (requirement G4). The caller owns the transaction.

Who may be settled, when and how much is not known here: refunds.operations.settle says so.
"""

from datetime import datetime

from marketplace.ledger.models import Kind
from marketplace.ledger.operations import book

from ..models import Capture, Settlement
from .bearing import lock_funds


def settle(*, capture: Capture, amount: int, commission: int, now: datetime) -> Settlement:
    """Move `amount` minor units of the locked capture out of escrow: the commission stays with the platform, what the
    seller owes is repaid, and the rest is payable. The database refuses more than is in escrow (escrow_pays_once).
    """
    seller = capture.order.seller.code
    owed = lock_funds(seller, capture.currency)[Kind.DEBT]
    debt_repaid = min(owed, amount - commission)
    settlement = Settlement.objects.create(
        capture=capture, amount=amount, commission=commission, debt_repaid=debt_repaid, settled_at=now
    )
    book(
        recipe="settlement",
        reference=f"settlement:{settlement.pk}",
        amount=amount,
        currency=capture.currency,
        occurred_at=now,
        shares={
            "commission": commission,
            "debt": debt_repaid,
            "payable": amount - commission - debt_repaid,
        },
        seller=seller,
    )
    return settlement
