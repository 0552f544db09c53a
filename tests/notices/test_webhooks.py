"""Webhooks out: signed as Standard Webhooks has it, tried as often, and nowhere but where they belong."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from marketplace.kernel import crypto
from marketplace.kernel.errors import NotFound, NotPermitted
from marketplace.kernel.models import OutboxJob
from marketplace.notices.models import Delivery, Endpoint, Notice
from marketplace.notices.operations import endpoints
from marketplace.notices.operations.deliver import NotReplayable, deliver, replay, sweep_deliveries
from marketplace.notices.senders import webhook
from marketplace.notices.senders.base import SCHEDULES, Outcome, Parcel
from marketplace.notices.topics import RecipientKind
from tests.cases import work
from tests.channels.server import Fault, Response
from tests.factories import ShopFactory, hours
from tests.people import Cast

from .receivers import Receiver, Stalling, endpoint_at, now, reread, sent, told, verified

SELLER, BUYER = RecipientKind.SELLER, RecipientKind.BUYER


# --- What is sent ----------------------------------------------------------------------------------------


def test_receiver_verifies_the_signature_with_the_standard_library(cast: Cast, receiver: Receiver) -> None:
    at = now()
    made, delivery = sent(cast, receiver, at)
    work(at)
    [request] = receiver.got
    content = verified(request, made.secret, at)
    assert content["type"] == "refund_request.approved"
    assert content["data"]["number"] == Notice.objects.get().subject
    assert content["data"]["recipient"] == "seller"
    assert datetime.fromisoformat(content["timestamp"]) == at.replace(microsecond=0)
    assert (request.method, request.path) == ("POST", "/hook?shop=1")
    assert request.headers["Content-Type"] == "application/json"
    found = reread(delivery)
    assert (found.state, found.attempts, found.status, found.error) == ("sent", 1, 204, "")
    assert found.sent_at == at


def test_signature_of_another_secret_or_another_body_is_refused(cast: Cast, receiver: Receiver) -> None:
    """The control of the test above: the library does look."""
    at = now()
    made, _delivery = sent(cast, receiver, at)
    work(at)
    [request] = receiver.got
    with pytest.raises(WebhookVerificationError):
        verified(request, "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", at)
    with pytest.raises(WebhookVerificationError):
        verified(request._replace(body=request.body.replace(b"4900", b"9900")), made.secret, at)
    with pytest.raises(WebhookVerificationError):
        verified(request, made.secret, at + timedelta(minutes=6))


def test_shop_hears_what_its_buyers_are_told_and_no_other_shop_does(cast: Cast, receiver: Receiver) -> None:
    at = now()
    other = ShopFactory.create()
    made = endpoints.add(url=f"{receiver.url}/mine", shop_id=cast.shop.pk, now=at)
    endpoints.add(url=f"{receiver.url}/theirs", shop_id=other.pk, now=at)
    endpoints.add(url=f"{receiver.url}/sellers", seller_id=cast.other_seller.pk, now=at)
    told(cast, BUYER, at)
    work(at)
    [request] = receiver.got
    assert request.path == "/mine"
    assert verified(request, made.secret, at)["data"]["recipient"] == "buyer"


def test_largest_notice_stays_below_twenty_thousand_bytes(cast: Cast) -> None:
    data = dict.fromkeys(("number", "order", "external_no", "clause", "rule", "reason", "state"), "号" * 128)
    parcel = Parcel(1, 1, "webhook", 1, "seller", "approved", data, "en", now(), "https://x.example/")
    assert len(webhook.payload(parcel)) < webhook.MAX_PAYLOAD
    with pytest.raises(AssertionError):
        webhook.payload(parcel._replace(data=data | {"note": "x" * 20_000}))


def test_time_is_signed_in_utc_whatever_zone_now_is_in() -> None:
    """The library takes the digits of any time for UTC; a time in Asia/Shanghai would be refused eight hours off."""
    at = timezone.localtime(now())
    assert at.utcoffset() == timedelta(hours=8)
    secret = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    parcel = Parcel(1, 1, "webhook", 1, "seller", "approved", {}, "en", at, "", (secret,))
    body = webhook.payload(parcel)
    assert Webhook(secret).verify(body, webhook.headers(parcel, body, at))


# --- How often --------------------------------------------------------------------------------------------


def test_schedule_is_that_of_standard_webhooks() -> None:
    waits = [timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)]
    assert list(SCHEDULES["webhook"].waits) == waits


def test_failing_receiver_is_tried_ten_times_in_its_schedule_and_then_given_up(
    cast: Cast, receiver: Receiver
) -> None:
    start = at = now()
    _made, delivery = sent(cast, receiver, at)
    receiver.answers.extend([500, 503, 404, 429, 500, 500, 500, 500, 500, 500, 500])
    times = []
    while reread(delivery).state == "queued":
        due = reread(delivery).next_try_at
        assert deliver(delivery.pk, due - timedelta(seconds=1)) is None  # not before its time
        at = max(due, at)
        deliver(delivery.pk, at)
        times.append(at - start)
    steps = [after - before for before, after in pairwise(times)]
    assert steps == list(SCHEDULES["webhook"].waits)
    found = reread(delivery)
    assert (found.state, found.attempts, found.status, found.error) == ("dead", 10, 500, "HTTP 500")
    assert len(set(receiver.ids)) == 1
    assert len(receiver.got) == 10
    assert deliver(delivery.pk, at + hours(100)) is None
    assert Endpoint.objects.get().disabled_at is None


def test_receiver_that_comes_back_gets_it(cast: Cast, receiver: Receiver) -> None:
    at = now()
    made, delivery = sent(cast, receiver, at)
    receiver.answers.extend([500, 500])
    OutboxJob.objects.all().delete()
    for wait in (timedelta(seconds=6), timedelta(seconds=12), timedelta(minutes=6)):
        sweep_deliveries(at + wait)
        work(at + wait)
    assert (reread(delivery).state, reread(delivery).attempts) == ("sent", 3)
    assert [verified(request, made.secret, at + timedelta(minutes=3)) for request in receiver.got[2:]]


def test_sweep_leaves_a_new_delivery_to_its_own_message(cast: Cast, receiver: Receiver) -> None:
    at = now()
    sent(cast, receiver, at)
    assert sweep_deliveries(at + timedelta(seconds=1)) == 0
    assert sweep_deliveries(at + timedelta(seconds=6)) == 1


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.DROP_AFTER])
def test_connection_that_breaks_is_tried_again_under_the_same_id(
    fault: Fault, cast: Cast, receiver: Receiver
) -> None:
    at = now()
    _made, delivery = sent(cast, receiver, at)
    receiver.faults.append(fault)
    result = deliver(delivery.pk, at)
    assert (result.outcome, result.status) == (Outcome.RETRY, None)
    deliver(delivery.pk, at + timedelta(seconds=5))
    assert reread(delivery).state == "sent"
    assert len(set(receiver.ids)) == 1


def test_nobody_listening_is_tried_again(cast: Cast, receiver: Receiver) -> None:
    at = now()
    _made, delivery = sent(cast, receiver, at)
    Endpoint.objects.update(url="http://127.0.0.1:1/")
    assert deliver(delivery.pk, at).outcome is Outcome.RETRY
    assert "refused" in reread(delivery).error


def test_receiver_that_drips_is_hung_up_on_in_time(
    cast: Cast, receiver: Receiver, settings: Settings
) -> None:
    """Each byte comes well within the timeout of a read, and the answer never ends."""
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.6
    at = now()
    with Stalling(every=0.1) as stalling:
        _made, delivery = sent(cast, receiver, at)
        Endpoint.objects.update(url=stalling.url)
        began = timezone.now()
        assert deliver(delivery.pk, at).outcome is Outcome.RETRY
        assert timezone.now() - began < timedelta(seconds=3)
    assert reread(delivery).state == "queued"


def test_receiver_that_says_nothing_is_hung_up_on(cast: Cast, receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.2
    at = now()
    _made, delivery = sent(cast, receiver, at)
    receiver.faults.append(Fault.SLOW)
    assert deliver(delivery.pk, at).outcome is Outcome.RETRY


# --- What stops it ----------------------------------------------------------------------------------------


def test_410_switches_the_receiver_off_and_tells_its_seller(cast: Cast, receiver: Receiver) -> None:
    at = now()
    _made, delivery = sent(cast, receiver, at)
    told(cast, SELLER, at)
    second = Delivery.objects.exclude(pk=delivery.pk).get()
    receiver.answers.append(410)
    assert deliver(delivery.pk, at).outcome is Outcome.GONE
    endpoint = Endpoint.objects.get()
    assert (endpoint.disabled_at, endpoint.disabled_reason) == (at, "gone")
    assert (reread(delivery).state, reread(delivery).status) == ("failed", 410)
    notice = Notice.objects.get(topic="endpoint_disabled")
    assert (notice.recipient_kind, notice.recipient_id) == ("seller", cast.seller.pk)
    assert notice.data == {"host": receiver.url.removeprefix("http://")}
    deliver(second.pk, at)  # what was on its way finds nobody
    assert (reread(second).state, len(receiver.got)) == ("failed", 1)
    told(cast, SELLER, at)
    assert Delivery.objects.count() == 2  # nothing new is queued
    with pytest.raises(NotReplayable):
        replay(delivery_id=delivery.pk, seller_id=cast.seller.pk, now=at)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_a_failure_and_is_not_followed(status: int, cast: Cast, receiver: Receiver) -> None:
    at = now()
    with Receiver().running() as elsewhere:
        _made, delivery = sent(cast, receiver, at)
        receiver.answers.append(Response(status, {"Location": f"{elsewhere.url}/secrets"}, b""))
        assert deliver(delivery.pk, at).outcome is Outcome.RETRY
        assert elsewhere.got == []
    assert (reread(delivery).state, reread(delivery).status) == ("queued", status)


# --- Secrets ----------------------------------------------------------------------------------------------


def test_both_secrets_sign_while_a_rotation_lasts_and_the_new_one_alone_afterwards(
    cast: Cast, receiver: Receiver
) -> None:
    at = now()
    made = endpoint_at(cast, receiver.url, at)
    turned = endpoints.rotate(endpoint_id=made.endpoint.pk, seller_id=cast.seller.pk, now=at)
    assert turned.secret != made.secret
    told(cast, SELLER, at)
    work(at)
    for secret in (made.secret, turned.secret):
        assert verified(receiver.got[0], secret, at)
    later = at + endpoints.FORMER_SECRET_FOR + timedelta(seconds=1)
    told(cast, SELLER, later)
    work(later)
    assert verified(receiver.got[1], turned.secret, later)
    with pytest.raises(WebhookVerificationError):
        verified(receiver.got[1], made.secret, later)


def test_secret_is_sealed_and_opens_for_its_owner_alone(cast: Cast, private: None) -> None:
    made = endpoint_at(cast, "https://hooks.example.com/", now())
    stored = bytes(Endpoint.objects.get().sealed_secret)
    assert made.secret.encode() not in stored
    assert crypto.unseal(stored, f"endpoint:seller:{cast.seller.pk}") == made.secret
    with pytest.raises(crypto.CannotDecrypt):
        crypto.unseal(stored, f"endpoint:seller:{cast.other_seller.pk}")
    assert 24 <= len(Webhook(made.secret)._whsecret) <= 64


# --- Whose it is -------------------------------------------------------------------------------------------


def test_another_sellers_endpoint_and_log_are_not_found(cast: Cast, receiver: Receiver) -> None:
    at = now()
    made, delivery = sent(cast, receiver, at)
    work(at)
    theirs: dict[str, Any] = {"seller_id": cast.other_seller.pk, "now": at}
    for refused in (
        lambda: endpoints.rotate(endpoint_id=made.endpoint.pk, **theirs),
        lambda: endpoints.switch(endpoint_id=made.endpoint.pk, on=False, **theirs),
        lambda: replay(delivery_id=delivery.pk, **theirs),
    ):
        with pytest.raises(NotFound):
            refused()
    endpoint = Endpoint.objects.get()
    assert endpoint.disabled_at is None
    assert bytes(endpoint.sealed_secret) == bytes(made.endpoint.sealed_secret)
    assert reread(delivery).state == "sent"


@pytest.mark.parametrize("who", ["support", "reviewer", "auditor", "finance", "seller_user"])
def test_staff_without_the_right_neither_replay_nor_switch(who: str, cast: Cast, receiver: Receiver) -> None:
    at = now()
    made, delivery = sent(cast, receiver, at)
    work(at)
    user = getattr(cast, who)
    with pytest.raises(NotPermitted):
        replay(delivery_id=delivery.pk, user=user, now=at)
    with pytest.raises(NotPermitted):
        endpoints.switch_as_staff(endpoint_id=made.endpoint.pk, user=user, on=False, now=at)
    assert (reread(delivery).state, Endpoint.objects.get().disabled_at) == ("sent", None)


def test_one_address_stands_once_and_five_are_the_most_in_use(cast: Cast, private: None) -> None:
    at = now()
    mine: dict[str, Any] = {"seller_id": cast.seller.pk, "now": at}
    first = endpoint_at(cast, "https://hooks.example.com/0", at).endpoint
    for number in range(1, endpoints.MOST):
        endpoint_at(cast, f"https://hooks.example.com/{number}", at)
    with pytest.raises(endpoints.KnownAlready):
        endpoint_at(cast, "https://hooks.example.com/0", at)
    with pytest.raises(endpoints.TooMany):
        endpoint_at(cast, "https://hooks.example.com/9", at)
    endpoints.switch(endpoint_id=first.pk, on=False, **mine)
    endpoint_at(cast, "https://hooks.example.com/9", at)
    with pytest.raises(endpoints.TooMany):
        endpoints.switch(endpoint_id=first.pk, on=True, **mine)
    assert Endpoint.objects.filter(disabled_at=None).count() == endpoints.MOST
