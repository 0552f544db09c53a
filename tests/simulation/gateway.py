"""Our end of the simulated channel: gateways like any other, in whatever process the payer runs."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from marketplace.payments import gateways
from marketplace.payments.gateways.base import (
    Acknowledgement,
    Dispute,
    Entry,
    Gateway,
    Instruction,
    Notice,
    Result,
    Subject,
)

from .channel import News, SimChannel

Call = Callable[[str, Any], Any]
TELL_DISPUTES = ("card", "stripe")


class Wire:
    """How this process reaches the channel; a forked child puts its own in (crash.py)."""

    call: Call
    books: SimChannel


class SimGateway:
    acknowledgement = Acknowledgement(200, "text/plain", b"ok")

    def __init__(self, wire: Wire, channel: str) -> None:
        self.wire, self.channel = wire, channel

    def refund(self, instruction: Instruction) -> Result:
        result: Result = self.wire.call("refund", instruction)
        return result

    def query(self, instruction: Instruction) -> Result:
        result: Result = self.wire.call("query", instruction)
        return result

    def parse(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        event_id, subject, *numbers = json.loads(body)
        return Notice(event_id, Subject(subject), *numbers)

    def statement(self, day: date) -> Iterable[Entry]:
        return self.wire.books.statement(self.channel, day)


class DisputingGateway(SimGateway):
    def dispute(self, dispute_no: str) -> Dispute:
        dispute: Dispute = self.wire.call("dispute", dispute_no)
        return dispute


def body(news: News) -> bytes:
    return json.dumps(news.notice).encode()


def install(wire: Wire) -> None:
    """Let every channel of this process be the simulated one."""

    def for_channel(channel: str) -> Gateway:
        return DisputingGateway(wire, channel) if channel in TELL_DISPUTES else SimGateway(wire, channel)

    gateways.for_channel = for_channel
