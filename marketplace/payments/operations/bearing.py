"""Who bears money that goes back to a buyer (requirement G4)."""

from marketplace.ledger.models import Kind
from marketplace.ledger.operations import lock_balances


def shares(*, amount: int, from_settled: int, seller: str, currency: str) -> dict[str, int]:
    """The shares of recipe "refund" and its like: escrow for what is there, then the seller's payable, the deposit,
    and a debt for what the platform advances. The seller's accounts are locked where they are needed.
    """
    borne = {"escrow": amount - from_settled}
    if from_settled:
        has = lock_balances([Kind.PAYABLE, Kind.DEPOSIT], seller, currency)
        borne["payable"] = min(from_settled, has[Kind.PAYABLE])
        borne["deposit"] = min(from_settled - borne["payable"], has[Kind.DEPOSIT])
        borne["debt"] = from_settled - borne["payable"] - borne["deposit"]
    return borne
