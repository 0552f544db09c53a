"""WeChat Pay's bill of a day: what is read from it, and when it is not believed."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.money import Money
from marketplace.payments.gateways.base import ChannelUnreachable, Entry, Status
from marketplace.payments.gateways.wechat_pay import WechatPay

from .server import Fault
from .wechat_pay import WechatPayChannel
from .wechat_pay_cast import NUMBER, PART, PAYMENT, at, gateway_of, running

DAY = date(2026, 11, 19)
NOON = datetime(2026, 11, 19, 12, tzinfo=SHANGHAI)


@pytest.fixture
def channel() -> Iterator[WechatPayChannel]:
    with running(WechatPayChannel) as channel:
        yield channel


@pytest.fixture
def gateway(channel: WechatPayChannel) -> WechatPay:
    return gateway_of(channel)


@pytest.fixture
def a_days_refunds(channel: WechatPayChannel, gateway: WechatPay) -> None:
    """Two on the day, the second closed later; one before it and one after, at midnight's two sides."""
    channel.payments[PAYMENT].paid_at = NOON - timedelta(days=9)
    midnight = NOON.replace(hour=0)
    for number, now in [
        ("RT-0", midnight - timedelta(seconds=1)),
        ("RT-1", NOON),
        ("RT-2", NOON + timedelta(hours=11)),
        ("RT-3", midnight + timedelta(days=1)),
    ]:
        at(channel, now)
        gateway.refund(PART._replace(number=number, money=Money(1005, "CNY")))
    channel.turns["RT-2"] = "ABNORMAL"
    channel.calls.clear()
    at(channel, NOON + timedelta(days=1))


@pytest.mark.usefixtures("a_days_refunds")
def test_statement_lists_the_days_refunds(channel: WechatPayChannel, gateway: WechatPay) -> None:
    channel.voucher = 100
    ids = [channel.refunds[number].refund_id for number in ("RT-1", "RT-2")]
    money = Money(1005, "CNY")
    assert list(gateway.statement(DAY)) == [
        Entry("RT-1", ids[0], PAYMENT, money, Status.SUCCEEDED, NOON),
        Entry("RT-2", ids[1], PAYMENT, money, Status.ABNORMAL, NOON + timedelta(hours=11)),
    ]


@pytest.mark.usefixtures("a_days_refunds")
def test_statement_in_the_oldest_format_is_read(channel: WechatPayChannel, gateway: WechatPay) -> None:
    channel.is_bill_old = True
    assert [entry.money.amount for entry in gateway.statement(DAY)] == [1005, 1005]


def test_day_without_refunds_has_an_empty_statement(channel: WechatPayChannel, gateway: WechatPay) -> None:
    at(channel, NOON + timedelta(days=1))
    assert list(gateway.statement(DAY)) == []


@pytest.mark.usefixtures("a_days_refunds")
@pytest.mark.parametrize(
    "now", [NOON + timedelta(hours=19, minutes=59), NOON], ids=["being made", "the day itself"]
)
def test_statement_not_yet_made_is_not_an_empty_one(
    channel: WechatPayChannel, gateway: WechatPay, now: datetime
) -> None:
    at(channel, now)
    with pytest.raises(ChannelUnreachable):
        gateway.statement(DAY)


@pytest.mark.usefixtures("a_days_refunds")
@pytest.mark.parametrize("fault", [Fault.GARBLED, Fault.DROP, Fault.ERROR])
@pytest.mark.parametrize("call", [0, 1], ids=["bill", "download"])
def test_statement_of_the_wrong_hash_or_cut_off_is_not_believed(
    channel: WechatPayChannel, gateway: WechatPay, fault: Fault, call: int
) -> None:
    channel.faults.extend([None, fault][1 - call :])
    with pytest.raises(ChannelUnreachable):
        gateway.statement(DAY)
    assert len(channel.calls) == call + 1


@pytest.mark.usefixtures("a_days_refunds")
def test_refused_download_says_what_was_answered(channel: WechatPayChannel, gateway: WechatPay) -> None:
    bill_is_well_but = None, Fault.ERROR
    channel.faults.extend(bill_is_well_but)
    with pytest.raises(ChannelUnreachable, match=r"HTTP 500.*SYSTEM_ERROR"):
        gateway.statement(DAY)


class BillElsewhere(WechatPayChannel):
    """Its download address begins like ours, and is another host's."""

    def _bill(self, asked: dict[str, str]) -> dict[str, str]:
        told = super()._bill(asked)
        return {
            **told,
            "download_url": told["download_url"].replace(self.url, f"{self.url}.elsewhere.invalid"),
        }


class BillOfOtherHash(WechatPayChannel):
    def _bill(self, asked: dict[str, str]) -> dict[str, str]:
        return {**super()._bill(asked), "hash_type": "MD5"}


class BillOfOtherColumns(WechatPayChannel):
    def _bill_line(self, refund: Any) -> str:
        return super()._bill_line(refund) + ",`one more"


def test_download_goes_to_our_url_whatever_host_is_named() -> None:
    with running(BillElsewhere) as channel:
        gateway = gateway_of(channel)
        at(channel, NOON)
        channel.payments[PAYMENT].paid_at = NOON
        gateway.refund(PART)
        at(channel, NOON + timedelta(days=1))
        assert [entry.number for entry in gateway.statement(DAY)] == [NUMBER]


@pytest.mark.parametrize("kind", [BillOfOtherHash, BillOfOtherColumns])
def test_statement_of_an_unknown_form_is_not_believed(kind: type[WechatPayChannel]) -> None:
    with running(kind) as channel:
        gateway = gateway_of(channel)
        at(channel, NOON)
        gateway.refund(PART)
        at(channel, NOON + timedelta(days=1))
        with pytest.raises(ChannelUnreachable):
            gateway.statement(DAY)
