"""Nobody but a channel gets a row, and nothing anybody sends is a server error."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.kernel.models import OutboxJob
from marketplace.payments.models import Notification
from refunds.operations import news
from tests.cases import work
from tests.people import Cast

from .sides import SIDES, Side, Told, deliver, running, sent

FUZZ = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
HEADERS = [
    "Stripe-Signature",
    "Wechatpay-Serial",
    "Wechatpay-Signature",
    "Wechatpay-Signature-Type",
    "Wechatpay-Timestamp",
    "Wechatpay-Nonce",
    "Content-Type",
    "Accept",
    "X-Forwarded-For",
    "Host",
]
# What a header may hold on the wire: HTTP servers refuse control characters, the rest comes as Latin-1.
values = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=80)
bodies = st.one_of(
    st.binary(max_size=300),
    st.text(st.characters(codec="utf-8"), max_size=100).map(str.encode),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
)


@pytest.fixture(params=sorted(SIDES))
def side(request: pytest.FixtureRequest, settings: Any) -> Iterator[Side]:
    with running(request.param, settings) as side:
        yield side


def refuse(side: Side, told: Told) -> None:
    answer = deliver(side, told)
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.content)
    assert not Notification.objects.exists()
    assert not OutboxJob.objects.filter(task="refunds.take_notification").exists()


def test_arbitrary_bytes_and_headers_are_refused(db: None, side: Side) -> None:
    @FUZZ
    @given(st.dictionaries(st.sampled_from(HEADERS), values), bodies)
    def run(headers: dict[str, str], body: bytes) -> None:
        refuse(side, (headers, body))

    run()


def test_right_notification_with_anything_else_in_its_place_is_refused(cast: Cast, side: Side) -> None:
    """One byte of the body, or one signed header, is another."""
    transfer = sent(cast, side)
    headers, body = side.news(transfer.number)

    # Signature-Type is not signed itself, and a channel may leave it out.
    signed = sorted(headers.keys() & set(HEADERS) - {"Content-Type", "Wechatpay-Signature-Type"})

    @FUZZ
    @given(st.data())
    def run(data: st.DataObject) -> None:
        part = data.draw(st.sampled_from(["body", *signed]))
        if part == "body":
            at = data.draw(st.integers(0, len(body) - 1))
            spoiled = body[:at] + bytes([data.draw(st.integers(0, 255))]) + body[at + 1 :]
            if not is_same(side, body, spoiled):
                refuse(side, (headers, spoiled))
        else:
            other = data.draw(values.filter(lambda value: value.strip() != headers[part]))
            refuse(side, ({**headers, part: other}, body))

    run()


def is_same(side: Side, body: bytes, spoiled: bytes) -> bool:
    """A form may be written in more ways than one; it is its fields that are signed."""
    if side.name != "alipay":
        return body == spoiled
    return parse_qs(body.decode("latin-1")) == parse_qs(spoiled.decode("latin-1"))


def test_signed_nonsense_is_no_error_of_ours(db: None, side: Side) -> None:
    """The channel itself sends what no document describes: kept if it can be, refused if not."""
    words = st.text(max_size=20) | st.sampled_from(
        ["x" * 300, "\x00", "refund.failed", "charge.dispute.created"]
    )
    anything = st.recursive(
        words | st.none() | st.integers() | st.booleans(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
        max_leaves=10,
    )

    @FUZZ
    @given(st.data())
    def run(data: st.DataObject) -> None:
        told = nonsense(side, data, words, anything)
        answer = deliver(side, told)
        assert answer.status_code in (200, 204, 400, 401), answer.content
        work()
        news.sweep_notifications(timezone.now() + 2 * news.GIVE_UP_AFTER)  # a dispute Stripe does not find
        assert not Notification.objects.filter(state="waiting").exists()
        Notification.objects.all().delete()

    run()


def nonsense(side: Side, data: st.DataObject, words: Any, anything: Any) -> Told:
    channel = side.channel
    if side.name == "stripe":
        about = data.draw(
            st.fixed_dictionaries(
                {
                    "id": words,
                    "payment_intent": words | anything,
                    "metadata": st.fixed_dictionaries({"recourse_transfer": words}) | anything,
                }
            )
        )
        event = {"id": data.draw(words), "type": data.draw(words), "data": {"object": about}}
        body = json.dumps(data.draw(st.sampled_from([event, data.draw(anything)]))).encode()
        return channel.signed(body), body
    if side.name == "wechat_pay":
        told = data.draw(
            st.fixed_dictionaries({"out_refund_no": words, "transaction_id": words, "complaint_id": words})
            | anything
        )
        kind = data.draw(st.sampled_from(["REFUND.SUCCESS", "COMPLAINT.CREATE", "PAY"]))
        signed: Told = channel.event(kind, told, id=data.draw(words))
        return signed
    fields = {
        "app_id": channel.app_id,
        "seller_id": channel.seller_id,
        "notify_time": data.draw(st.sampled_from([now_there(), "soon"])),
        "notify_id": data.draw(words),
        "refund_fee": data.draw(words),
        "out_biz_no": data.draw(words),
        "trade_no": data.draw(words),
    }
    form: Told = channel.sign_form(fields)
    return form


def now_there() -> str:
    return timezone.localtime().strftime("%Y-%m-%d %H:%M:%S")
