"""What a seller's accounts hold, and who bears money that goes back to a buyer (requirement G4)."""

from collections.abc import Mapping

from marketplace.ledger.models import Kind
from marketplace.ledger.operations import lock_balances

# Whoever moves one of them decides by the others: they are locked together, and so always in the order of their ids.
# A movement that locked two of them and then posted to a third could meet another that took them the other way round.
OWN = (Kind.PAYABLE, Kind.DEPOSIT, Kind.WITHDRAWING, Kind.DEBT)


def lock_funds(seller: str, currency: str) -> dict[str, int]:
    """What is in the seller's own accounts, by kind, as positive amounts; locked until commit."""
    return lock_balances(OWN, seller, currency)


def divide(*, amount: int, from_settled: int, has: Mapping[str, int]) -> dict[str, int]:
    """The shares of recipe "refund" and its like: escrow for what is there, then the seller's payable, the deposit,
    and a debt for what the platform advances. `has` is what is in the seller's accounts, by kind, as positive amounts.
    """
    payable = min(from_settled, has.get(Kind.PAYABLE, 0))
    deposit = min(from_settled - payable, has.get(Kind.DEPOSIT, 0))
    return {
        "escrow": amount - from_settled,
        "payable": payable,
        "deposit": deposit,
        "debt": from_settled - payable - deposit,
    }


def shares(*, amount: int, from_settled: int, seller: str, currency: str) -> dict[str, int]:
    """As divide(); the seller's accounts are locked where they are needed."""
    if not from_settled:
        return {"escrow": amount}
    return divide(amount=amount, from_settled=from_settled, has=lock_funds(seller, currency))
