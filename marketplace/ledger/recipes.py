"""Every business movement as a named recipe: which accounts it debits (+) and credits (-)."""

from typing import NamedTuple

from .models import Kind


class Line(NamedTuple):
    kind: Kind
    owner: str  # which of the movement's parties owns the account: "channel" or "seller"
    sign: int


RECIPES: dict[str, tuple[Line, ...]] = {
    # A buyer's payment arrives at the channel and is held for the seller.
    "capture": (Line(Kind.CLEARING, "channel", +1), Line(Kind.ESCROW, "seller", -1)),
    # A refund before settlement leaves escrow by the channel it came through (requirement G4).
    "refund": (Line(Kind.ESCROW, "seller", +1), Line(Kind.CLEARING, "channel", -1)),
}
