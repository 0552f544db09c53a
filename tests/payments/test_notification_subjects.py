"""What else channels tell of than a refund of ours: disputes, payments, matters that are none of ours."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from marketplace.payments.models import Notification
from marketplace.risk.models import Dispute
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations import news
from tests.cases import make_request, work
from tests.channels.server import Fault
from tests.factories import make_order
from tests.people import Cast

from .sides import HOUR, Side, deliver, running, sent


@pytest.fixture
def stripe(settings: Any) -> Iterator[Side]:
    with running("stripe", settings) as side:
        yield side


def states() -> list[str]:
    return list(Notification.objects.order_by("id").values_list("state", flat=True))


def dispute_of(cast: Cast, stripe: Side, *, is_ours: bool = True) -> dict[str, Any]:
    number = stripe.pay(9_900)
    if is_ours:
        order = make_order(
            shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9_900, channel="stripe"
        )
        order.captures.update(channel_no=number)
    disputed: dict[str, Any] = stripe.channel.open_dispute(number)
    return disputed


def test_dispute_is_followed_to_its_end_whatever_comes_first(cast: Cast, stripe: Side) -> None:
    disputed = dispute_of(cast, stripe)
    created = stripe.channel.notification("charge.dispute.created", disputed)
    stripe.channel.close_dispute(disputed["id"], "won")
    deliver(stripe, stripe.channel.notification("charge.dispute.closed", disputed))
    work()
    deliver(stripe, created)
    work()
    assert states() == ["done", "done"]
    assert Dispute.objects.get().state == Dispute.State.WON


def test_dispute_of_a_payment_that_is_not_ours_is_kept_for_a_person(cast: Cast, stripe: Side) -> None:
    disputed = dispute_of(cast, stripe, is_ours=False)
    deliver(stripe, stripe.channel.notification("charge.dispute.created", disputed))
    work()
    assert (states(), Dispute.objects.count()) == (["unknown"], 0)


def test_dispute_nobody_could_ask_about_waits(cast: Cast, stripe: Side) -> None:
    disputed = dispute_of(cast, stripe)
    deliver(stripe, stripe.channel.notification("charge.dispute.created", disputed))
    stripe.channel.faults.append(Fault.ERROR)
    work()
    assert (states(), Dispute.objects.count()) == (["waiting"], 0)
    news.sweep_notifications(timezone.now() + HOUR)
    assert (states(), Dispute.objects.count()) == (["done"], 1)


def test_complaint_at_wechat_pay_is_kept_for_a_person(cast: Cast, settings: Any) -> None:
    with running("wechat_pay", settings) as side:
        deliver(side, side.channel.complaint("200201820200101080076610000"))
        work()
        assert states() == ["unknown"]
        assert Notification.objects.get().dispute_no == "200201820200101080076610000"


def test_news_of_other_matters_is_kept_and_done_with(cast: Cast, stripe: Side) -> None:
    deliver(stripe, stripe.channel.notification("payout.paid", {"id": "po_1"}))
    work()
    assert states() == ["no_news"]


def test_payment_named_without_a_refund_asks_about_all_of_its_refunds(cast: Cast, stripe: Side) -> None:
    """Stripe's charge.refunded comes beside the refund's own event, and may come first."""
    transfer = sent(cast, stripe, settles_after=HOUR)
    stripe.settle(transfer.number)
    [payment] = stripe.channel.payments
    charge = {"id": payment.charge, "payment_intent": payment.intent}
    deliver(stripe, stripe.channel.notification("charge.refunded", charge))
    work()
    assert states() == ["done"]
    assert RefundRequest.objects.get().state == State.REFUNDED


def test_refund_made_at_the_channels_own_desk_is_kept_for_a_person(cast: Cast, stripe: Side) -> None:
    request = make_request(cast, state=State.APPROVED, channel="stripe")
    number = stripe.pay(9_900)
    request.order.captures.update(channel_no=number)
    charge = {"id": "ch_x", "payment_intent": number}
    deliver(stripe, stripe.channel.notification("charge.refunded", charge))
    work()
    assert states() == ["unknown"]
