"""The sandbox keeps its own books and does on demand what a real channel does to us."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from marketplace.kernel.money import Money
from marketplace.payments.gateways.base import BadNotification, ChannelUnreachable, Instruction, Status
from marketplace.payments.gateways.sandbox import Sandbox
from marketplace.payments.models import SandboxRefund

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def of(amount: int, number: str = "RT1") -> Instruction:
    return Instruction(number, "P1", Money(amount, "CNY"), Money(10_000, "CNY"))


def age(seconds: float) -> None:
    """So long ago the refunds have settled."""
    SandboxRefund.objects.update(succeeds_at=timezone.now() - seconds * SECOND)


def test_70_is_accepted_and_then_cannot_be_delivered() -> None:
    channel, refund = Sandbox(), of(9_970)
    assert channel.refund(refund).status is Status.PENDING
    assert SandboxRefund.objects.get().succeeds_at <= timezone.now() + 3 * SECOND
    age(0)
    for answer in (channel.query(refund), channel.refund(refund)):
        assert (answer.status, answer.error_code) == (Status.ABNORMAL, "card_closed")


def test_76_arrives_and_comes_back_a_minute_later() -> None:
    channel, refund = Sandbox(), of(9_976)
    assert channel.refund(refund).status is Status.SUCCEEDED
    age(58)
    assert channel.query(refund).status is Status.SUCCEEDED
    age(60)
    for answer in (channel.query(refund), channel.refund(refund)):
        assert (answer.status, answer.error_code) == (Status.REFUSED, "card_closed")


def test_any_other_amount_stays_where_it_went() -> None:
    channel, refund = Sandbox(), of(9_900)
    channel.refund(refund)
    age(10**6)
    assert channel.query(refund).status is Status.SUCCEEDED


def test_its_list_of_a_day_is_what_it_took_that_day_in_shanghai_with_its_state_now() -> None:
    channel = Sandbox()
    with pytest.raises(ChannelUnreachable):
        channel.refund(of(9_972, "RT-LOST"))
    for ending in (0, 70, 71, 73, 74, 76):
        channel.refund(of(9_900 + ending, f"RT-{ending}"))
    last_night = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - SECOND
    channel.refund(of(9_900, "RT-YESTERDAY"))
    SandboxRefund.objects.filter(number="RT-YESTERDAY").update(created_at=last_night)
    age(61)
    found = {entry.number: entry for entry in channel.statement(timezone.localdate())}
    assert {number: entry.status for number, entry in found.items()} == {
        "RT-0": Status.SUCCEEDED,
        "RT-70": Status.ABNORMAL,
        "RT-LOST": Status.SUCCEEDED,  # the channel has it, whatever we heard
        "RT-74": Status.SUCCEEDED,
        "RT-76": Status.REFUSED,
    }  # not 71, which it refused, nor 73, which did not happen yet
    assert (found["RT-0"].money, found["RT-0"].channel_no) == (Money(9_900, "CNY"), "P1")
    assert found["RT-0"].channel_refund_no == channel.query(of(9_900, "RT-0")).channel_refund_no
    assert [entry.number for entry in channel.statement(last_night.date())] == ["RT-YESTERDAY"]
    assert list(channel.statement(date(2020, 1, 1))) == []


def test_it_sends_no_notifications() -> None:
    with pytest.raises(BadNotification, match="not_ours"):
        Sandbox().parse({}, b"{}", timezone.now())
