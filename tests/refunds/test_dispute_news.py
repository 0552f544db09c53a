"""Disputes as Stripe tells them, over its own client: twice, late, out of order, or not at all."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.kernel.money import Money
from marketplace.ledger.queries import balance
from marketplace.payments import gateways
from marketplace.payments.gateways.base import ChannelUnreachable
from marketplace.payments.models import Capture
from marketplace.risk.models import Dispute
from refunds.machine import State
from refunds.operations.dispute import take
from refunds.operations.pay import pay
from tests.cases import make_request
from tests.channels.server import Fault
from tests.channels.stripe import StripeChannel
from tests.factories import hours
from tests.people import Cast

from .disputes import (
    approve,
    balances,
    broken,
    order,
    read,
)


@pytest.fixture(autouse=True)
def _nothing_is_broken(db: None) -> Iterator[None]:
    yield
    assert broken() == []


@pytest.fixture
def stripe(settings: Any) -> Iterator[StripeChannel]:
    with StripeChannel().running() as channel:
        settings.SANDBOX_ANSWERS_FOR = ["sandbox"]
        settings.STRIPE = channel.settings
        gateways._gateway.cache_clear()
        channel.top_up(Money(1_000_000, "USD"))
        yield channel
        gateways._gateway.cache_clear()


def paid_at(stripe: StripeChannel, cast: Cast) -> Any:
    """An order whose payment is on Stripe's books, too."""
    placed = order(cast, currency="USD", fx_rate="7.1", channel="stripe")
    Capture.objects.update(channel_no=stripe.pay(Money(9900, "USD")))
    return placed


def ask(dispute_no: str) -> bool:
    return take(channel="stripe", dispute_no=dispute_no, now=timezone.now())


def test_taken_twice_a_dispute_is_opened_once(cast: Cast, stripe: StripeChannel) -> None:
    paid_at(stripe, cast)
    told = stripe.open_dispute(Capture.objects.get().channel_no)
    assert ask(told["id"])
    assert ask(told["id"])
    found = Dispute.objects.get()
    assert (found.kind, found.amount, found.currency, found.reason) == (
        "chargeback",
        9900,
        "USD",
        "fraudulent",
    )
    assert found.due_at is not None
    assert found.due_at - found.opened_at == timedelta(days=9)


def test_taken_again_the_due_date_follows_the_channel(cast: Cast, stripe: StripeChannel) -> None:
    paid_at(stripe, cast)
    told = stripe.open_dispute(Capture.objects.get().channel_no)
    ask(told["id"])
    told["evidence_details"]["due_by"] += 86_400
    told["reason"] = "product_not_received"
    ask(told["id"])
    found = Dispute.objects.get()
    assert (found.reason, found.due_at - found.opened_at) == ("product_not_received", timedelta(days=10))


@pytest.mark.parametrize(("status", "loss"), [("won", {}), ("lost", {"debt": 1500, "clearing": -1500})])
@pytest.mark.parametrize("heard_before", [True, False])
def test_end_of_a_dispute_is_taken_once_whether_or_not_its_beginning_was_heard(
    cast: Cast, stripe: StripeChannel, status: str, loss: dict[str, int], heard_before: bool
) -> None:
    paid_at(stripe, cast)
    told = stripe.open_dispute(Capture.objects.get().channel_no)
    if heard_before:
        ask(told["id"])
    stripe.close_dispute(told["id"], status)
    for _time in range(2):
        assert ask(told["id"])
    assert Dispute.objects.get().state == status
    kept = {"escrow": -9900, "clearing": 9900} if status == "won" else {}
    assert balances(cast.seller.code, "USD") == (kept or loss)


def test_dispute_about_nobodys_payment_is_not_ours(cast: Cast, stripe: StripeChannel) -> None:
    told = stripe.open_dispute(stripe.pay(Money(100, "USD")))
    assert not ask(told["id"])
    assert not Dispute.objects.exists()


def test_channel_that_does_not_answer_leaves_all_as_it_was(cast: Cast, stripe: StripeChannel) -> None:
    paid_at(stripe, cast)
    told = stripe.open_dispute(Capture.objects.get().channel_no)
    stripe.faults.append(Fault.DROP)
    with pytest.raises(ChannelUnreachable):
        ask(told["id"])
    assert not Dispute.objects.exists()


def test_channel_without_disputes_tells_of_none(cast: Cast, settings: Any) -> None:
    settings.SANDBOX_ANSWERS_FOR = ["alipay"]
    assert not take(channel="alipay", dispute_no="x", now=timezone.now())


def test_refund_and_chargeback_at_stripe_never_both_take_the_money(cast: Cast, stripe: StripeChannel) -> None:
    """The refund was promised; the chargeback is heard before it is sent."""
    request = make_request(cast, state=State.APPROVED, order=paid_at(stripe, cast))
    type(cast.buyer).objects.update(identity_verified_at=timezone.now())
    before = stripe.balance("USD")
    told = stripe.open_dispute(Capture.objects.get().channel_no)
    ask(told["id"])
    pay(request.number, timezone.now())
    assert not stripe.refunds
    assert stripe.balance("USD") == before - 9900 - 1500
    stripe.close_dispute(told["id"], "won")
    ask(told["id"])
    approve(request, cast)
    pay(request.number, timezone.now() + hours(1))
    assert read(request).state == State.REFUNDED
    assert stripe.balance("USD") == before - 9900 - 1500


def test_chargeback_after_the_refund_has_arrived_is_contested(cast: Cast, stripe: StripeChannel) -> None:
    request = make_request(cast, state=State.APPROVED, order=paid_at(stripe, cast))
    type(cast.buyer).objects.update(identity_verified_at=timezone.now())
    pay(request.number, timezone.now())
    assert read(request).state == State.REFUNDED
    told = stripe.open_dispute(Capture.objects.get().channel_no)
    ask(told["id"])
    assert Dispute.objects.get().contested == 9900
    stripe.close_dispute(told["id"], "won")
    ask(told["id"])
    assert balances(cast.seller.code, "USD") == {}


def test_inquiry_takes_no_money_until_it_becomes_a_chargeback(cast: Cast, stripe: StripeChannel) -> None:
    paid_at(stripe, cast)
    told = stripe.open_dispute(Capture.objects.get().channel_no, status="warning_needs_response")
    assert ask(told["id"])
    inquiry = Dispute.objects.get()
    assert (inquiry.kind, balance("disputed", "stripe", "USD")) == ("complaint", 0)
    stripe.disputes[told["id"]]["status"] = "needs_response"
    assert ask(told["id"]) and ask(told["id"])
    inquiry.refresh_from_db()
    assert (inquiry.kind, balance("disputed", "stripe", "USD")) == ("chargeback", 9900)
    assert inquiry.claim is not None and inquiry.claim.kind == "chargeback"
    assert Capture.objects.get().claimed == 9900
    assert broken() == []


def test_inquiry_that_is_closed_leaves_the_money_free(cast: Cast, stripe: StripeChannel) -> None:
    paid_at(stripe, cast)
    told = stripe.open_dispute(Capture.objects.get().channel_no, status="warning_needs_response")
    assert ask(told["id"])
    assert Capture.objects.get().claimed == 9900
    stripe.close_dispute(told["id"], "warning_closed")
    assert ask(told["id"])
    assert (Dispute.objects.get().state, Capture.objects.get().claimed) == ("won", 0)
    assert balance("clearing", "stripe", "USD") == 9900
