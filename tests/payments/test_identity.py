"""Across a border nothing is paid before somebody has checked who the buyer is; amounts keep currency and rate (B9)."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from marketplace.identity.models import Buyer
from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound, NotPermitted, Refusal
from marketplace.kernel.models import OutboxJob
from marketplace.ledger.queries import balance
from marketplace.orders.models import Order
from marketplace.payments.models import SandboxRefund, Transfer
from marketplace.payments.operations.send import IDENTITY_AGAIN
from refunds.machine import State
from refunds.models import Message, RefundRequest
from refunds.operations import money_desk
from refunds.operations import pay as paying
from refunds.operations.identity import AlreadyVerified, verify_identity
from refunds.operations.pay import pay
from refunds.operations.sweep import sweep_transfers
from tests.cases import bring, file, make_request, work
from tests.factories import BuyerFactory, StaffFactory, hours, make_order
from tests.people import Api, Cast
from tests.refunds.test_races import locks_off, together

__all__ = ["locks_off"]

ABROAD = {"currency": "USD", "fx_rate": Decimal("7.1"), "total": 1_900}


def now() -> Any:
    return timezone.now()


def held(cast: Cast, **fields: Any) -> Transfer:
    """An order across the border, approved by a reviewer; the payer came by, and the transfer waits."""
    request = bring(in_review(cast, **fields), State.APPROVED, cast)
    pay(request.number, now())
    return Transfer.objects.get(reference=request.number)


def in_review(cast: Cast, **fields: Any) -> RefundRequest:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, events=[("delivered", hours(-3))],
        **{**ABROAD, **fields},
    )  # fmt: skip
    return bring(file(order), State.MANUAL_REVIEW, cast)


def verify(cast: Cast, **fields: Any) -> Buyer:
    filled = {"buyer_id": cast.buyer.pk, "note": "Passport seen by video.", "user": cast.supervisor, **fields}
    return verify_identity(**filled, now=now())


def refused(error: type[Refusal], call: Any) -> None:
    before = (Buyer.objects.filter(identity_verified_at=None).count(), Message.objects.count())
    with pytest.raises(error):
        call()
    assert (Buyer.objects.filter(identity_verified_at=None).count(), Message.objects.count()) == before
    assert not OutboxJob.objects.exists()


@pytest.mark.parametrize("abroad", [{}, {"currency": "CNY", "fx_rate": Decimal("1")}, {"fx_rate": None}])
def test_approved_refund_across_a_border_waits_for_the_identity_and_nothing_is_sent(
    cast: Cast, abroad: dict[str, Any]
) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, events=[("delivered", hours(-3))],
        **{**ABROAD, **abroad},
    )  # fmt: skip
    request = bring(file(order), State.APPROVED, cast)
    assert pay(request.number, now()) == 0
    transfer = Transfer.objects.get()
    assert (transfer.state, transfer.error_code) == (Transfer.State.QUEUED, "identity_needed")
    assert (transfer.attempts, transfer.sent_at) == (0, None)
    assert not SandboxRefund.objects.exists()
    assert RefundRequest.objects.get().state == State.APPROVED


def test_what_waited_is_paid_once_the_identity_is_verified(cast: Cast) -> None:
    transfer = held(cast)
    assert transfer.error_code == "identity_needed"
    assert verify(cast).identity_verified_at is not None
    work()
    transfer.refresh_from_db()
    assert (transfer.state, transfer.error_code) == (Transfer.State.SUCCEEDED, "")
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert SandboxRefund.objects.get().currency == "USD"
    assert balance("escrow", cast.seller.code, "USD") == 0


def test_who_verified_and_by_what_is_kept_beside_the_buyer_and_in_the_case(cast: Cast) -> None:
    transfer = held(cast)
    verify(cast)
    entry, said = LogEntry.objects.get(), Message.objects.get()
    assert (entry.user, entry.object_id, entry.change_message) == (
        cast.supervisor, str(cast.buyer.pk), "Passport seen by video.",
    )  # fmt: skip
    assert (said.request.number, said.user, said.is_internal) == (transfer.reference, cast.supervisor, True)
    assert "Passport seen by video." in said.text


def test_sweeps_come_back_to_a_held_transfer_now_and_then_and_not_all_the_time(cast: Cast) -> None:
    held(cast)
    soon, then = now() + IDENTITY_AGAIN / 2, now() + IDENTITY_AGAIN
    assert sweep_transfers(soon) == 0
    assert sweep_transfers(then) == 1
    work(then)
    assert sweep_transfers(then) == 0
    assert Transfer.objects.get().attempts == 0
    assert not SandboxRefund.objects.exists()


def test_money_at_home_needs_no_identity(cast: Cast) -> None:
    transfer = held(cast, currency="CNY", fx_rate=None, total=1_900)
    assert transfer.state == Transfer.State.SUCCEEDED


def test_only_this_buyers_held_transfers_become_due(cast: Cast) -> None:
    mine = held(cast)
    order = make_order(
        shop=cast.shop, buyer=cast.stranger, seller=cast.seller, events=[("delivered", hours(-3))], **ABROAD
    )
    theirs = bring(file(order), State.APPROVED, cast)
    pay(theirs.number, now())
    waiting_to_retry = make_request(cast, state=State.REFUNDING)
    again = now() + hours(1)
    Transfer.objects.filter(reference=waiting_to_retry.number).update(
        next_try_at=again, error_code="unreachable"
    )
    verify(cast)
    assert list(OutboxJob.objects.values_list("args", flat=True)) == [[mine.reference]]
    assert Transfer.objects.get(reference=theirs.number).error_code == "identity_needed"
    assert Transfer.objects.get(reference=waiting_to_retry.number).next_try_at == again


def test_identity_is_verified_once_with_a_reason_and_of_somebody(cast: Cast) -> None:
    held(cast)
    refused(money_desk.WhyNeeded, lambda: verify(cast, note=" "))
    refused(NotFound, lambda: verify(cast, buyer_id=0))
    first = verify(cast).identity_verified_at
    work()
    refused(AlreadyVerified, lambda: verify(cast, user=StaffFactory.create(role=Role.RISK)))
    assert Buyer.objects.get(pk=cast.buyer.pk).identity_verified_at == first


@pytest.mark.parametrize("role", [r for r in Role.values if r not in (Role.RISK, Role.SUPERVISOR)])
def test_other_roles_verify_nobody(cast: Cast, role: str) -> None:
    held(cast)
    refused(NotPermitted, lambda: verify(cast, user=StaffFactory.create(role=role)))
    assert Transfer.objects.get().error_code == "identity_needed"


def test_buyer_hears_what_the_refund_waits_for(cast: Cast, api: Api) -> None:
    transfer, buyer = held(cast), api.sign_in(cast.buyer)
    path = f"/api/v1/refund-requests/{transfer.reference}/"
    assert buyer.get(path).json()["refund"]["waiting_for"] == "identity"
    verify(cast)
    assert buyer.get(path).json()["refund"]["waiting_for"] is None
    work()
    assert buyer.get(path).json()["refund"]["waiting_for"] is None


def test_refund_of_a_dollar_order_is_in_cents_at_the_orders_rate_whatever_rates_do_later(
    cast: Cast, api: Api
) -> None:
    transfer = held(cast)
    later = BuyerFactory.create(source=cast.shop.code)
    make_order(buyer=later, seller=cast.seller, currency="USD", fx_rate=Decimal("6.5"), total=500)
    verify(cast)
    work()
    refund = api.sign_in(cast.buyer).get(f"/api/v1/refund-requests/{transfer.reference}/").json()["refund"]
    assert refund["fx_rate"] == "7.1"
    assert [each["amount"] for each in refund["transfers"]] == [{"amount": 1_900, "currency": "USD"}]
    assert (SandboxRefund.objects.get().amount, SandboxRefund.objects.get().currency) == (1_900, "USD")
    assert balance("clearing", "alipay", "USD") == 500
    assert balance("clearing", "alipay", "CNY") == 0


def test_refund_at_home_has_no_rate(cast: Cast, api: Api) -> None:
    request = make_request(cast, state=State.REFUNDED)
    refund = api.sign_in(cast.buyer).get(f"/api/v1/refund-requests/{request.number}/").json()["refund"]
    assert (refund["fx_rate"], refund["waiting_for"]) == (None, None)


@pytest.mark.parametrize(("rate", "shown"), [("7", "7"), ("150", "150"), ("0.0512", "0.0512")])
def test_rate_is_shown_as_a_plain_number(cast: Cast, api: Api, rate: str, shown: str) -> None:
    transfer = held(cast)
    Order.objects.update(fx_rate=Decimal(rate))
    refund = api.sign_in(cast.buyer).get(f"/api/v1/refund-requests/{transfer.reference}/").json()["refund"]
    assert refund["fx_rate"] == shown


def _verified_while_the_payer_sets_it_aside(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The payer has read that nobody knows the buyer, and has not committed, when the identity is verified."""
    number = bring(in_review(cast), State.APPROVED, cast).number
    aside, verified = threading.Event(), threading.Event()
    hold = paying.hold_unidentified

    def hold_slowly(*args: Any) -> None:
        hold(*args)
        aside.set()
        verified.wait(0.5)  # with the lock on it cannot come: the other waits for us

    def verify_meanwhile() -> None:
        aside.wait(10)
        verify(cast)
        verified.set()

    monkeypatch.setattr(paying, "hold_unidentified", hold_slowly)
    together([lambda: pay(number, now()), verify_meanwhile])
    work()


@pytest.mark.django_db(transaction=True)
def test_verified_while_the_payer_sets_it_aside_leaves_nothing_waiting(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    _verified_while_the_payer_sets_it_aside(cast, monkeypatch)
    assert Transfer.objects.get().state == Transfer.State.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_control_without_locks_it_waits_for_what_is_there_already(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _verified_while_the_payer_sets_it_aside(cast, monkeypatch)
    assert Transfer.objects.get().error_code == "identity_needed"
