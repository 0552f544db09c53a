"""Refund, query and statement at Alipay: the real client library against a local Alipay that keeps books."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.money import Money
from marketplace.payments import gateways
from marketplace.payments.gateways.alipay import Alipay
from marketplace.payments.gateways.base import ChannelUnreachable, Instruction, NoGateway, Status

from .alipay import AlipayChannel, cut_off, sign_wrongly, talk_nonsense, unsign
from .keys import rsa_pair
from .server import Fault, Response

PAYMENT = "2025111022001400000000000001"
DAY = date(2025, 11, 10)
NOON = datetime(2025, 11, 10, 12, tzinfo=SHANGHAI)


@pytest.fixture
def channel(settings: Settings) -> Iterator[AlipayChannel]:
    with AlipayChannel().running() as channel:
        settings.ALIPAY = channel.settings
        settings.CHANNEL_TIMEOUT_SECONDS = 5.0
        channel.now = lambda: NOON
        channel.pay(PAYMENT, 10_000)
        yield channel


@pytest.fixture
def alipay(channel: AlipayChannel) -> Alipay:
    return Alipay()


def instruction(
    number: str = "RT1", fen: int = 2_550, *, of: str = PAYMENT, currency: str = "CNY"
) -> Instruction:
    return Instruction(number, of, Money(fen, currency), Money(10_000, currency))


def wait(channel: AlipayChannel, **passing: float) -> None:
    later = channel.now() + timedelta(**passing)
    channel.now = lambda: later


def test_refund_succeeds_and_is_paid_in_yuan(channel: AlipayChannel, alipay: Alipay) -> None:
    assert alipay.refund(instruction()).status is Status.SUCCEEDED
    assert channel.trades[PAYMENT].refunded == 2_550
    assert alipay.query(instruction()).status is Status.SUCCEEDED


def test_same_number_again_is_pending_until_asked_and_pays_once(
    channel: AlipayChannel, alipay: Alipay
) -> None:
    first = alipay.refund(instruction()).status
    again = [alipay.refund(instruction()).status for _ in range(3)]
    assert (first, again) == (Status.SUCCEEDED, [Status.PENDING] * 3)
    assert alipay.query(instruction()).status is Status.SUCCEEDED
    assert channel.trades[PAYMENT].refunded == 2_550


def test_parts_sum_to_the_payment_and_not_a_fen_more(channel: AlipayChannel, alipay: Alipay) -> None:
    for number, fen in (("RT1", 1), ("RT2", 3_333), ("RT3", 6_666)):
        assert alipay.refund(instruction(number, fen)).status is Status.SUCCEEDED
        wait(channel, seconds=3)
    assert channel.trades[PAYMENT].refunded == 10_000
    over = alipay.refund(instruction("RT4", 1))
    assert (over.status, over.error_code) == (Status.REFUSED, "ACQ.REASON_TRADE_REFUND_FEE_ERR")
    assert channel.trades[PAYMENT].refunded == 10_000


def test_second_part_within_three_seconds_is_to_be_tried_again(
    channel: AlipayChannel, alipay: Alipay
) -> None:
    alipay.refund(instruction("RT1", 100))
    wait(channel, seconds=2.9)
    assert alipay.refund(instruction("RT2", 200)).status is Status.RETRY
    assert channel.trades[PAYMENT].refunded == 100
    wait(channel, seconds=0.1)
    assert alipay.refund(instruction("RT2", 200)).status is Status.SUCCEEDED
    assert channel.trades[PAYMENT].refunded == 300


def test_same_number_with_another_amount_is_for_a_person(channel: AlipayChannel, alipay: Alipay) -> None:
    alipay.refund(instruction("RT1", 100))
    wait(channel, seconds=3)
    again = alipay.refund(instruction("RT1", 101))
    assert (again.status, again.error_code) == (Status.PERSON, "ACQ.DISCORDANT_REPEAT_REQUEST")
    assert alipay.query(instruction("RT1", 101)).status is Status.PERSON
    assert channel.trades[PAYMENT].refunded == 100


def test_slow_refund_is_pending_until_it_settles(channel: AlipayChannel, alipay: Alipay) -> None:
    channel.settles_after = timedelta(seconds=20)
    assert alipay.refund(instruction()).status is Status.PENDING
    assert alipay.query(instruction()).status is Status.PENDING
    wait(channel, seconds=20)
    assert alipay.query(instruction()).status is Status.SUCCEEDED
    assert channel.trades[PAYMENT].refunded == 2_550


def test_unknown_refund_and_unknown_payment_are_unknown_to_the_query(alipay: Alipay) -> None:
    assert alipay.query(instruction()).status is Status.UNKNOWN
    assert alipay.query(instruction(of="2025000000000000")).status is Status.UNKNOWN


def test_empty_account_wants_a_top_up_and_pays_after_it(channel: AlipayChannel, alipay: Alipay) -> None:
    channel.balance = 2_549
    assert alipay.refund(instruction()).status is Status.TOP_UP
    assert channel.trades[PAYMENT].refunded == 0
    channel.balance += 1
    assert alipay.refund(instruction()).status is Status.SUCCEEDED
    assert channel.balance == 0


@pytest.mark.parametrize("currency", ["USD", "JPY", "HKD"])
def test_money_other_than_yuan_is_never_sent(channel: AlipayChannel, alipay: Alipay, currency: str) -> None:
    for call in (alipay.refund, alipay.query):
        assert call(instruction(currency=currency)).status is Status.PERSON
    assert channel.calls == []


# (code, sub_code, what it means to a refund, what it means to a query)
CODES = [
    ("20000", "isp.unknow-error", Status.RETRY, Status.RETRY),
    ("20000", "aop.ACQ.SYSTEM_ERROR", Status.RETRY, Status.RETRY),
    ("40005", "isv.app-call-limited", Status.RETRY, Status.RETRY),
    ("40004", "ACQ.SYSTEM_ERROR", Status.RETRY, Status.RETRY),
    ("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH", Status.TOP_UP, Status.PERSON),
    ("40004", "ACQ.INVALID_PARAMETER", Status.REFUSED, Status.PERSON),
    ("40004", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", Status.REFUSED, Status.PERSON),
    ("40004", "ACQ.REASON_TRADE_REFUND_FEE_ERR", Status.REFUSED, Status.PERSON),
    ("40004", "ACQ.TRADE_NOT_EXIST", Status.REFUSED, Status.UNKNOWN),
    ("40004", "ACQ.TRADE_HAS_FINISHED", Status.REFUSED, Status.PERSON),
    ("40004", "ACQ.TRADE_STATUS_ERROR", Status.REFUSED, Status.PERSON),
    ("40004", "ACQ.TRADE_NOT_ALLOW_REFUND", Status.REFUSED, Status.PERSON),
    ("40004", "ACQ.REASON_TRADE_BEEN_FREEZEN", Status.PERSON, Status.PERSON),
    ("40004", "ACQ.DISCORDANT_REPEAT_REQUEST", Status.PERSON, Status.PERSON),
    ("40004", "ACQ.A_CODE_OF_NEXT_YEAR", Status.PERSON, Status.PERSON),
    ("40006", "isv.insufficient-isv-permissions", Status.PERSON, Status.PERSON),
    ("40004", "", Status.PERSON, Status.PERSON),
]


@pytest.mark.parametrize(
    ("code", "sub_code", "of_refund", "of_query"), CODES, ids=[f"{c[0]}-{c[1]}" for c in CODES]
)
def test_each_code_has_its_meaning(
    channel: AlipayChannel, alipay: Alipay, code: str, sub_code: str, of_refund: Status, of_query: Status
) -> None:
    channel.trades[PAYMENT].refuses = (code, sub_code)
    refused, asked = alipay.refund(instruction()), alipay.query(instruction())
    assert (refused.status, asked.status) == (of_refund, of_query)
    assert (refused.error_code, refused.error_detail) == (sub_code or code, "拒绝")
    assert channel.trades[PAYMENT].refunded == 0


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.ERROR_AFTER, Fault.GARBLED, Fault.SLOW])
def test_refund_whose_answer_is_lost_is_found_by_the_query(
    channel: AlipayChannel, settings: Settings, fault: Fault
) -> None:
    settings.CHANNEL_TIMEOUT_SECONDS = 0.3
    channel.delay = 0.6
    alipay = Alipay()
    channel.faults.append(fault)
    if fault is Fault.ERROR_AFTER:
        assert alipay.refund(instruction()).status is Status.RETRY
    else:
        with pytest.raises(ChannelUnreachable):
            alipay.refund(instruction())
    until(lambda: channel.trades[PAYMENT].refunded == 2_550)
    assert alipay.query(instruction()).status is Status.SUCCEEDED
    assert alipay.refund(instruction()).status is Status.PENDING
    assert channel.trades[PAYMENT].refunded == 2_550


def until(happened: Callable[[], bool]) -> None:
    """The slow channel books when its delay is over, on its own thread."""
    deadline = datetime.now(UTC) + timedelta(seconds=5)
    while not happened() and datetime.now(UTC) < deadline:
        time.sleep(0.01)
    assert happened()


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.ERROR])
def test_refund_that_never_arrived_is_unknown_and_pays_once_when_repeated(
    channel: AlipayChannel, alipay: Alipay, fault: Fault
) -> None:
    channel.faults.append(fault)
    try:
        assert alipay.refund(instruction()).status is Status.RETRY
    except ChannelUnreachable:
        assert fault is Fault.DROP
    assert alipay.query(instruction()).status is Status.UNKNOWN
    assert alipay.refund(instruction()).status is Status.SUCCEEDED
    assert channel.trades[PAYMENT].refunded == 2_550


@pytest.mark.parametrize("spoil", [sign_wrongly, unsign, cut_off, talk_nonsense])
@pytest.mark.parametrize("call", ["refund", "query", "statement"])
def test_garbled_answer_is_no_answer(
    channel: AlipayChannel, alipay: Alipay, spoil: Callable[[Response], Response], call: str
) -> None:
    alipay.refund(instruction())
    channel.now = lambda: NOON + timedelta(days=1)
    channel.spoil = spoil
    channel.faults.append(Fault.GARBLED)
    with pytest.raises(ChannelUnreachable):
        getattr(alipay, call)(DAY if call == "statement" else instruction())
    assert not channel.faults


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"x"', b"{}", b'{"sign":1}', b'{"sign":"","error_response":7}', b"[" * 100_000],
)
def test_answer_of_any_other_form_is_no_answer(channel: AlipayChannel, alipay: Alipay, body: bytes) -> None:
    channel.outage = Response(200, {}, body)
    channel.faults.append(Fault.ERROR)
    with pytest.raises(ChannelUnreachable):
        alipay.refund(instruction())


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_http_error_is_no_answer(channel: AlipayChannel, alipay: Alipay, status: int) -> None:
    channel.outage = Response(status, {}, b"upstream")
    channel.faults.extend([Fault.ERROR, Fault.ERROR_AFTER])
    for _ in range(2):
        with pytest.raises(ChannelUnreachable, match=str(status)):
            alipay.refund(instruction())
    assert alipay.query(instruction()).status is Status.SUCCEEDED
    assert channel.trades[PAYMENT].refunded == 2_550


def test_answer_cut_short_on_the_wire_is_no_answer(channel: AlipayChannel, alipay: Alipay) -> None:
    channel.outage = Response(200, {"Content-Length": "1000", "Connection": "close"}, b"{")
    channel.faults.append(Fault.ERROR_AFTER)
    with pytest.raises(ChannelUnreachable, match="IncompleteRead"):
        alipay.refund(instruction())
    assert alipay.query(instruction()).status is Status.SUCCEEDED


def test_closed_port_is_no_answer(settings: Settings) -> None:
    with AlipayChannel().running() as channel:
        settings.ALIPAY = channel.settings
    with pytest.raises(ChannelUnreachable):
        Alipay().query(instruction())


def test_good_answer_about_another_refund_is_no_answer(channel: AlipayChannel, alipay: Alipay) -> None:
    """A signed answer can be kept and played again; it still says which refund it was about."""
    kept: list[Response] = []
    channel.spoil = lambda answer: kept.append(answer) or answer  # type: ignore[func-returns-value]
    channel.faults.extend([Fault.GARBLED, Fault.GARBLED])
    alipay.refund(instruction("RT1"))
    alipay.query(instruction("RT1"))
    channel.pay("2025111022001400000000000002", 10_000)
    other = instruction("RT2", of="2025111022001400000000000002")
    channel.spoil = lambda _answer: kept.pop(0)
    channel.faults.extend([Fault.GARBLED, Fault.GARBLED])
    for call in (alipay.refund, alipay.query):
        with pytest.raises(ChannelUnreachable, match="another"):
            call(other)


def test_refund_that_the_bank_sent_on_to_the_balance_has_arrived(
    channel: AlipayChannel, alipay: Alipay
) -> None:
    channel.pay("2025111022001400000000000003", 10_000, bank_card=True)
    of_card = instruction(of="2025111022001400000000000003")
    assert alipay.refund(of_card).status is Status.SUCCEEDED
    channel.fail_after_success("RT1")
    assert alipay.query(of_card).status is Status.SUCCEEDED
    assert alipay.parse(*channel.bank_message("RT1"), NOON).refund_number == "RT1"


def test_calls_signed_with_another_key_move_nothing(channel: AlipayChannel, settings: Settings) -> None:
    settings.ALIPAY = channel.settings | {"private_key": rsa_pair("stranger")[0]}
    with pytest.raises(ChannelUnreachable, match=r"isv\.invalid-signature"):
        Alipay().refund(instruction())
    assert channel.trades[PAYMENT].refunded == 0


def test_answers_of_another_alipay_are_not_believed(channel: AlipayChannel, settings: Settings) -> None:
    settings.ALIPAY = channel.settings | {"public_key": rsa_pair("stranger")[1]}
    with pytest.raises(ChannelUnreachable, match="AliPayValidationError"):
        Alipay().query(instruction())


@pytest.mark.parametrize("name", ["app_id", "seller_id", "private_key", "public_key"])
def test_missing_key_is_named(channel: AlipayChannel, settings: Settings, name: str) -> None:
    settings.ALIPAY = channel.settings | {name: ""}
    with pytest.raises(NoGateway, match=f"ALIPAY_{name.upper()}$"):
        Alipay()


@pytest.mark.parametrize("text", ["nonsense", "-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----"])
@pytest.mark.parametrize("name", ["private_key", "public_key"])
def test_unreadable_key_is_no_gateway(
    channel: AlipayChannel, settings: Settings, name: str, text: str
) -> None:
    settings.ALIPAY = channel.settings | {name: text}
    with pytest.raises(NoGateway, match=f"ALIPAY_{name.upper()}"):
        Alipay()


def test_public_key_in_place_of_the_private_one_is_no_gateway(
    channel: AlipayChannel, settings: Settings
) -> None:
    settings.ALIPAY = channel.settings | {"private_key": channel.public_key}
    with pytest.raises(NoGateway, match="ALIPAY_PRIVATE_KEY"):
        Alipay()


def test_keys_on_one_line_are_read(channel: AlipayChannel, settings: Settings) -> None:
    on_one_line = {name: value.replace("\n", "\\n") for name, value in channel.settings.items()}
    settings.ALIPAY = on_one_line
    settings.SANDBOX_ANSWERS_FOR = []
    gateways._gateway.cache_clear()
    assert gateways.for_channel("alipay").refund(instruction()).status is Status.SUCCEEDED
    gateways._gateway.cache_clear()


def test_statement_lists_the_refunds_of_the_day_and_of_no_other(
    channel: AlipayChannel, alipay: Alipay
) -> None:
    alipay.refund(instruction("RT1", 2_550))
    wait(channel, seconds=3)
    alipay.refund(instruction("RT2", 1))
    channel.now = lambda: datetime(2025, 11, 11, tzinfo=SHANGHAI)
    alipay.refund(instruction("RT3", 99))
    channel.now = lambda: NOON + timedelta(days=2)
    entries = [(e.number, e.channel_no, e.money, e.status, e.at) for e in alipay.statement(DAY)]
    assert entries == [
        ("RT1", PAYMENT, Money(2_550, "CNY"), Status.SUCCEEDED, NOON),
        ("RT2", PAYMENT, Money(1, "CNY"), Status.SUCCEEDED, NOON + timedelta(seconds=3)),
    ]
    assert [entry.number for entry in alipay.statement(date(2025, 11, 11))] == ["RT3"]


def test_no_bill_means_no_trade_once_it_is_due(channel: AlipayChannel, alipay: Alipay) -> None:
    assert list(alipay.statement(date(2025, 11, 1))) == []
    with pytest.raises(ChannelUnreachable, match="not there yet"):
        alipay.statement(datetime.now(SHANGHAI).date())


def test_refused_statement_names_the_code(channel: AlipayChannel, alipay: Alipay) -> None:
    channel.faults.append(Fault.ERROR)
    with pytest.raises(ChannelUnreachable, match=r"ACQ\.SYSTEM_ERROR"):
        alipay.statement(DAY)


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.DROP_AFTER, Fault.GARBLED, Fault.ERROR])
@pytest.mark.parametrize("spoil", [cut_off, talk_nonsense])
def test_bill_that_does_not_arrive_whole_is_no_statement(
    channel: AlipayChannel, alipay: Alipay, spoil: Callable[[Response], Response], fault: Fault
) -> None:
    alipay.refund(instruction())
    channel.now = lambda: NOON + timedelta(days=1)
    channel.spoil, channel.outage = only_the_file(spoil), Response(503, {}, b"")
    channel.faults.extend([Fault.GARBLED, fault])
    with pytest.raises(ChannelUnreachable):
        alipay.statement(DAY)
    assert [call for call in channel.calls if "/bill?" in call]


def only_the_file(spoil: Callable[[Response], Response]) -> Callable[[Response], Response]:
    """Leave the answer with the address alone and garble the file."""
    return lambda answer: spoil(answer) if answer.headers["Content-Type"] == "application/zip" else answer


def test_bill_whose_address_has_expired_is_no_statement(channel: AlipayChannel, alipay: Alipay) -> None:
    def slowly() -> Any:
        moments.append(moments[-1] + timedelta(seconds=16))
        return moments[-1]

    alipay.refund(instruction())
    moments = [NOON + timedelta(days=1)]
    channel.now = slowly
    with pytest.raises(ChannelUnreachable, match="403"):
        alipay.statement(DAY)
