"""The three real channels as one cast: an order paid there, a refund that settles or comes back, and what they say of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.test import Client

from marketplace.kernel.money import Money
from marketplace.payments import gateways
from marketplace.payments.models import Capture, Transfer
from refunds.machine import State
from refunds.operations.pay import pay
from tests.cases import make_request
from tests.channels.alipay import AlipayChannel
from tests.channels.server import LocalChannel
from tests.channels.stripe import StripeChannel
from tests.channels.wechat_pay import WechatPayChannel
from tests.people import Cast

HOUR = timedelta(hours=1)
Told = tuple[Mapping[str, str], bytes]  # a notification: headers and body


class Side:
    """A channel seen from a test."""

    name: str
    failed: str  # the state of a transfer that came back
    acknowledgement: tuple[int, bytes]
    channel: Any

    def pay(self, amount: int) -> str:
        """A buyer's payment; returns its number."""
        raise NotImplementedError

    def settle(self, number: str) -> None:
        """A pending refund arrives."""
        self.channel.settles_after = timedelta(0)

    def take_back(self, number: str) -> None:
        """A refund fails, whatever it was before."""
        raise NotImplementedError

    def news(self, number: str) -> Told:
        """What the channel sends about the refund as it is now."""
        raise NotImplementedError

    def shift(self, by: timedelta) -> None:
        """Let its clock be wrong by so much."""
        now = self.channel.now
        self.channel.now = lambda: now() + by


class AlipaySide(Side):
    """Alipay takes no refund back: what a closed card does not take, it pays into the buyer's balance."""

    name, failed, acknowledgement = "alipay", "", (200, b"success")

    def __init__(self) -> None:
        self.channel = AlipayChannel()

    def pay(self, amount: int) -> str:
        number = f"20261120{len(self.channel.trades):020}"
        self.channel.pay(number, amount, bank_card=True)
        return number

    def settle(self, number: str) -> None:
        self.channel._refund(number)[1].settles_at = self.channel.now()

    def take_back(self, number: str) -> None:
        """As far as it goes: the bank does not take it."""
        self.channel.fail_after_success(number)

    def news(self, number: str) -> Told:
        has_bank_answered = self.channel._refund(number)[1].bank == "F"
        told: Told = (
            self.channel.bank_message(number) if has_bank_answered else self.channel.notification(number)
        )
        return told


class WechatPaySide(Side):
    name, failed, acknowledgement = "wechat_pay", "abnormal", (204, b"")

    def __init__(self) -> None:
        self.channel = WechatPayChannel()

    def pay(self, amount: int) -> str:
        number = f"4200{len(self.channel.payments):024}"
        self.channel.pay(number, amount)
        return number

    def take_back(self, number: str) -> None:
        self.channel.turns[number] = "ABNORMAL"

    def news(self, number: str) -> Told:
        told: Told = self.channel.notification(number)
        return told

    def shift(self, by: timedelta) -> None:
        self.channel.skew += by


class StripeSide(Side):
    name, failed, acknowledgement = "stripe", "failed", (200, b"")

    def __init__(self) -> None:
        self.channel = StripeChannel()
        self.channel.top_up(Money(1_000_000, "CNY"))  # the balance we come with

    def pay(self, amount: int) -> str:
        number: str = self.channel.pay(Money(amount, "CNY"))
        return number

    def take_back(self, number: str) -> None:
        self.channel.become(number, "failed", "expired_or_canceled_card")

    def news(self, number: str) -> Told:
        refund = self.channel._numbered(number)[-1]
        kind = "refund.failed" if refund["status"] == "failed" else "refund.updated"
        told: Told = self.channel.notification(kind, refund)
        return told


SIDES = {side.name: side for side in (AlipaySide, WechatPaySide, StripeSide)}
TAKE_BACK = [name for name, side in SIDES.items() if side.failed]


@contextmanager
def running(name: str, settings: Any) -> Iterator[Any]:
    """The channel, with our gateway pointed at it and no sandbox beside it."""
    side = SIDES[name]()
    settings.SANDBOX_ANSWERS_FOR, settings.CHANNEL_TIMEOUT_SECONDS = [], 2
    setattr(settings, name.upper(), side.channel.settings)
    gateways._gateway.cache_clear()
    server: LocalChannel = side.channel
    with server.running():
        yield side
    gateways._gateway.cache_clear()


def approved(cast: Cast, side: Side, total: int = 9_900, **fields: Any) -> Transfer:
    """A refund that was promised of a payment made at the channel, and not sent."""
    request = make_request(cast, state=State.APPROVED, total=total, channel=side.name, **fields)
    Capture.objects.filter(order=request.order).update(channel_no=side.pay(total))
    return Transfer.objects.get(reference=request.number)


def sent(cast: Cast, side: Side, *, settles_after: timedelta = timedelta(0), **fields: Any) -> Transfer:
    """The same, sent: `pending` where it takes its time, else `succeeded`."""
    transfer = approved(cast, side, **fields)
    side.channel.settles_after = settles_after
    pay(transfer.reference, transfer.created_at)
    transfer.refresh_from_db()
    assert transfer.state == ("pending" if settles_after else "succeeded")
    side.channel.calls.clear()
    return transfer


def deliver(side: Side | str, told: Told) -> Any:
    """The channel calls us."""
    headers, body = told
    name = side if isinstance(side, str) else side.name
    others = {key: value for key, value in headers.items() if key != "Content-Type"}
    return Client(raise_request_exception=False).post(
        f"/channels/{name}/notify/",
        body,
        content_type=headers.get("Content-Type", "application/json"),
        headers=others,
    )
