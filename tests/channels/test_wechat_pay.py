"""WeChat Pay: what every answer means, what is believed of an answer, and that no repeat pays twice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplace.kernel.money import Money
from marketplace.payments.gateways import wechat_pay
from marketplace.payments.gateways.base import ChannelUnreachable, Instruction, NoGateway, Result, Status
from marketplace.payments.gateways.wechat_pay import WechatPay

from .keys import rsa_pair
from .server import Fault, Response
from .wechat_pay import WechatPayChannel
from .wechat_pay_cast import MINUTE, NUMBER, PART, PAYMENT, TOTAL, gateway_of, later, running


@pytest.fixture
def channel() -> Iterator[WechatPayChannel]:
    with running(WechatPayChannel) as channel:
        yield channel


@pytest.fixture
def gateway(channel: WechatPayChannel) -> WechatPay:
    return gateway_of(channel)


# --- States ---


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        ("PROCESSING", Status.PENDING, ""),
        ("SUCCESS", Status.SUCCEEDED, ""),
        ("CLOSED", Status.REFUSED, "CLOSED"),
        ("ABNORMAL", Status.ABNORMAL, "ABNORMAL"),
        ("NOT_YET_INVENTED", Status.PERSON, "NOT_YET_INVENTED"),
    ],
)
def test_each_state_means_the_same_in_a_refund_and_in_a_query(
    channel: WechatPayChannel, gateway: WechatPay, state: str, status: Status, code: str
) -> None:
    channel.turns[NUMBER] = state
    answer = gateway.refund(PART)
    assert answer == Result(status, channel.refunds[NUMBER].refund_id, code)
    assert gateway.query(PART) == answer


def test_accepted_refund_is_pending_until_it_settles(channel: WechatPayChannel, gateway: WechatPay) -> None:
    channel.settles_after = 5 * MINUTE
    assert gateway.refund(PART).status is Status.PENDING
    later(channel, 5 * MINUTE)
    assert gateway.query(PART).status is Status.SUCCEEDED


def test_success_that_is_undone_is_told_by_the_next_query(
    channel: WechatPayChannel, gateway: WechatPay
) -> None:
    assert gateway.refund(PART).status is Status.SUCCEEDED
    channel.turns[NUMBER] = "ABNORMAL"
    assert gateway.query(PART).status is Status.ABNORMAL


# --- Errors ---

CODES = [
    (500, "SYSTEM_ERROR", Status.RETRY),
    (429, "FREQUENCY_LIMITED", Status.RETRY),
    (429, "RATELIMIT_EXCEED", Status.RETRY),
    (403, "NOT_ENOUGH", Status.TOP_UP),
    (403, "USER_ACCOUNT_ABNORMAL", Status.REFUSED),
    (400, "INVALID_REQUEST", Status.PERSON),
    (400, "PARAM_ERROR", Status.PERSON),
    (401, "SIGN_ERROR", Status.PERSON),
    (404, "MCH_NOT_EXISTS", Status.PERSON),
    (403, "NO_AUTH", Status.PERSON),
    (404, "RESOURCE_NOT_EXISTS", Status.PERSON),
    (403, "NOT_YET_INVENTED", Status.PERSON),
    (429, "NOT_YET_INVENTED", Status.RETRY),
    (503, "NOT_YET_INVENTED", Status.RETRY),
]


@pytest.mark.parametrize(("http", "code", "status"), CODES)
def test_each_error_of_a_refund_has_its_meaning(
    channel: WechatPayChannel, gateway: WechatPay, http: int, code: str, status: Status
) -> None:
    channel.refusal = http, code
    assert gateway.refund(PART) == Result(status, error_code=code, error_detail="as told")


@pytest.mark.parametrize(("http", "code", "status"), CODES)
def test_each_error_of_a_query_has_the_same_meaning_but_that_of_no_such_refund(
    channel: WechatPayChannel, gateway: WechatPay, http: int, code: str, status: Status
) -> None:
    channel.refusal = http, code
    assert gateway.query(PART).status is (Status.UNKNOWN if code == "RESOURCE_NOT_EXISTS" else status)


def test_every_code_of_the_table_is_tested() -> None:
    assert {code for _http, code, _status in CODES} >= set(wechat_pay.ERRORS)


def refuse_over_refund(channel: WechatPayChannel, gateway: WechatPay) -> Instruction:
    gateway.refund(PART)
    later(channel, MINUTE)
    return PART._replace(number="RT-2", money=Money(TOTAL - 4900 + 1, "CNY"))


def refuse_fifty_first(channel: WechatPayChannel, gateway: WechatPay) -> Instruction:
    for index in range(50):
        gateway.refund(PART._replace(number=f"RT-{index}", money=Money(1, "CNY")))
        later(channel, MINUTE)
    return PART._replace(money=Money(1, "CNY"))


def refuse_second_within_a_minute(channel: WechatPayChannel, gateway: WechatPay) -> Instruction:
    gateway.refund(PART)
    later(channel, MINUTE - timedelta(seconds=1))
    return PART._replace(number="RT-2", money=Money(1, "CNY"))


def refuse_other_amount(channel: WechatPayChannel, gateway: WechatPay) -> Instruction:
    gateway.refund(PART)
    later(channel, MINUTE)
    return PART._replace(money=Money(4901, "CNY"))


def refuse_after_a_year(channel: WechatPayChannel, gateway: WechatPay) -> Instruction:
    later(channel, timedelta(days=365, seconds=1))
    return PART


def refuse_closed_account(channel: WechatPayChannel, gateway: WechatPay) -> Instruction:
    channel.payments[PAYMENT].is_account_closed = True
    return PART


def refuse_wrong_clock(channel: WechatPayChannel, gateway: WechatPay) -> Instruction:
    channel.skew = 6 * MINUTE
    return PART


@pytest.mark.parametrize(
    ("arrange", "code", "status"),
    [
        (refuse_over_refund, "INVALID_REQUEST", Status.PERSON),
        (refuse_fifty_first, "INVALID_REQUEST", Status.PERSON),
        (refuse_second_within_a_minute, "FREQUENCY_LIMITED", Status.RETRY),
        (refuse_other_amount, "INVALID_REQUEST", Status.PERSON),
        (refuse_after_a_year, "INVALID_REQUEST", Status.PERSON),
        (refuse_closed_account, "USER_ACCOUNT_ABNORMAL", Status.REFUSED),
        (refuse_wrong_clock, "SIGN_ERROR", Status.PERSON),
        (lambda *_: PART._replace(captured=Money(TOTAL + 1, "CNY")), "INVALID_REQUEST", Status.PERSON),
        (lambda *_: PART._replace(number="RT 1"), "PARAM_ERROR", Status.PERSON),
        (lambda *_: PART._replace(number="R" * 65), "PARAM_ERROR", Status.PERSON),
        (lambda *_: PART._replace(channel_no="unheard-of"), "RESOURCE_NOT_EXISTS", Status.PERSON),
    ],
)
def test_what_the_channel_refuses_changes_nothing_in_its_books(
    channel: WechatPayChannel, gateway: WechatPay, arrange: Any, code: str, status: Status
) -> None:
    instruction = arrange(channel, gateway)
    before = {number: replace(refund) for number, refund in channel.refunds.items()}
    answer = gateway.refund(instruction)
    assert (answer.error_code, answer.status) == (code, status)
    assert channel.refunds == before


def test_refund_without_balance_succeeds_under_its_number_after_the_top_up(
    channel: WechatPayChannel, gateway: WechatPay
) -> None:
    channel.balance = 4899
    assert gateway.refund(PART).status is Status.TOP_UP
    assert gateway.query(PART).status is Status.UNKNOWN
    channel.balance = 4900
    assert gateway.refund(PART).status is Status.SUCCEEDED
    assert channel.balance == 0


def test_number_of_all_allowed_letters_can_be_asked_for(
    channel: WechatPayChannel, gateway: WechatPay
) -> None:
    odd = PART._replace(number="aZ09_-|*@")
    assert gateway.query(odd).status is Status.UNKNOWN
    gateway.refund(odd)
    assert gateway.query(odd).status is Status.SUCCEEDED


def test_request_signed_with_another_key_is_our_mistake(channel: WechatPayChannel) -> None:
    stranger = gateway_of(channel, private_key=rsa_pair("stranger")[0])
    answer = stranger.refund(PART)
    assert (answer.status, answer.error_code) == (Status.PERSON, "SIGN_ERROR")
    assert not channel.refunds


# --- Lost answers ---


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.ERROR_AFTER])
def test_system_error_is_tried_again_and_paid_once(
    channel: WechatPayChannel, gateway: WechatPay, fault: Fault
) -> None:
    channel.faults.append(fault)
    assert gateway.refund(PART).status is Status.RETRY
    assert gateway.refund(PART).status is Status.SUCCEEDED
    assert (len(channel.refunds), channel.refunded(PAYMENT)) == (1, 4900)


@pytest.mark.parametrize(
    ("fault", "known"),
    [(Fault.DROP, Status.UNKNOWN), (Fault.DROP_AFTER, Status.SUCCEEDED), (Fault.GARBLED, Status.SUCCEEDED)],
)
def test_lost_answer_is_found_by_the_query_and_paid_once(
    channel: WechatPayChannel, gateway: WechatPay, fault: Fault, known: Status
) -> None:
    channel.faults.append(fault)
    with pytest.raises(ChannelUnreachable):
        gateway.refund(PART)
    assert gateway.query(PART).status is known
    assert gateway.refund(PART).status is Status.SUCCEEDED
    assert (len(channel.refunds), channel.refunded(PAYMENT)) == (1, 4900)


def test_slow_answer_is_not_waited_for(channel: WechatPayChannel) -> None:
    hasty = gateway_of(channel, timeout=0.1)
    channel.faults.append(Fault.SLOW)
    with pytest.raises(ChannelUnreachable):
        hasty.refund(PART)
    assert gateway_of(channel).refund(PART).status is Status.SUCCEEDED
    assert channel.refunded(PAYMENT) == 4900


def test_closed_port_is_unreachable() -> None:
    with running(WechatPayChannel) as channel:
        gateway = gateway_of(channel)
    with pytest.raises(ChannelUnreachable):
        gateway.refund(PART)


# --- What is believed of an answer ---


class Replaying(WechatPayChannel):
    def sign(self, body: bytes, at: datetime | None = None) -> dict[str, str]:
        return super().sign(body, datetime.now(UTC) - 6 * MINUTE)


class OtherKey(WechatPayChannel):
    def sign(self, body: bytes, at: datetime | None = None) -> dict[str, str]:
        return {**super().sign(body, at), "Wechatpay-Serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"}


class Unsigned(WechatPayChannel):
    def sign(self, body: bytes, at: datetime | None = None) -> dict[str, str]:
        return {}


class AboutAnother(WechatPayChannel):
    def _told(self, refund: Any) -> dict[str, Any]:
        return {**super()._told(refund), "out_refund_no": "RT-OTHER"}


class Listing(WechatPayChannel):
    def _told(self, refund: Any) -> Any:
        return [super()._told(refund)]


@pytest.mark.parametrize("kind", [Replaying, OtherKey, Unsigned, AboutAnother, Listing])
def test_answer_that_is_not_surely_this_ones_is_no_answer(kind: type[WechatPayChannel]) -> None:
    with running(kind) as channel:
        with pytest.raises(ChannelUnreachable):
            gateway_of(channel).refund(PART)
        assert channel.calls == ["POST /v3/refund/domestic/refunds"]  # and no certificate was asked for


class BehindProxy(WechatPayChannel):
    page = Response(502, {"Content-Type": "text/html"}, b"<h1>Bad Gateway</h1>")

    def system_error(self) -> Response:
        return self.page


@pytest.mark.parametrize("body", [b"<h1>Bad Gateway</h1>", b'{"error": "bad gateway"}', b"[]", b"", b"\xff"])
def test_error_in_words_not_of_the_channel_is_no_answer(body: bytes) -> None:
    with running(BehindProxy) as channel:
        channel.page = channel.page._replace(body=body)
        channel.faults.append(Fault.ERROR)
        with pytest.raises(ChannelUnreachable):
            gateway_of(channel).refund(PART)


def test_half_an_error_is_no_answer(channel: WechatPayChannel, gateway: WechatPay) -> None:
    channel.refusal = 403, "USER_ACCOUNT_ABNORMAL"
    channel.faults.append(Fault.GARBLED)
    with pytest.raises(ChannelUnreachable):
        gateway.refund(PART)


@pytest.mark.parametrize(
    "theirs",
    [
        PART._replace(money=Money(100, "CNY")),
        PART._replace(channel_no="4200-other", captured=Money(5000, "CNY")),
    ],
)
def test_success_of_another_refund_under_our_number_goes_to_a_person(
    channel: WechatPayChannel, gateway: WechatPay, theirs: Instruction
) -> None:
    channel.pay("4200-other", 5000)
    gateway.refund(theirs)
    answer = gateway.query(PART)
    assert (answer.status, answer.error_code) == (Status.PERSON, "OTHER_REFUND")


# --- Keys ---


@pytest.mark.parametrize("name", wechat_pay.KEYS)
def test_missing_key_is_named(channel: WechatPayChannel, name: str) -> None:
    with pytest.raises(NoGateway, match=rf"^wechat_pay: WECHAT_PAY_{name.upper()} not set$"):
        gateway_of(channel, **{name: ""})


@pytest.mark.parametrize(
    ("name", "text"), [("private_key", "no key"), ("public_key", "no key"), ("apiv3_key", "too short")]
)
def test_unreadable_key_is_no_gateway(channel: WechatPayChannel, name: str, text: str) -> None:
    with pytest.raises(NoGateway, match="KEY"):
        gateway_of(channel, **{name: text})


def test_keys_written_on_one_line_are_read(channel: WechatPayChannel) -> None:
    names = ("private_key", "public_key")
    one_line = gateway_of(channel, **{name: channel.settings[name].replace("\n", "\\n") for name in names})
    assert one_line.refund(PART).status is Status.SUCCEEDED
