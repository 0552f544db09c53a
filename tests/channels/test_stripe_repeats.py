"""Lost and unreadable answers, kept keys, and why no repeat pays twice."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from marketplace.kernel.money import Money
from marketplace.payments.gateways.base import ChannelUnreachable, Result, Status
from marketplace.payments.gateways.stripe import MOST_KEYS, Stripe

from .server import Fault
from .stripe import Refused, StripeChannel
from .stripe_cast import DAY, PRICE, everything, gateway_of, instruct, running, wait


@pytest.fixture
def channel() -> Iterator[StripeChannel]:
    with running() as channel:
        yield channel


@pytest.fixture
def gateway(channel: StripeChannel) -> Stripe:
    return gateway_of(channel)


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.ERROR])
def test_call_that_did_not_arrive_is_unknown_and_the_same_call_pays(
    channel: StripeChannel, gateway: Stripe, fault: Fault
) -> None:
    instruction = instruct(channel)
    channel.faults.append(fault)
    with pytest.raises(ChannelUnreachable):
        gateway.refund(instruction)
    assert gateway.query(instruction) == Result(Status.UNKNOWN)
    assert gateway.refund(instruction).status is Status.SUCCEEDED


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.ERROR_AFTER, Fault.GARBLED])
def test_lost_answer_is_found_by_the_query_and_the_same_call_pays_nothing_more(
    channel: StripeChannel, gateway: Stripe, fault: Fault
) -> None:
    instruction = instruct(channel, Money(1000, "USD"))
    channel.faults.append(fault)
    with pytest.raises(ChannelUnreachable):
        gateway.refund(instruction)
    assert gateway.query(instruction).status is Status.SUCCEEDED
    if fault is Fault.ERROR_AFTER:  # Stripe keeps the 500
        with pytest.raises(ChannelUnreachable):
            gateway.refund(instruction)
    else:
        assert gateway.refund(instruction).status is Status.SUCCEEDED
    assert channel.paid_back(instruction.number) == 1000


def test_answer_that_comes_too_late_is_no_answer(channel: StripeChannel, gateway: Stripe) -> None:
    instruction = instruct(channel, Money(1000, "USD"))
    channel.faults.append(Fault.SLOW)
    with pytest.raises(ChannelUnreachable):
        gateway_of(channel, timeout=0.1).refund(instruction)
    assert gateway.refund(instruction).status is Status.SUCCEEDED
    assert channel.paid_back(instruction.number) == 1000


def test_channel_that_is_down_is_unreachable() -> None:
    with running() as gone:
        pass
    for ask in everything(gateway_of(gone), instruct(gone), "du_1"):
        with pytest.raises(ChannelUnreachable):
            ask()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff",
        b"null",
        b"[]",
        b"1",
        b"{}",
        b'{"error": null}',
        b'{"object": "list", "data": null, "has_more": false}',
        b'{"object": "list", "data": [1], "has_more": false}',
        b'{"object": "list", "data": [{}], "has_more": false}',
        b'{"object": "list", "data": [{"object": "refund", "id": "re_1", "metadata": 7}], "has_more": false}',
        b'{"object": "refund", "id": "re_1"}',
        b'{"object": "refund", "id": "re_1", "amount": 4900, "currency": null, "status": "succeeded"}',
        b'{"object": "dispute", "id": "du_1", "status": "won"}',
    ],
)
def test_unreadable_answer_is_no_answer(channel: StripeChannel, gateway: Stripe, body: bytes) -> None:
    channel.garble = lambda _body: body
    instruction = instruct(channel)
    dispute_no = channel.open_dispute(channel.pay(PRICE))["id"]
    for ask in everything(gateway, instruction, dispute_no):
        channel.faults.append(Fault.GARBLED)
        with pytest.raises(ChannelUnreachable):
            ask()


def test_repeats_within_24_hours_pay_once(channel: StripeChannel, gateway: Stripe) -> None:
    instruction = instruct(channel, Money(1000, "USD"))
    for _hour in range(24):
        assert gateway.refund(instruction).status is Status.SUCCEEDED
        wait(channel, timedelta(minutes=59))
    assert channel.paid_back(instruction.number) == 1000


def test_after_24_hours_the_same_call_would_pay_again(channel: StripeChannel, gateway: Stripe) -> None:
    """Control: why the payer gives up to a person after 24 hours. The query still tells, by the metadata."""
    instruction = instruct(channel, Money(1000, "USD"))
    gateway.refund(instruction)
    wait(channel, DAY)
    assert gateway.query(instruction).status is Status.SUCCEEDED
    gateway.refund(instruction)
    assert channel.paid_back(instruction.number) == 2000


def test_kept_500_stays_open_under_its_key(channel: StripeChannel, gateway: Stripe) -> None:
    """Control: no try of the payer's gets past it, and none may take another key."""
    instruction = instruct(channel)
    channel.refusals.append(Refused(500, type="api_error"))
    for _try in range(3):
        with pytest.raises(ChannelUnreachable):
            gateway.refund(instruction)
        assert gateway.query(instruction).status is Status.UNKNOWN
    assert list(channel.keys) == [instruction.number]


def test_repeat_tells_how_the_refund_stands_now(channel: StripeChannel, gateway: Stripe) -> None:
    instruction = instruct(channel)
    assert gateway.refund(instruction).status is Status.SUCCEEDED
    channel.become(instruction.number, "failed", "declined")
    assert gateway.refund(instruction)[0::2] == (Status.REFUSED, "declined")


def test_refund_short_of_balance_waits_at_stripe_for_a_top_up(
    channel: StripeChannel, gateway: Stripe
) -> None:
    instruction = instruct(channel)
    channel.top_up(Money(-channel.balance("USD"), "USD"))
    for ask in (gateway.refund, gateway.query):
        assert ask(instruction)[0::2] == (Status.PENDING, "insufficient_funds")
    channel.top_up(PRICE)
    assert gateway.query(instruction).status is Status.SUCCEEDED


def test_same_call_pays_once_after_a_top_up(channel: StripeChannel, gateway: Stripe) -> None:
    instruction = instruct(channel, Money(1000, "USD"))
    channel.refusals += [Refused(400, "balance_insufficient")] * 3
    for _try in range(3):
        assert gateway.refund(instruction).status is Status.TOP_UP
    for _try in range(3):
        assert gateway.refund(instruction).status is Status.SUCCEEDED
    assert channel.paid_back(instruction.number) == 1000
    assert list(channel.keys) == [instruction.number] + [f"{instruction.number}:{n}" for n in (2, 3, 4)]


def test_no_other_refusal_is_asked_again_under_a_new_key(channel: StripeChannel, gateway: Stripe) -> None:
    instruction = instruct(channel)
    channel.refusals.append(Refused(400, "charge_disputed"))
    for _try in range(3):
        assert gateway.refund(instruction)[0::2] == (Status.PERSON, "charge_disputed")
    assert list(channel.keys) == [instruction.number]


def test_keys_for_want_of_balance_are_not_without_end(channel: StripeChannel, gateway: Stripe) -> None:
    instruction = instruct(channel)
    channel.refusals.append(Refused(400, "balance_insufficient"))
    gateway.refund(instruction)
    kept = channel.keys[instruction.number]
    channel.keys |= {f"{instruction.number}:{turn}": kept for turn in range(2, MOST_KEYS + 1)}
    assert gateway.refund(instruction).status is Status.TOP_UP
    assert len(channel.keys) == MOST_KEYS
