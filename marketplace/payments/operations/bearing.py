"""What a seller's accounts hold, and who bears money that goes back to a buyer (requirement G4)."""

from marketplace.ledger.models import Kind
from marketplace.ledger.operations import lock_balances

# Whoever moves one of them decides by the others: they are locked together, and so always in the order of their ids.
# A movement that locked two of them and then posted to a third could meet another that took them the other way round.
OWN = (Kind.PAYABLE, Kind.DEPOSIT, Kind.WITHDRAWING, Kind.DEBT)


def lock_funds(seller: str, currency: str) -> dict[str, int]:
    """What is in the seller's own accounts, by kind, as positive amounts; locked until commit."""
    return lock_balances(OWN, seller, currency)


def shares(*, amount: int, from_settled: int, seller: str, currency: str) -> dict[str, int]:
    """The shares of recipe "refund" and its like: escrow for what is there, then the seller's payable, the deposit,
    and a debt for what the platform advances. The seller's accounts are locked where they are needed.
    """
    borne = {"escrow": amount - from_settled}
    if from_settled:
        has = lock_funds(seller, currency)
        borne["payable"] = min(from_settled, has[Kind.PAYABLE])
        borne["deposit"] = min(from_settled - borne["payable"], has[Kind.DEPOSIT])
        borne["debt"] = from_settled - borne["payable"] - borne["deposit"]
    return borne
