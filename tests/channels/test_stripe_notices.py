"""What Stripe tells by itself: which notifications are believed, what is read from them, and chargebacks."""

import hmac
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel.money import Money
from marketplace.payments.gateways.base import BadNotification, Instruction, Notice, Status, Subject
from marketplace.payments.gateways.stripe import Stripe

from .stripe import StripeChannel
from .stripe_cast import PRICE, START, gateway_of, instruct, running

SECRET = "whsec_local"


@pytest.fixture
def channel() -> Iterator[StripeChannel]:
    with running() as channel:
        yield channel


@pytest.fixture
def gateway(channel: StripeChannel) -> Stripe:
    return gateway_of(channel)


def signature(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), f"{int(START.timestamp())}.".encode() + body, sha256).hexdigest()


def header(*signatures: str) -> dict[str, str]:
    return {
        "Stripe-Signature": ",".join([f"t={int(START.timestamp())}", *(f"v1={each}" for each in signatures)])
    }


def refused(gateway: Stripe, headers: dict[str, str], body: bytes, now: datetime = START) -> str:
    with pytest.raises(BadNotification) as raised:
        gateway.parse(headers, body, now)
    assert raised.value.reason in BadNotification.REASONS
    return raised.value.reason


# What is read.


@pytest.mark.parametrize(
    "kind", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"]
)
@pytest.mark.parametrize("by_intent", [True, False])
def test_refund_event_names_our_number_and_the_payment(
    channel: StripeChannel, gateway: Stripe, kind: str, by_intent: bool
) -> None:
    payment = channel.pay(PRICE, by_intent=by_intent)
    gateway.refund(Instruction("RT1", payment, PRICE, PRICE))
    headers, body = channel.notification(kind, channel.refunds[0])
    notice = gateway.parse(headers, body, START)
    assert notice == Notice(json.loads(body)["id"], Subject.REFUND, "RT1", "", payment)


@pytest.mark.parametrize("metadata", [None, {}, {"recourse_transfer": 7}, "text"])
def test_refund_that_is_not_ours_has_no_number(
    channel: StripeChannel, gateway: Stripe, metadata: object
) -> None:
    refund = {"id": "re_1", "metadata": metadata, "payment_intent": None, "charge": "ch_1"}
    notice = gateway.parse(*channel.notification("refund.created", refund), START)
    assert notice[1:] == (Subject.REFUND, "", "", "ch_1")


@pytest.mark.parametrize(("intent", "expected"), [("pi_1", "pi_1"), (None, "ch_1")])
def test_refunded_charge_names_the_payment_alone(
    channel: StripeChannel, gateway: Stripe, intent: str | None, expected: str
) -> None:
    charge = {"id": "ch_1", "payment_intent": intent, "metadata": {"recourse_transfer": "RT1"}}
    notice = gateway.parse(*channel.notification("charge.refunded", charge), START)
    assert notice[1:] == (Subject.REFUND, "", "", expected)


@pytest.mark.parametrize(
    "kind", ["created", "updated", "closed", "funds_withdrawn", "funds_reinstated", "newer"]
)
def test_dispute_event_names_the_dispute_and_the_payment(
    channel: StripeChannel, gateway: Stripe, kind: str
) -> None:
    payment = channel.pay(PRICE)
    dispute = channel.open_dispute(payment)
    notice = gateway.parse(*channel.notification(f"charge.dispute.{kind}", dispute), START)
    assert notice[1:] == (Subject.DISPUTE, "", dispute["id"], payment)


@pytest.mark.parametrize("kind", ["charge.succeeded", "payout.paid", "radar.early_fraud_warning.created"])
def test_other_events_are_told_apart_and_not_read(channel: StripeChannel, gateway: Stripe, kind: str) -> None:
    notice = gateway.parse(*channel.notification(kind, {}), START)
    assert notice[1:] == (Subject.OTHER, "", "", "")


# What is believed.


def test_any_of_several_signatures_is_enough(gateway: Stripe) -> None:
    body = b'{"id": "evt_1", "type": "payout.paid"}'
    assert gateway.parse(header("0" * 64, signature(body)), body, START).event_id == "evt_1"
    assert refused(gateway, header("0" * 64, "1" * 64), body) == "signature"


def test_notification_signed_with_another_secret_is_refused(gateway: Stripe) -> None:
    body = b'{"id": "evt_1", "type": "payout.paid"}'
    assert refused(gateway, header(signature(body, "whsec_other")), body) == "signature"


def test_tampered_notification_is_refused(channel: StripeChannel, gateway: Stripe) -> None:
    headers, body = channel.notification("charge.dispute.closed", channel.open_dispute(channel.pay(PRICE)))
    assert refused(gateway, headers, body.replace(b"needs_response", b"won")) == "signature"
    moved = headers["Stripe-Signature"].replace(
        f"t={int(START.timestamp())}", f"t={int(START.timestamp()) + 1}"
    )
    assert refused(gateway, {"Stripe-Signature": moved}, body) == "signature"


@pytest.mark.parametrize("seconds", [-301, 301, -86400, 86400])
def test_notification_of_another_time_is_stale_in_both_directions(
    channel: StripeChannel, gateway: Stripe, seconds: int
) -> None:
    headers, body = channel.notification("payout.paid", {})
    assert refused(gateway, headers, body, START + timedelta(seconds=seconds)) == "stale"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_notification_within_five_minutes_is_taken(
    channel: StripeChannel, gateway: Stripe, seconds: int
) -> None:
    headers, body = channel.notification("payout.paid", {})
    assert gateway.parse(headers, body, START + timedelta(seconds=seconds)).subject is Subject.OTHER


def test_second_time_in_the_header_does_not_freshen_an_old_notification(
    channel: StripeChannel, gateway: Stripe
) -> None:
    headers, body = channel.notification("payout.paid", {})
    later = START + timedelta(days=1)
    for both in ("{old},t={new}", "t={new},{old}"):
        line = both.format(old=headers["Stripe-Signature"], new=int(later.timestamp()))
        assert refused(gateway, {"Stripe-Signature": line}, body, later) == "signature"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "garbage",
        "t=,v1=",
        "t=1",
        "v1=00",
        "t=x,v1=00",
        "t=-1,v1=00",
        f"t={'9' * 5000},v1=00",
        "t=1,v1=é",
        "t=１,v1=0",
    ],
)
def test_header_that_proves_nothing_is_refused(gateway: Stripe, line: str) -> None:
    assert refused(gateway, {"Stripe-Signature": line}, b"{}") == "signature"


def test_time_with_something_behind_it_is_refused(gateway: Stripe) -> None:
    line = f"t={int(START.timestamp())}=9,v1={signature(b'{}')}"  # the client reads the first part alone
    assert refused(gateway, {"Stripe-Signature": line}, b"{}") == "signature"


def test_missing_header_is_refused(gateway: Stripe) -> None:
    assert refused(gateway, {}, b"{}") == "signature"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"{",
        b"[]",
        b"7",
        b"{}",
        b"[" * 100_000,
        b'{"id": "", "type": "payout.paid"}',
        b'{"id": "evt_1", "type": 7}',
        b'{"id": "evt_1", "type": "refund.created"}',
        b'{"id": "evt_1", "type": "refund.created", "data": null}',
        b'{"id": "evt_1", "type": "refund.created", "data": {"object": "re_1"}}',
        b'{"id": "evt_1", "type": "charge.dispute.created", "data": {"object": {"id": null}}}',
    ],
)
def test_signed_body_that_cannot_be_read_is_malformed(gateway: Stripe, body: bytes) -> None:
    assert refused(gateway, header(signature(body)), body) == "malformed"


@pytest.fixture(scope="module")
def reader() -> Iterator[Stripe]:
    with running() as channel:
        yield gateway_of(channel)


def parses_or_refuses(reader: Stripe, headers: dict[str, str], body: bytes) -> Notice | None:
    try:
        notice = reader.parse(headers, body, START)
    except BadNotification as bad:
        assert bad.reason in BadNotification.REASONS
        return None
    assert all(isinstance(part, str) for part in notice)
    return notice


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(["refund.created", "charge.refunded", "charge.dispute.created"]) | st.text(max_size=8)
RECORDS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "metadata", "payment_intent", "charge", "object"), JSON)
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.just("evt_1") | JSON,
        "type": KINDS | JSON,
        "data": st.builds(dict, object=RECORDS | JSON) | JSON,
    },
)


@given(line=st.text(), body=st.binary())
def test_unsigned_garbage_is_always_refused(reader: Stripe, line: str, body: bytes) -> None:
    assert parses_or_refuses(reader, {"Stripe-Signature": line}, body) is None


@given(body=st.binary())
def test_signed_garbage_never_breaks_the_reader(reader: Stripe, body: bytes) -> None:
    parses_or_refuses(reader, header(signature(body)), body)


@given(event=EVENTS)
def test_signed_event_of_any_shape_is_read_or_refused(reader: Stripe, event: dict[str, Any]) -> None:
    body = json.dumps(event).encode()
    notice = parses_or_refuses(reader, header(signature(body)), body)
    assert notice is None or notice.event_id == event["id"]


# Disputes.


@pytest.mark.parametrize(
    ("status", "case_type", "expected"),
    [
        ("needs_response", "chargeback", "open"),
        ("under_review", "chargeback", "open"),
        ("warning_needs_response", "inquiry", "open"),
        ("warning_under_review", "inquiry", "open"),
        ("appeal_under_review", "chargeback", "open"),
        ("a_newer_status", "chargeback", "open"),
        ("won", "chargeback", "won"),
        ("warning_closed", "inquiry", "won"),
        ("lost", "chargeback", "lost"),
        ("prevented", "block", "won"),
        ("prevented", "resolution", "lost"),
        ("prevented", "a_newer_case", "open"),
    ],
)
def test_status_of_a_dispute(
    channel: StripeChannel, gateway: Stripe, status: str, case_type: str, expected: str
) -> None:
    dispute = channel.open_dispute(channel.pay(PRICE), case_type=case_type)
    channel.close_dispute(dispute["id"], status)
    assert gateway.dispute(dispute["id"]).status == expected


def test_dispute_tells_payment_money_reason_and_due_date(channel: StripeChannel, gateway: Stripe) -> None:
    intent, charge = channel.pay(PRICE), channel.pay(PRICE, by_intent=False)
    told = gateway.dispute(channel.open_dispute(intent)["id"])
    assert told[1:] == (intent, PRICE, "open", "fraudulent", START, START + timedelta(days=9), True)
    unanswerable = gateway.dispute(channel.open_dispute(charge, due_in=None)["id"])
    assert (unanswerable.channel_no, unanswerable.due_at) == (charge, None)


def test_dispute_without_card_details_is_read(channel: StripeChannel, gateway: Stripe) -> None:
    dispute = channel.open_dispute(channel.pay(PRICE), status="prevented")
    dispute["payment_method_details"] = None
    assert gateway.dispute(dispute["id"]).status == "open"


def test_chargeback_takes_the_money_and_a_win_brings_it_back(channel: StripeChannel, gateway: Stripe) -> None:
    instruction = instruct(channel)
    before = channel.balance("USD")
    channel.open_dispute(channel.pay(Money(1, "USD")), status="warning_needs_response")
    assert channel.balance("USD") == before + 1  # an inquiry takes nothing
    dispute = channel.open_dispute(instruction.channel_no)
    assert channel.balance("USD") == before + 1 - PRICE.amount - 1500
    channel.close_dispute(dispute["id"], "won")
    assert channel.balance("USD") == before + 1 - 1500
    assert gateway.refund(instruction).status is Status.SUCCEEDED
