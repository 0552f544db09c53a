"""The Stripe gateway over its own client, against Stripe on 127.0.0.1: statuses, errors, lists."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from marketplace.kernel.money import Money
from marketplace.payments.gateways.base import ChannelUnreachable, Instruction, NoGateway, Result, Status
from marketplace.payments.gateways.stripe import Stripe

from .stripe import Refused, StripeChannel
from .stripe_cast import DAY, PRICE, TODAY, gateway_of, instruct, running, wait


@pytest.fixture
def channel() -> Iterator[StripeChannel]:
    with running() as channel:
        yield channel


@pytest.fixture
def gateway(channel: StripeChannel) -> Stripe:
    return gateway_of(channel)


def test_refund_pays_once_and_carries_our_number(channel: StripeChannel, gateway: Stripe) -> None:
    instruction = instruct(channel)
    result = gateway.refund(instruction)
    assert result == Result(Status.SUCCEEDED, channel.refunds[0]["id"])
    assert channel.refunds[0]["metadata"] == {"recourse_transfer": instruction.number}
    assert list(channel.keys) == [instruction.number]
    assert gateway.query(instruction) == result
    assert channel.balance("USD") == 100_000


def test_payment_without_an_intent_is_refunded_by_its_charge(channel: StripeChannel, gateway: Stripe) -> None:
    instruction = instruct(channel, by_intent=False)
    assert instruction.channel_no.startswith("py_")
    assert gateway.refund(instruction).status is Status.SUCCEEDED
    assert gateway.query(instruction).status is Status.SUCCEEDED


@pytest.mark.parametrize(
    ("status", "reason", "expected", "code"),
    [
        ("pending", None, Status.PENDING, "processing"),
        ("requires_action", None, Status.PENDING, ""),
        ("succeeded", None, Status.SUCCEEDED, ""),
        ("failed", "lost_or_stolen_card", Status.REFUSED, "lost_or_stolen_card"),
        ("failed", "expired_or_canceled_card", Status.REFUSED, "expired_or_canceled_card"),
        ("failed", None, Status.REFUSED, "failed"),
        ("canceled", None, Status.REFUSED, "canceled"),
        ("teleported", None, Status.PENDING, ""),  # a newer one: nothing final before we know it
    ],
)
def test_status_of_a_refund(
    channel: StripeChannel, gateway: Stripe, status: str, reason: str | None, expected: Status, code: str
) -> None:
    channel.settles_after = DAY
    instruction = instruct(channel)
    gateway.refund(instruction)
    channel.become(instruction.number, status, reason)
    assert gateway.query(instruction) == Result(expected, channel.refunds[0]["id"], code)


def test_refund_is_pending_until_it_settles(channel: StripeChannel, gateway: Stripe) -> None:
    channel.settles_after = timedelta(minutes=5)
    instruction = instruct(channel)
    assert gateway.refund(instruction)[0::2] == (Status.PENDING, "processing")
    wait(channel, timedelta(minutes=5))
    assert gateway.query(instruction).status is Status.SUCCEEDED


def test_refund_that_the_buyer_must_help_with_is_pending(channel: StripeChannel, gateway: Stripe) -> None:
    channel.first_status = "requires_action"
    assert gateway.refund(instruct(channel)).status is Status.PENDING


def test_refund_that_fails_after_success_is_refused_and_the_money_is_back(
    channel: StripeChannel, gateway: Stripe
) -> None:
    instruction = instruct(channel)
    before = channel.balance("USD")
    assert gateway.refund(instruction).status is Status.SUCCEEDED
    assert channel.balance("USD") == before - PRICE.amount
    failed = channel.become(instruction.number, "failed", "expired_or_canceled_card")
    assert gateway.query(instruction).status is Status.REFUSED
    assert failed["failure_balance_transaction"] == channel.moves[-1][0]
    assert channel.balance("USD") == before


@pytest.mark.parametrize(
    ("refused", "expected", "code"),
    [
        (Refused(429, "rate_limit"), Status.RETRY, "rate_limit"),
        (Refused(429, "lock_timeout"), Status.RETRY, "lock_timeout"),
        (Refused(400, "balance_insufficient"), Status.TOP_UP, "balance_insufficient"),
        (Refused(400, "charge_already_refunded"), Status.PERSON, "charge_already_refunded"),
        (Refused(400, "charge_disputed"), Status.PERSON, "charge_disputed"),
        (Refused(400, "charge_not_refundable"), Status.PERSON, "charge_not_refundable"),
        (Refused(400, "refund_disputed_payment"), Status.PERSON, "refund_disputed_payment"),
        (Refused(400, "a_newer_code"), Status.PERSON, "a_newer_code"),
        (Refused(400, type="idempotency_error"), Status.PERSON, "idempotency_error"),
        (Refused(401), Status.PERSON, "invalid_request_error"),
        (Refused(402, "card_declined", type="card_error"), Status.PERSON, "card_declined"),
        (Refused(403, "more_permissions_required"), Status.PERSON, "more_permissions_required"),
        (Refused(404, "resource_missing"), Status.PERSON, "resource_missing"),
    ],
)
def test_error_that_is_an_answer(
    channel: StripeChannel, gateway: Stripe, refused: Refused, expected: Status, code: str
) -> None:
    instruction = instruct(channel)
    channel.refusals.append(refused)
    result = gateway.refund(instruction)
    assert (result.status, result.error_code) == (expected, code)
    assert "Refused." in result.error_detail
    assert channel.paid_back(instruction.number) == 0


@pytest.mark.parametrize("status", [409, 500, 502, 503])
def test_error_that_is_no_answer_leaves_open_what_happened(
    channel: StripeChannel, gateway: Stripe, status: int
) -> None:
    instruction = instruct(channel)
    for ask in (gateway.refund, gateway.query):
        channel.refusals.append(Refused(status, type="api_error"))
        with pytest.raises(ChannelUnreachable):
            ask(instruction)


def test_too_many_queries_are_asked_again_later(channel: StripeChannel, gateway: Stripe) -> None:
    channel.refusals.append(Refused(429, "rate_limit"))
    assert gateway.query(instruct(channel)).status is Status.RETRY


def test_wrong_and_restricted_keys_wait_for_a_person(channel: StripeChannel) -> None:
    instruction = instruct(channel)
    for key in ("sk_test_other", channel.restricted_key):
        assert gateway_of(channel, api_key=key).refund(instruction).status is Status.PERSON
    assert channel.refunds == []


def test_what_stripes_books_do_not_allow_waits_for_a_person(channel: StripeChannel, gateway: Stripe) -> None:
    whole = instruct(channel)
    too_much = gateway.refund(whole._replace(number="RT1", money=Money(4901, "USD")))
    assert (too_much.status, "greater than unrefunded" in too_much.error_detail) == (Status.PERSON, True)
    gateway.refund(whole)
    again = gateway.refund(whole._replace(number="RT2"))
    assert (again.status, again.error_code) == (Status.PERSON, "charge_already_refunded")
    stranger = gateway.refund(whole._replace(number="RT3", channel_no="pi_of_another_account"))
    assert (stranger.status, stranger.error_code) == (Status.PERSON, "resource_missing")
    assert gateway.query(whole._replace(channel_no="ch_none")).status is Status.PERSON
    assert len(channel.refunds) == 1


def test_disputed_payment_is_not_refunded_beside_the_chargeback(
    channel: StripeChannel, gateway: Stripe
) -> None:
    instruction = instruct(channel)
    channel.open_dispute(instruction.channel_no)
    assert gateway.refund(instruction)[0::2] == (Status.PERSON, "charge_disputed")
    assert channel.refunds == []


def test_same_number_with_another_amount_waits_for_a_person(channel: StripeChannel, gateway: Stripe) -> None:
    instruction = instruct(channel, Money(1000, "USD"))
    gateway.refund(instruction)
    other = instruction._replace(money=Money(2000, "USD"))
    assert gateway.refund(other)[0::2] == (Status.PERSON, "idempotency_error")
    assert gateway.query(other)[0::2] == (Status.PERSON, "other_money")
    assert channel.paid_back(instruction.number) == 1000


def test_payment_booked_under_a_wrong_currency_is_noticed(channel: StripeChannel, gateway: Stripe) -> None:
    result = gateway.refund(instruct(channel, Money(4900, "JPY")))
    assert result[0::2] == (Status.PERSON, "other_money")
    assert result.channel_refund_no == channel.refunds[0]["id"]


@pytest.mark.parametrize(("amount", "expected"), [(1230, Status.SUCCEEDED), (1234, Status.PERSON)])
def test_dinars_go_back_in_whole_tens_of_fils(
    channel: StripeChannel, gateway: Stripe, amount: int, expected: Status
) -> None:
    price = Money(5120, "KWD")
    instruction = Instruction("RT2603020002", channel.pay(price), Money(amount, "KWD"), price)
    assert gateway.refund(instruction).status is expected


@pytest.mark.parametrize("currency", ["JPY", "TWD"])
def test_other_currencies_go_back_in_their_iso_minor_units(
    channel: StripeChannel, gateway: Stripe, currency: str
) -> None:
    price = Money(12345, currency)
    assert gateway.refund(Instruction("RT2603020003", channel.pay(price), price, price)).status is (
        Status.SUCCEEDED
    )
    assert (channel.refunds[0]["amount"], channel.refunds[0]["currency"]) == (12345, currency.lower())


def test_query_finds_the_refund_behind_many_others_of_the_payment(
    channel: StripeChannel, gateway: Stripe
) -> None:
    instruction = instruct(channel, Money(1, "USD"))
    gateway.refund(instruction)
    for serial in range(120):
        channel.refunds.append({**channel.refunds[0], "id": f"re_x{serial}", "metadata": {}})
    assert gateway.query(instruction).channel_refund_no == channel.refunds[0]["id"]
    assert len([call for call in channel.calls if call.startswith("GET")]) == 2


def test_query_does_not_take_the_refund_of_another_payment(channel: StripeChannel, gateway: Stripe) -> None:
    instruction = instruct(channel)
    gateway.refund(instruction)
    other = instruct(channel)
    assert gateway.query(other).status is Status.UNKNOWN


def test_statement_holds_the_day_of_shanghai_and_every_page(channel: StripeChannel, gateway: Stripe) -> None:
    midnight = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)  # of 2 March in Shanghai
    instruction = instruct(channel, Money(1, "USD"))
    for seconds in (-1, 0, 86399, 86400):
        at = midnight + timedelta(seconds=seconds)
        channel.now = lambda at=at: at
        gateway.refund(instruction._replace(number=f"RT{seconds}"))
    first = channel.refunds[1]
    for serial in range(205):
        channel.refunds.insert(2, {**first, "id": f"re_x{serial:03}", "metadata": {}})
    entries = list(gateway.statement(TODAY))
    assert len(entries) == 207
    assert len({entry.channel_refund_no for entry in entries}) == 207
    assert [entry.number for entry in entries if entry.number] == ["RT0", "RT86399"]
    assert entries[0] == (
        "RT0",
        first["id"],
        instruction.channel_no,
        Money(1, "USD"),
        Status.SUCCEEDED,
        midnight,
    )
    assert [entry.number for entry in gateway.statement(date(2026, 3, 1))] == ["RT-1"]


def test_statement_shows_what_has_failed_since(channel: StripeChannel, gateway: Stripe) -> None:
    instruction = instruct(channel, by_intent=False)
    gateway.refund(instruction)
    channel.become(instruction.number, "failed", "declined")
    (entry,) = gateway.statement(TODAY)
    assert (entry.status, entry.channel_no) == (Status.REFUSED, instruction.channel_no)


@pytest.mark.parametrize("refused", [Refused(429), Refused(401), Refused(500)])
def test_statement_and_dispute_are_whole_or_unreachable(
    channel: StripeChannel, gateway: Stripe, refused: Refused
) -> None:
    dispute_no = channel.open_dispute(channel.pay(PRICE))["id"]
    channel.refusals += [refused, refused]
    with pytest.raises(ChannelUnreachable):
        gateway.statement(TODAY)
    with pytest.raises(ChannelUnreachable):
        gateway.dispute(dispute_no)


@pytest.mark.parametrize(
    ("api_key", "secret", "named"),
    [
        ("", "whsec_1", "STRIPE_API_KEY"),
        ("sk_1", "", "STRIPE_WEBHOOK_SECRET"),
        ("", "", "STRIPE_API_KEY, STRIPE_WEBHOOK_SECRET"),
    ],
)
def test_missing_settings_are_named(settings: Settings, api_key: str, secret: str, named: str) -> None:
    settings.STRIPE = {"url": "http://127.0.0.1:1", "api_key": api_key, "webhook_secret": secret}
    with pytest.raises(NoGateway, match=f"stripe: {named} not set"):
        Stripe()
