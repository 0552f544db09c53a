"""Bank transfers go back by hand, whatever the settings."""

from datetime import UTC, date, datetime

import pytest
from pytest_django import Settings

from marketplace.kernel.money import Money
from marketplace.payments import gateways
from marketplace.payments.gateways.bank_transfer import BankTransfer
from marketplace.payments.gateways.base import BadNotification, Instruction, Result, Status

PRICE = Money(4900, "CNY")
INSTRUCTION = Instruction("RT2603020001", "BT-1", PRICE, PRICE)


def test_refund_is_left_to_people() -> None:
    result = BankTransfer().refund(INSTRUCTION)
    assert (result.status, result.error_code) == (Status.REFUSED, "by_hand")
    assert "another releases it" in result.error_detail


def test_nothing_is_ever_known_of_it() -> None:
    assert BankTransfer().query(INSTRUCTION) == Result(Status.UNKNOWN)
    assert list(BankTransfer().statement(date(2026, 3, 2))) == []


def test_no_notification_is_ours() -> None:
    with pytest.raises(BadNotification) as raised:
        BankTransfer().parse({}, b"{}", datetime(2026, 3, 2, tzinfo=UTC))
    assert raised.value.reason == "not_ours"


def test_it_stands_behind_its_channel_without_keys_where_the_sandbox_does_not(settings: Settings) -> None:
    settings.SANDBOX_ANSWERS_FOR = []
    assert isinstance(gateways.for_channel("bank_transfer"), BankTransfer)
