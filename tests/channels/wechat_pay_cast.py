"""What the tests of WeChat Pay share: one payment, one refund of a part of it, and who makes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from django.test import override_settings

from marketplace.kernel.money import Money
from marketplace.payments.gateways.base import Instruction
from marketplace.payments.gateways.wechat_pay import WechatPay

from .wechat_pay import WechatPayChannel

PAYMENT = "4200001234202611200000000001"
NUMBER = "RT261120K7M2Q9XA"
TOTAL = 9900
PART = Instruction(NUMBER, PAYMENT, Money(4900, "CNY"), Money(TOTAL, "CNY"))
MINUTE = timedelta(minutes=1)

Kind = TypeVar("Kind", bound=WechatPayChannel)


@contextmanager
def running(kind: type[Kind]) -> Iterator[Kind]:
    channel = kind()
    channel.pay(PAYMENT, TOTAL)
    with channel.running():
        yield channel


def gateway_of(channel: WechatPayChannel, timeout: float = 5, **keys: str) -> WechatPay:
    with override_settings(WECHAT_PAY={**channel.settings, **keys}, CHANNEL_TIMEOUT_SECONDS=timeout):
        return WechatPay()


def at(channel: WechatPayChannel, now: datetime) -> None:
    channel.now = lambda: now


def later(channel: WechatPayChannel, by: timedelta) -> None:
    at(channel, channel.now() + by)
