"""Every business movement as a named recipe: which accounts it debits (+) and credits (-).

A line without a share carries the movement's whole amount; the lines with a share divide it between them, and those
that get nothing are not posted. Which party owns an account is named by the line ("channel", "seller"), or is the
platform itself.
"""

from typing import NamedTuple

from .models import PLATFORM, Kind


class Line(NamedTuple):
    kind: Kind
    owner: str  # "channel" or "seller", whom the caller names; or PLATFORM
    sign: int
    share: str = ""


# Who bears money that goes back to a buyer (G4): the order's escrow, and for what was settled already the seller's
# payable, then the deposit; what is left the platform advances, and the seller owes it.
ESCROWED = Line(Kind.ESCROW, "seller", +1, "escrow")
SETTLED = (
    Line(Kind.PAYABLE, "seller", +1, "payable"),
    Line(Kind.DEPOSIT, "seller", +1, "deposit"),
    Line(Kind.DEBT, "seller", +1, "debt"),
)

RECIPES: dict[str, tuple[Line, ...]] = {
    # A buyer's payment arrives at the channel and is held for the seller.
    "capture": (Line(Kind.CLEARING, "channel", +1), Line(Kind.ESCROW, "seller", -1)),
    # Money back by the channel it came through, and by hand where the channel cannot (G3, G7).
    "refund": (Line(Kind.CLEARING, "channel", -1), ESCROWED, *SETTLED),
    "payout": (Line(Kind.BANK, PLATFORM, -1), ESCROWED, *SETTLED),
    # After completion and hold the seller earns it: the commission is kept, a debt is repaid first (G4).
    "settlement": (
        Line(Kind.ESCROW, "seller", +1),
        Line(Kind.PLATFORM_FEE, PLATFORM, -1, "commission"),
        Line(Kind.DEBT, "seller", -1, "debt"),
        Line(Kind.PAYABLE, "seller", -1, "payable"),
    ),
    # The seller takes money out: set aside when asked for, gone when the bank has it (G5).
    "withdrawal": (Line(Kind.PAYABLE, "seller", +1), Line(Kind.WITHDRAWING, "seller", -1)),
    "withdrawal_paid": (Line(Kind.WITHDRAWING, "seller", +1), Line(Kind.BANK, PLATFORM, -1)),
    "deposit": (Line(Kind.BANK, PLATFORM, +1), Line(Kind.DEPOSIT, "seller", -1)),
    "deposit_returned": (Line(Kind.DEPOSIT, "seller", +1), Line(Kind.BANK, PLATFORM, -1)),
    # What the platform puts aside to advance (G4), what sellers pay back of it, and what it gives up.
    "advance_funded": (Line(Kind.BANK, PLATFORM, +1), Line(Kind.ADVANCE, PLATFORM, -1)),
    "debt_repaid": (Line(Kind.BANK, PLATFORM, +1), Line(Kind.DEBT, "seller", -1)),
    # The refund that made the debt came back: what the seller had repaid of it is the seller's again.
    "debt_reopened": (Line(Kind.DEBT, "seller", +1), Line(Kind.PAYABLE, "seller", -1)),
    "debt_written_off": (Line(Kind.ADVANCE, PLATFORM, +1), Line(Kind.DEBT, "seller", -1)),
    # A chargeback: the channel takes the money at once, and gives it back or keeps it; its fee (G8, H1).
    "chargeback": (Line(Kind.DISPUTED, "channel", +1), Line(Kind.CLEARING, "channel", -1)),
    "chargeback_won": (Line(Kind.CLEARING, "channel", +1), Line(Kind.DISPUTED, "channel", -1)),
    "chargeback_lost": (
        Line(Kind.DISPUTED, "channel", -1),
        ESCROWED,
        *SETTLED,
        Line(Kind.CHARGEBACK_LOSS, PLATFORM, +1, "platform"),
    ),
    # Its contested part was of a refund that failed, sooner or later: it is borne as that refund would have been.
    "chargeback_borne": (Line(Kind.CHARGEBACK_LOSS, PLATFORM, -1), ESCROWED, *SETTLED),
    "chargeback_fee": (
        Line(Kind.CLEARING, "channel", -1),
        *SETTLED,
        Line(Kind.CHANNEL_FEES, "channel", +1, "platform"),
    ),
    # A seller's appeal was right: the platform bears a refund the seller had borne; a debt is repaid first (F8, G4).
    "appeal_won": (
        Line(Kind.COMPENSATION, PLATFORM, +1),
        Line(Kind.DEBT, "seller", -1, "debt"),
        Line(Kind.PAYABLE, "seller", -1, "payable"),
    ),
}
# Booked by `operations.reverse` alone: the postings of another transaction, each the other way round.
REVERSAL = "reversal"
