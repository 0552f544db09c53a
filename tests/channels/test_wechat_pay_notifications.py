"""WeChat Pay's notifications: which are believed, and that nothing else comes out of a forged one than a refusal."""

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http.request import HttpHeaders
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wechatpayv3 import WeChatPay, WeChatPayType  # type: ignore[import-untyped]

from marketplace.payments.gateways.base import BadNotification, Notice, Subject
from marketplace.payments.gateways.wechat_pay import SIGNATURE_TYPE, SIGNED, WechatPay

from .wechat_pay import WechatPayChannel
from .wechat_pay_cast import MINUTE, NUMBER, PART, PAYMENT, gateway_of, running

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
TOLERANCE = 5 * MINUTE
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def channel() -> Iterator[WechatPayChannel]:
    with running(WechatPayChannel) as channel:
        gateway_of(channel).refund(PART)
        yield channel


@pytest.fixture(scope="module")
def gateway(channel: WechatPayChannel) -> WechatPay:
    return gateway_of(channel)


@pytest.fixture(autouse=True)
def _no_call(channel: WechatPayChannel) -> Iterator[None]:
    """Whatever a notification holds, nobody is asked about it."""
    channel.calls.clear()
    channel.turns.clear()
    yield
    assert channel.calls == []


def parse(gateway: WechatPay, headers: Mapping[str, str], body: bytes, now: datetime | None = None) -> Notice:
    """As Django hands the headers over."""
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return gateway.parse(HttpHeaders(environ), body, now or datetime.now(UTC))


def refuse(gateway: WechatPay, reason: str, headers: Mapping[str, str], body: bytes, **more: Any) -> None:
    with pytest.raises(BadNotification) as refusal:
        parse(gateway, headers, body, **more)
    assert refusal.value.reason == reason


# --- Believed ---


@pytest.mark.parametrize("state", ["SUCCESS", "ABNORMAL", "CLOSED"])
def test_notice_of_a_refund_names_refund_and_payment(
    channel: WechatPayChannel, gateway: WechatPay, state: str
) -> None:
    channel.turns[NUMBER] = state
    headers, body = channel.notification(NUMBER)
    event_id = json.loads(body)["id"]
    notice = parse(gateway, headers, body)
    assert notice == Notice(event_id, Subject.REFUND, refund_number=NUMBER, channel_no=PAYMENT)


def test_notice_of_a_complaint_is_a_dispute(channel: WechatPayChannel, gateway: WechatPay) -> None:
    headers, body = channel.complaint("200201820200101080076610000")
    notice = parse(gateway, headers, body)
    assert (notice.subject, notice.dispute_no) == (Subject.DISPUTE, "200201820200101080076610000")


def test_notice_of_anything_else_is_other(channel: WechatPayChannel, gateway: WechatPay) -> None:
    headers, body = channel.event("TRANSACTION.SUCCESS", {"mchid": channel.mchid, "transaction_id": PAYMENT})
    assert parse(gateway, headers, body).subject is Subject.OTHER


def test_missing_signature_type_is_the_one_there_is(channel: WechatPayChannel, gateway: WechatPay) -> None:
    headers, body = channel.notification(NUMBER)
    assert parse(gateway, without(headers, SIGNATURE_TYPE), body).refund_number == NUMBER


def test_acknowledgement_is_empty(gateway: WechatPay) -> None:
    assert (gateway.acknowledgement.status, gateway.acknowledgement.body) == (204, b"")


# --- Time ---


@pytest.mark.parametrize("off", [-TOLERANCE, TOLERANCE])
def test_five_minutes_off_is_still_in_time(
    channel: WechatPayChannel, gateway: WechatPay, off: timedelta
) -> None:
    _headers, body = channel.notification(NUMBER)
    assert parse(gateway, channel.sign(body, NOW + off), body, NOW).refund_number == NUMBER


@pytest.mark.parametrize(
    "signed_at", [NOW - TOLERANCE - SECOND, NOW + TOLERANCE + SECOND, datetime(2001, 1, 1, tzinfo=UTC)]
)
def test_notification_of_another_time_is_stale(
    channel: WechatPayChannel, gateway: WechatPay, signed_at: datetime
) -> None:
    _headers, body = channel.notification(NUMBER)
    refuse(gateway, "stale", channel.sign(body, signed_at), body, now=NOW)


def test_the_library_alone_believes_one_of_2001(channel: WechatPayChannel, gateway: WechatPay) -> None:
    """The control: without our check of the time it would pass."""
    _headers, body = channel.notification(NUMBER)
    headers = channel.sign(body, datetime(2001, 1, 1, tzinfo=UTC))
    assert bare_library(channel).callback(headers, body)["resource"]["out_refund_no"] == NUMBER


def bare_library(channel: WechatPayChannel) -> Any:
    keys = channel.settings
    library = WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=keys["mchid"],
        private_key=keys["private_key"],
        cert_serial_no=keys["serial"],
        appid=keys["appid"],
        apiv3_key=keys["apiv3_key"],
        public_key=keys["public_key"],
        public_key_id=keys["public_key_id"],
        timeout=5,
    )
    library._core._gate_way = channel.url
    return library


# --- Signature ---


def changed(text: str) -> str:
    return ("1" if text[0] != "1" else "2") + text[1:]


def without(headers: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key != name}


@pytest.mark.parametrize("part", ["Wechatpay-Signature", "Wechatpay-Nonce", "Wechatpay-Serial"])
def test_changed_header_breaks_the_signature(
    channel: WechatPayChannel, gateway: WechatPay, part: str
) -> None:
    headers, body = channel.notification(NUMBER)
    refuse(gateway, "signature", {**headers, part: changed(headers[part])}, body)


@pytest.mark.parametrize("by", [-1, 1])
def test_changed_time_breaks_the_signature(channel: WechatPayChannel, gateway: WechatPay, by: int) -> None:
    headers, body = channel.notification(NUMBER)
    moved = str(int(headers["Wechatpay-Timestamp"]) + by)
    refuse(gateway, "signature", {**headers, "Wechatpay-Timestamp": moved}, body)


@pytest.mark.parametrize("change", [b" ", b"\n", b"{}"])
def test_changed_body_breaks_the_signature(
    channel: WechatPayChannel, gateway: WechatPay, change: bytes
) -> None:
    headers, body = channel.notification(NUMBER)
    refuse(gateway, "signature", headers, body + change)
    refuse(gateway, "signature", headers, body.replace(b"REFUND", b"REFUNT"))


@pytest.mark.parametrize("rest", ["", "AAAA", "signature"])
def test_probe_of_the_channel_is_refused(channel: WechatPayChannel, gateway: WechatPay, rest: str) -> None:
    """WeChat Pay sends wrong signatures at times to see that they are refused."""
    headers, body = channel.notification(NUMBER)
    rest = headers["Wechatpay-Signature"] if rest == "signature" else rest
    refuse(gateway, "signature", {**headers, "Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{rest}"}, body)


def test_other_algorithm_is_refused(channel: WechatPayChannel, gateway: WechatPay) -> None:
    headers, body = channel.notification(NUMBER)
    refuse(gateway, "signature", {**headers, SIGNATURE_TYPE: "WECHATPAY2-SM2-WITH-SM3"}, body)


def test_unknown_key_is_refused_without_asking_anybody(channel: WechatPayChannel, gateway: WechatPay) -> None:
    headers, body = channel.notification(NUMBER)
    unknown = {**headers, "Wechatpay-Serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"}
    refuse(gateway, "signature", unknown, body)
    assert channel.calls == []
    # The control: the library alone asks, and a stranger makes us call as often as he likes.
    with contextlib.suppress(Exception):
        bare_library(channel).callback(unknown, body)
    assert channel.calls == ["GET /v3/certificates"]
    channel.calls.clear()


@pytest.mark.parametrize("name", SIGNED)
def test_each_missing_header_is_named(channel: WechatPayChannel, gateway: WechatPay, name: str) -> None:
    headers, body = channel.notification(NUMBER)
    refuse(gateway, "malformed", without(headers, name), body)
    refuse(gateway, "malformed", {**headers, name: ""}, body)


@pytest.mark.parametrize("time", ["now", "1" * 5000, "1.5", "-", "２０２６x"])
def test_time_that_is_none_is_malformed(channel: WechatPayChannel, gateway: WechatPay, time: str) -> None:
    headers, body = channel.notification(NUMBER)
    refuse(gateway, "malformed", {**headers, "Wechatpay-Timestamp": time}, body)


# --- Content ---


def test_notice_of_another_merchant_is_not_ours(channel: WechatPayChannel, gateway: WechatPay) -> None:
    refuse(gateway, "not_ours", *channel.notification(NUMBER, mchid="1900000110"))


def test_notice_sealed_with_another_key_is_not_ours(channel: WechatPayChannel, gateway: WechatPay) -> None:
    told = {"mchid": channel.mchid, "out_refund_no": NUMBER, "transaction_id": PAYMENT}
    refuse(gateway, "not_ours", *channel.event("REFUND.SUCCESS", told, apiv3_key="f" * 32))


REFUND = {"out_refund_no": NUMBER, "transaction_id": PAYMENT}


@pytest.mark.parametrize(
    ("event_type", "told", "envelope"),
    [
        ("REFUND.SUCCESS", [], {}),
        ("REFUND.SUCCESS", "text", {}),
        ("REFUND.SUCCESS", None, {}),
        ("REFUND.SUCCESS", {**REFUND, "out_refund_no": ""}, {}),
        ("REFUND.SUCCESS", {**REFUND, "out_refund_no": 7}, {}),
        ("REFUND.SUCCESS", {"out_refund_no": NUMBER}, {}),
        ("COMPLAINT.CREATE", {}, {}),
        ("REFUND.SUCCESS", REFUND, {"id": None}),
        ("REFUND.SUCCESS", REFUND, {"event_type": 1}),
        ("REFUND.SUCCESS", REFUND, {"resource": None}),
        ("REFUND.SUCCESS", REFUND, {"resource": {}}),
    ],
)
def test_sealed_nonsense_is_malformed(
    channel: WechatPayChannel, gateway: WechatPay, event_type: str, told: Any, envelope: dict[str, Any]
) -> None:
    refuse(gateway, "malformed", *channel.event(event_type, told, **envelope))


def test_seal_of_another_algorithm_is_malformed(channel: WechatPayChannel, gateway: WechatPay) -> None:
    _headers, body = channel.notification(NUMBER)
    body = body.replace(b"AEAD_AES_256_GCM", b"AEAD_SM4_GCM")
    refuse(gateway, "malformed", channel.sign(body), body)


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"7", b"\xff\xfe", b"[" * 200_000, b"{}"])
def test_signed_nonsense_is_malformed(channel: WechatPayChannel, gateway: WechatPay, body: bytes) -> None:
    refuse(gateway, "malformed", channel.sign(body), body)


# --- Anything at all ---

FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
VALUES = st.text(max_size=40) | st.integers().map(str) | st.just("1795161600")
NOTHING: st.SearchStrategy[dict[str, Any]] = st.just({})
ENVELOPES = NOTHING | st.dictionaries(st.sampled_from(["id", "event_type", "resource"]), JSON, max_size=2)
SEALS = NOTHING | st.dictionaries(
    st.sampled_from(["algorithm", "nonce", "ciphertext", "associated_data"]), JSON, max_size=2
)
WORDS = st.text(min_size=1, max_size=8)
TOLD = (
    st.fixed_dictionaries(dict.fromkeys((*REFUND, "complaint_id"), WORDS))
    | st.fixed_dictionaries(dict.fromkeys((*REFUND, "complaint_id", "mchid"), WORDS | JSON))
    | JSON
)


def is_refused_or_read(gateway: WechatPay, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    try:
        notice = gateway.parse(headers, body, now)
    except BadNotification as refusal:
        assert refusal.reason in BadNotification.REASONS
    else:
        assert notice.event_id
        assert bool(notice.refund_number) == (notice.subject is Subject.REFUND)
        assert bool(notice.dispute_no) == (notice.subject is Subject.DISPUTE)


@FUZZ
@given(headers=st.dictionaries(st.sampled_from([*SIGNED, SIGNATURE_TYPE]), VALUES), body=st.binary())
def test_anything_unsigned_is_refused(
    channel: WechatPayChannel, gateway: WechatPay, headers: dict[str, str], body: bytes
) -> None:
    for serial in (headers.get("Wechatpay-Serial", ""), channel.public_key_id):
        with pytest.raises(BadNotification):
            gateway.parse({**headers, "Wechatpay-Serial": serial}, body, NOW)


@FUZZ
@given(body=st.binary() | JSON.map(lambda told: json.dumps(told).encode()))
def test_anything_signed_is_refused_or_read(
    channel: WechatPayChannel, gateway: WechatPay, body: bytes
) -> None:
    is_refused_or_read(gateway, channel.sign(body, NOW), body, NOW)


@FUZZ
@given(
    event_type=st.sampled_from(["REFUND.SUCCESS", "COMPLAINT.CREATE", "TRANSACTION.SUCCESS"]),
    told=TOLD,
    envelope=ENVELOPES,
    seal=SEALS,
)
def test_anything_sealed_is_refused_or_read(
    channel: WechatPayChannel,
    gateway: WechatPay,
    event_type: str,
    told: Any,
    envelope: dict[str, Any],
    seal: dict[str, Any],
) -> None:
    _headers, body = channel.event(event_type, told, **envelope)
    event = json.loads(body)
    if isinstance(event["resource"], dict):
        event["resource"] |= seal
    body = json.dumps(event).encode()
    is_refused_or_read(gateway, channel.sign(body, NOW), body, NOW)


def test_signature_of_other_letters_is_refused(channel: WechatPayChannel, gateway: WechatPay) -> None:
    headers, body = channel.notification(NUMBER)
    signature = base64.b64decode(headers["Wechatpay-Signature"])
    for index in (0, len(signature) // 2, len(signature) - 1):
        flipped = bytes(byte ^ (place == index) for place, byte in enumerate(signature))
        refuse(
            gateway, "signature", {**headers, "Wechatpay-Signature": base64.b64encode(flipped).decode()}, body
        )
