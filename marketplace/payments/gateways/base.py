"""What the payer needs of a channel."""

from enum import StrEnum
from typing import NamedTuple, Protocol

from marketplace.kernel.money import Money


class Status(StrEnum):
    SUCCEEDED = "succeeded"
    PENDING = "pending"  # accepted, not settled: ask again later
    UNKNOWN = "unknown"  # the channel knows no refund of this number
    RETRY = "retry"  # nothing happened: the same call again, later
    REFUSED = "refused"  # final: a person must pay another way


class Result(NamedTuple):
    status: Status
    channel_refund_no: str = ""
    error_code: str = ""
    error_detail: str = ""


class Instruction(NamedTuple):
    """One refund to make. `number` is ours and never changes between tries: the channel pays it once."""

    number: str
    channel_no: str  # the captured payment's number at the channel
    money: Money


class ChannelUnreachable(Exception):
    """No answer: the refund may or may not have happened. Query before any retry."""


class NoGateway(Exception):
    """No keys are set for this channel, and the sandbox may not answer for it."""


class Gateway(Protocol):
    def refund(self, instruction: Instruction) -> Result:
        """Ask for the refund. Raises ChannelUnreachable."""

    def query(self, instruction: Instruction) -> Result:
        """What became of the refund of this number. Raises ChannelUnreachable."""
