"""What Alipay sends by itself: nothing is believed without its signature, for our app, in its time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import pytest
from django.test import override_settings
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marketplace.kernel.businesstime import SHANGHAI
from marketplace.payments.gateways.alipay import Alipay
from marketplace.payments.gateways.base import BadNotification, Notice, Subject

from . import rsa2
from .alipay import AlipayChannel, Refund
from .keys import rsa_pair

PAYMENT = "2025111022001400000000000001"
NOW = datetime(2025, 11, 10, 12, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def channel() -> Iterator[AlipayChannel]:
    with AlipayChannel().running() as channel:
        channel.now = lambda: NOW
        channel.pay(PAYMENT, 10_000).refunds["RT1"] = Refund("RT1", 2_550, NOW, NOW, bank="F")
        yield channel


@pytest.fixture(scope="module")
def alipay(channel: AlipayChannel) -> Alipay:
    with override_settings(ALIPAY=channel.settings):
        return Alipay()


def refusal(alipay: Alipay, body: bytes, now: datetime = NOW) -> str:
    with pytest.raises(BadNotification) as refused:
        alipay.parse({}, body, now)
    assert refused.value.reason in BadNotification.REASONS
    return refused.value.reason


def test_notification_of_a_refund_names_it(channel: AlipayChannel, alipay: Alipay) -> None:
    headers, body = channel.notification("RT1", notify_id="N1")
    assert alipay.parse(headers, body, NOW) == Notice(
        "N1", Subject.REFUND, refund_number="RT1", channel_no=PAYMENT
    )


def test_bank_message_names_the_refund_it_undoes(channel: AlipayChannel, alipay: Alipay) -> None:
    headers, body = channel.bank_message("RT1", notify_id="N2")
    assert alipay.parse(headers, body, NOW) == Notice(
        "N2", Subject.REFUND, refund_number="RT1", channel_no=PAYMENT
    )


@pytest.mark.parametrize(
    "changes", [{"refund_fee": "0.00", "out_biz_no": None}, {"refund_fee": None}, {"out_biz_no": ""}]
)
def test_news_of_a_payment_names_no_refund(
    channel: AlipayChannel, alipay: Alipay, changes: dict[str, str | None]
) -> None:
    headers, body = channel.notification("RT1", notify_id="N3", **changes)
    assert alipay.parse(headers, body, NOW) == Notice("N3", Subject.OTHER, channel_no=PAYMENT)


def test_message_of_another_kind_is_only_noted(channel: AlipayChannel, alipay: Alipay) -> None:
    headers, body = channel.bank_message(
        "RT1", notify_id="N4", msg_method="alipay.merchant.tradecomplain.changed"
    )
    assert alipay.parse(headers, body, NOW) == Notice("N4", Subject.OTHER)


@pytest.mark.parametrize("kind", ["notification", "bank_message"])
def test_each_field_changed_left_out_or_added_breaks_the_signature(
    channel: AlipayChannel, alipay: Alipay, kind: str
) -> None:
    fields = dict(parse_qsl(getattr(channel, kind)("RT1")[1].decode(), strict_parsing=True))
    assert len(fields) > 8
    for name in set(fields) - {"sign_type"}:  # alone outside the signature
        changed = fields | {name: "0" + fields[name]}
        without = {other: value for other, value in fields.items() if other != name}
        assert refusal(alipay, urlencode(changed).encode()) == "signature", name
        assert refusal(alipay, urlencode(without).encode()) == "signature", name
    assert refusal(alipay, urlencode(fields | {"added": ""}).encode()) == "signature"


@pytest.mark.parametrize("sign", ["", "AAAA", "not base64!", "A", "é"])
def test_no_signature_is_good_but_alipays(channel: AlipayChannel, alipay: Alipay, sign: str) -> None:
    fields = dict(parse_qsl(channel.notification("RT1")[1].decode()))
    assert refusal(alipay, urlencode(fields | {"sign": sign}).encode()) == "signature"
    _headers, by_a_stranger = channel.notification("RT1", key=rsa_pair("stranger")[0])
    assert refusal(alipay, by_a_stranger) == "signature"
    _headers, by_ourselves = channel.notification("RT1", key=channel.app_private_key)
    assert refusal(alipay, by_ourselves) == "signature"


@pytest.mark.parametrize("sign_type", ["RSA", "MD5", "", "none"])
def test_weaker_kind_of_signature_is_refused(channel: AlipayChannel, alipay: Alipay, sign_type: str) -> None:
    fields = dict(parse_qsl(channel.notification("RT1")[1].decode()))
    body = urlencode(fields | {"sign_type": sign_type}).encode()
    assert refusal(alipay, body) == "signature"


@pytest.mark.parametrize(
    "changes",
    [
        {"app_id": "2021000000000002"},
        {"app_id": None},
        {"seller_id": "2088000000000002"},
        {"seller_id": None},
    ],
)
def test_notification_for_somebody_else_is_not_ours(
    channel: AlipayChannel, alipay: Alipay, changes: dict[str, str | None]
) -> None:
    assert refusal(alipay, channel.notification("RT1", **changes)[1]) == "not_ours"


def test_message_for_another_app_is_not_ours(channel: AlipayChannel, alipay: Alipay) -> None:
    assert refusal(alipay, channel.bank_message("RT1", app_id="2021000000000002")[1]) == "not_ours"


@pytest.mark.parametrize("kind", ["notification", "bank_message"])
def test_notification_is_good_for_five_minutes_both_ways(
    channel: AlipayChannel, alipay: Alipay, kind: str
) -> None:
    headers, body = getattr(channel, kind)("RT1")
    tolerance, second = timedelta(minutes=5), timedelta(seconds=1)
    for sign in (1, -1):
        assert alipay.parse(headers, body, NOW + sign * tolerance).refund_number == "RT1"
        assert refusal(alipay, body, NOW + sign * (tolerance + second)) == "stale"
        # A clock that takes Shanghai's time for UTC is eight hours off.
        assert refusal(alipay, body, NOW + sign * timedelta(hours=8)) == "stale"


@pytest.mark.parametrize("notify_time", [None, "", "2025-11-10", "yesterday", "0000-00-00 00:00:00"])
def test_notification_without_a_time_is_malformed(
    channel: AlipayChannel, alipay: Alipay, notify_time: str | None
) -> None:
    assert refusal(alipay, channel.notification("RT1", notify_time=notify_time)[1]) == "malformed"


@pytest.mark.parametrize("utc_timestamp", [None, "", "soon", "1e3", "9" * 30, "-" + "9" * 18])
def test_message_without_a_time_is_malformed(
    channel: AlipayChannel, alipay: Alipay, utc_timestamp: str | None
) -> None:
    assert refusal(alipay, channel.bank_message("RT1", utc_timestamp=utc_timestamp)[1]) == "malformed"


@pytest.mark.parametrize("biz_content", [None, "", "{", "[]", "7", '{"trade_no":"1"}', "[" * 100_000])
def test_message_that_names_no_refund_is_malformed(
    channel: AlipayChannel, alipay: Alipay, biz_content: str | None
) -> None:
    assert refusal(alipay, channel.bank_message("RT1", biz_content=biz_content)[1]) == "malformed"


@pytest.mark.parametrize("notify_id", [None, ""])
def test_notification_without_a_number_is_malformed(
    channel: AlipayChannel, alipay: Alipay, notify_id: str | None
) -> None:
    assert refusal(alipay, channel.notification("RT1", notify_id=notify_id)[1]) == "malformed"


def test_field_hidden_in_the_one_before_it_is_found(channel: AlipayChannel, alipay: Alipay) -> None:
    """The signed text joins the fields with a bare "&": it stays the same when two are sent as one."""
    fields = dict(parse_qsl(channel.notification("RT1")[1].decode()))
    fields["notify_type"] += f"&out_biz_no={fields.pop('out_biz_no')}"
    signed = {name: value for name, value in fields.items() if name not in {"sign", "sign_type"}}
    assert rsa2.is_signed(rsa2.joined(signed), fields["sign"], channel.public_key)
    assert refusal(alipay, urlencode(fields).encode()) == "malformed"


def test_two_fields_sent_as_a_name_are_found(channel: AlipayChannel, alipay: Alipay) -> None:
    fields = dict(parse_qsl(channel.notification("RT1")[1].decode()))
    fields[f"notify_type={fields.pop('notify_type')}&out_biz_no"] = fields.pop("out_biz_no")
    signed = {name: value for name, value in fields.items() if name not in {"sign", "sign_type"}}
    assert rsa2.is_signed(rsa2.joined(signed), fields["sign"], channel.public_key)
    assert refusal(alipay, urlencode(fields).encode()) == "malformed"


@pytest.mark.parametrize("again", ["out_biz_no=RT1", "out_biz_no=RT2", "sign=", "app_id=2021000000000001"])
def test_field_sent_twice_is_malformed(channel: AlipayChannel, alipay: Alipay, again: str) -> None:
    _headers, body = channel.notification("RT1")
    assert refusal(alipay, body + b"&" + again.encode()) == "malformed"
    assert refusal(alipay, again.encode() + b"&" + body) == "malformed"


@pytest.mark.parametrize(
    "body", [b"", b"\x00", b"\xff\xfe", b"{}", b"<xml/>", b"a", b"&&&", b"=", b"a=%ff", b"a=1&" * 1_000]
)
def test_garbage_is_refused(alipay: Alipay, body: bytes) -> None:
    assert refusal(alipay, body) in {"malformed", "signature"}


def _is_signed(body: bytes, public_key: str) -> bool:
    fields = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    sign = fields.pop("sign", "")
    fields.pop("sign_type", None)
    return rsa2.is_signed(rsa2.joined(fields), sign, public_key)


def _parsed_or_refused(alipay: Alipay, channel: AlipayChannel, headers: dict[str, str], body: bytes) -> None:
    """Any other exception fails the test, and so does a notice that Alipay has not signed."""
    try:
        notice = alipay.parse(headers, body, NOW)
    except BadNotification as refused:
        assert refused.reason in BadNotification.REASONS
    else:
        assert isinstance(notice, Notice)
        assert _is_signed(body, channel.public_key)


HEADERS = st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=4)
SIGNED = st.sampled_from(
    [
        "app_id",
        "seller_id",
        "notify_id",
        "notify_time",
        "utc_timestamp",
        "msg_method",
        "biz_content",
        "refund_fee",
        "out_biz_no",
    ]
)
NAMES = st.one_of(SIGNED, st.sampled_from(["sign", "sign_type", "charset"]))
VALUES = st.one_of(
    st.sampled_from(["RSA2", AlipayChannel.app_id, AlipayChannel.seller_id]), st.text(max_size=30)
)
FORMS = st.dictionaries(NAMES, VALUES, max_size=9).map(lambda fields: urlencode(fields).encode())


@settings(max_examples=500, deadline=None)
@given(headers=HEADERS, body=st.one_of(st.binary(max_size=300), FORMS))
@example(headers={}, body=b"sign=%F0%9F%92%A9&sign_type=RSA2")
def test_nothing_unsigned_is_a_notice(
    channel: AlipayChannel, alipay: Alipay, headers: dict[str, str], body: bytes
) -> None:
    assert not _is_signed(body, channel.public_key)
    with pytest.raises(BadNotification):
        alipay.parse(headers, body, NOW)


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_good_notification_with_bytes_changed_is_refused_or_still_signed(
    channel: AlipayChannel, alipay: Alipay, data: st.DataObject
) -> None:
    _headers, good = channel.notification("RT1", notify_id="N9")
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 40)))
    inserted = data.draw(
        st.one_of(st.binary(max_size=10), st.sampled_from([b"&", b"=", b"%26", b"%00", b"+"]))
    )
    _parsed_or_refused(alipay, channel, data.draw(HEADERS), good[:start] + inserted + good[end:])


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(["notification", "bank_message"]),
    changes=st.dictionaries(SIGNED, VALUES, max_size=4),
)
def test_whatever_alipay_signs_is_a_notice_or_refused(
    channel: AlipayChannel, alipay: Alipay, kind: str, changes: dict[str, str]
) -> None:
    _parsed_or_refused(alipay, channel, *getattr(channel, kind)("RT1", **changes))
