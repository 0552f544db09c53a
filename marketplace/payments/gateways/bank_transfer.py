"""Bank transfers: money that came by a bank transfer goes back by one, and people make it.

No bank is spoken to. The refund is refused here, so that it becomes a manual payout, which needs two persons (G7).
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from .base import Acknowledgement, BadNotification, Entry, Instruction, Notice, Result, Status


class BankTransfer:
    acknowledgement = Acknowledgement(
        200, "text/plain", b""
    )  # the protocol asks for one; nothing is ever accepted

    def refund(self, instruction: Instruction) -> Result:
        return Result(
            Status.REFUSED,
            error_code="by_hand",
            error_detail="A bank transfer goes back by hand: one person prepares the payout, another releases it.",
        )

    def query(self, instruction: Instruction) -> Result:
        """UNKNOWN: nothing was ever sent, so nothing can have happened."""
        return Result(Status.UNKNOWN)

    def parse(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        raise BadNotification("not_ours", "banks send no notifications here")

    def statement(self, day: date) -> Iterable[Entry]:
        """Nothing: the bank's own statement is compared by the people who make the payouts."""
        return ()
