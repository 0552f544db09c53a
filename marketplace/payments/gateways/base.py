"""What the product needs of a channel: refund, query, what it tells us by itself, and its day's list of refunds.

Each gateway is one file, drives the channel's own client library, and turns every answer into these few words.
A gateway never decides: when to try again, and who looks at a failure, is the payer's (payments/operations.py).
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from marketplace.kernel.money import Money


class Status(StrEnum):
    """What became of a refund, as far as the channel's answer says."""

    SUCCEEDED = "succeeded"
    PENDING = "pending"  # accepted, not settled: ask again later
    UNKNOWN = "unknown"  # the channel knows no refund of this number (an answer of `query` alone)
    RETRY = "retry"  # nothing happened: the same call again, later
    TOP_UP = "top_up"  # nothing happened for want of money in our account there: top up, then the same call
    REFUSED = "refused"  # final: the channel will not pay this refund, or has taken it back
    ABNORMAL = (
        "abnormal"  # the channel has taken our money and cannot deliver it (the buyer's card is closed)
    )
    PERSON = "person"  # not to be tried again before a person has looked (frozen trade, a mistake of ours)


class Result(NamedTuple):
    status: Status
    channel_refund_no: str = ""
    error_code: str = ""  # the channel's own code
    error_detail: str = ""


class Instruction(NamedTuple):
    """One refund to make. `number` is ours and never changes between tries: the channel pays it once."""

    number: str
    channel_no: str  # the captured payment's number at the channel
    money: Money
    captured: Money  # the whole payment: WeChat Pay asks for it beside the refunded amount


class ChannelUnreachable(Exception):
    """No answer: the refund may or may not have happened. Query before any retry."""


class NoGateway(Exception):
    """No keys are set for this channel, and the sandbox may not answer for it."""


class Subject(StrEnum):
    REFUND = "refund"
    DISPUTE = "dispute"
    OTHER = "other"


class Notice(NamedTuple):
    """A notification whose signature and time were right. It is a hint: what it says is asked for at the channel."""

    event_id: str  # the channel's id of this event; one that comes again is dropped
    subject: Subject
    refund_number: str = ""  # ours
    dispute_no: str = ""
    channel_no: str = ""  # the payment's number at the channel


class BadNotification(Exception):
    """Refused before anything in it was believed; `reason` is one of REASONS."""

    REASONS = ("signature", "stale", "malformed", "not_ours")

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Acknowledgement(NamedTuple):
    """What the channel wants to hear before it stops sending a notification again."""

    status: int
    content_type: str
    body: bytes


class Entry(NamedTuple):
    """One refund in the channel's own list of a day."""

    number: str  # ours, "" where the channel knows of a refund that carries none
    channel_refund_no: str
    channel_no: str
    money: Money
    status: Status
    at: datetime


class Dispute(NamedTuple):
    """A chargeback as the channel has it now."""

    dispute_no: str
    channel_no: str  # of the disputed payment
    money: Money
    status: str  # "open", "won" (the money is ours again), "lost"
    reason: str  # the channel's own code
    opened_at: datetime
    due_at: datetime | None  # None: no answer is possible
    is_taken: bool = True  # the channel has the money; of an inquiry it has not, and may take it later


class Gateway(Protocol):
    """Every call has a timeout. Raises ChannelUnreachable where no trustworthy answer came (also: a bad signature)."""

    acknowledgement: Acknowledgement

    def refund(self, instruction: Instruction) -> Result:
        """Ask for the refund, under its number. Safe to repeat."""

    def query(self, instruction: Instruction) -> Result:
        """What became of the refund of this number; UNKNOWN where the channel never heard of it."""

    def parse(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        """Verify a notification (signature, time within five minutes both ways), then read it. No network.

        `headers` are case-insensitive. Raises BadNotification.
        """

    def statement(self, day: date) -> Iterable[Entry]:
        """All refunds the channel took on that day (Asia/Shanghai). Raises ChannelUnreachable."""


class TellsDisputes(Protocol):
    """A gateway of a channel with chargebacks."""

    def dispute(self, dispute_no: str) -> Dispute:
        """The chargeback as it is now. Raises ChannelUnreachable."""
