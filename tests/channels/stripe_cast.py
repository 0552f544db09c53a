"""What the tests of Stripe share: one payment, its refund, the clock, and who asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from django.test import override_settings

from marketplace.kernel.money import Money
from marketplace.payments.gateways.base import Instruction
from marketplace.payments.gateways.stripe import Stripe

from .stripe import StripeChannel

PRICE = Money(4900, "USD")
START = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # noon in Shanghai
TODAY = date(2026, 3, 2)
DAY = timedelta(hours=24)


@contextmanager
def running() -> Iterator[StripeChannel]:
    with StripeChannel().running() as channel:
        channel.now = lambda: START
        channel.top_up(Money(100_000, "USD"))
        yield channel


def gateway_of(channel: StripeChannel, timeout: float = 5, **keys: str) -> Stripe:
    with override_settings(STRIPE={**channel.settings, **keys}, CHANNEL_TIMEOUT_SECONDS=timeout):
        return Stripe()


def instruct(channel: StripeChannel, money: Money = PRICE, *, by_intent: bool = True) -> Instruction:
    """Pay PRICE, and have `money` of it refunded."""
    return Instruction("RT2603020001", channel.pay(PRICE, by_intent=by_intent), money, PRICE)


def everything(gateway: Stripe, instruction: Instruction, dispute_no: str) -> list[Callable[[], object]]:
    return [
        lambda: gateway.refund(instruction),
        lambda: gateway.query(instruction),
        lambda: gateway.statement(TODAY),
        lambda: gateway.dispute(dispute_no),
    ]


def wait(channel: StripeChannel, time: timedelta) -> None:
    later = channel.now() + time
    channel.now = lambda: later
