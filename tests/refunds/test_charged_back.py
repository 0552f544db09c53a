"""A refund that fails, of a payment lost to a chargeback: it ends paid, once, and borne as the refund would have been."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from marketplace.ledger.models import Transaction
from marketplace.notices.models import Notice
from marketplace.payments.gateways.base import Result, Status
from marketplace.payments.models import Capture, Claim, SandboxRefund, Transfer
from marketplace.payments.operations.payout import NotByHand
from marketplace.payments.operations.stuck import NotStuck
from marketplace.risk.models import Dispute
from refunds.machine import State
from refunds.models import RefundRequest, Transition
from refunds.operations import pay as paying
from refunds.operations import pay_by_hand, unstick
from refunds.operations.come_back import recheck
from refunds.operations.disputed import DisputeOpen
from refunds.operations.money_desk import ChannelPaysAfterAll
from refunds.operations.pay import pay
from tests.cases import file, work
from tests.factories import hours
from tests.payments.by_hand import answer_with, confirmed, proposed
from tests.people import Cast

from .disputes import (
    approve,
    balances,
    broken,
    close,
    dispute,
    order,
    read,
    request_in,
    set_fee,
    settle_all,
)

CLOSED_CARD, UNDELIVERABLE, COMES_BACK = 9971, 9970, 9976  # what the sandbox does with such an amount


@pytest.fixture(autouse=True)
def _nothing_is_broken(cast: Cast) -> Iterator[None]:
    set_fee("platform", amount=0)
    yield
    assert broken() == []


def sent(cast: Cast, total: int = CLOSED_CARD, **fields: Any) -> RefundRequest:
    """A refund that was handed to its channel once."""
    request = request_in(State.APPROVED, cast, total=total, **fields)
    pay(request.number, timezone.now())
    assert read(request).state in (State.REFUNDING, State.REFUNDED)
    return request


def an_hour_later() -> datetime:
    """The sandbox settles by the wall's clock."""
    SandboxRefund.objects.update(succeeds_at=timezone.now() - hours(1))
    return timezone.now() + hours(1)


def last_event(request: RefundRequest) -> str:
    request = read(request)
    return Transition.objects.get(request=request, sequence=request.sequence).event


def ended(request: RefundRequest) -> bool:
    """Paid by the chargeback alone."""
    transfer = Transfer.objects.get(reference=request.number)
    return (
        read(request).state == State.REFUNDED
        and last_event(request) == "charged_back"
        and (transfer.state, transfer.by_chargeback) == ("charged_back", transfer.claim.amount)
        and transfer.claim.released_at is not None
        and not request.items.get().is_open
    )


# --- Both orders come to the same end ---


def fails_then_lost(cast: Cast) -> RefundRequest:
    request = sent(cast)
    close(dispute(), "lost")
    return request


def lost_then_fails(cast: Cast) -> RefundRequest:
    request = sent(cast, UNDELIVERABLE)
    close(dispute(), "lost")
    assert balances(cast.seller.code)["chargeback_loss"] == UNDELIVERABLE  # for all we know it is paid twice
    pay(request.number, an_hour_later())
    return request


def lost_then_comes_back(cast: Cast) -> RefundRequest:
    request = sent(cast, COMES_BACK)
    close(dispute(), "lost")
    assert read(request).state == State.REFUNDED
    assert recheck(Transfer.objects.get().number, an_hour_later())
    return request


ORDERS = [fails_then_lost, lost_then_fails, lost_then_comes_back]


@pytest.mark.parametrize("story", ORDERS)
def test_refund_that_failed_is_paid_by_the_chargeback_and_borne_by_escrow(cast: Cast, story: Any) -> None:
    request = story(cast)
    assert ended(request)
    found = Dispute.objects.get()
    assert (found.claim.amount, found.claim.released_at, found.contested) == (found.amount, None, 0)
    assert balances(cast.seller.code) == {}
    assert Capture.objects.get().available == 0


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("story", ORDERS)
def test_both_orders_leave_the_same_books(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, story: Any, settled: bool
) -> None:
    """Earned before it was asked back: the seller bears it, from the payable."""
    if settled:
        place = order
        monkeypatch.setattr("tests.refunds.disputes.order", lambda *a, **f: _earned(place(*a, **f)))
    request = story(cast)
    assert ended(request)
    total = Capture.objects.get().amount
    assert balances(cast.seller.code) == {}
    [claim] = Claim.objects.filter(released_at=None)
    assert (claim.kind, claim.amount, claim.from_settled) == ("chargeback", total, total * settled)


def _earned(placed: Any) -> Any:
    settle_all()
    return placed


def test_both_sides_are_told_that_a_chargeback_paid(cast: Cast) -> None:
    request = fails_then_lost(cast)
    work()
    told = Notice.objects.filter(topic="charged_back", subject=request.number)
    assert sorted(told.values_list("recipient_kind", flat=True)) == ["buyer", "seller"]


def test_chargeback_that_is_won_leaves_the_failed_refund_to_finance(cast: Cast) -> None:
    request = sent(cast)
    close(dispute(), "won")
    assert (read(request).state, Transfer.objects.get().state) == (State.REFUNDING, "failed")
    confirmed(proposed(cast, Transfer.objects.get()), cast.supervisor)
    assert last_event(request) == "settle"


def test_complaint_that_is_lost_moves_nothing(cast: Cast) -> None:
    request = sent(cast)
    close(dispute(kind="complaint"), "lost")
    assert (read(request).state, Transfer.objects.get().state) == (State.REFUNDING, "failed")
    assert Capture.objects.get().claimed == CLOSED_CARD


def test_refund_that_still_arrives_beside_a_lost_chargeback_is_the_platforms_loss(cast: Cast) -> None:
    request = sent(cast, 9974)
    close(dispute(), "lost")
    pay(request.number, an_hour_later())
    assert (read(request).state, last_event(request)) == (State.REFUNDED, "settle")
    assert balances(cast.seller.code) == {"chargeback_loss": 9974, "clearing": -9974}


# --- What nobody knows waits for the channel's word ---


def unanswered(cast: Cast) -> Transfer:
    """Handed to the channel, and left to a person without an answer; the chargeback is lost."""
    sent(cast, 9972)
    Transfer.objects.update(state="manual", error_code="unreachable")
    close(dispute(), "lost")
    transfer = Transfer.objects.get()
    assert (transfer.state, RefundRequest.objects.get().state) == ("manual", State.REFUNDING)
    return transfer


@pytest.mark.parametrize("verb", ["ask", "give_up"])
def test_unanswered_transfer_ends_when_its_channel_says_that_it_did_not_pay(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    transfer = unanswered(cast)
    SandboxRefund.objects.all().delete()
    answer_with(monkeypatch, Result(Status.REFUSED, error_code="CLOSED"))
    by = {"transfer_number": transfer.number, "user": cast.finance, "now": timezone.now()}
    if verb == "ask":
        unstick.ask_again(**by)
    else:
        unstick.give_up_channel(note="Portal: nothing.", **by)
    assert ended(RefundRequest.objects.get())
    assert balances(cast.seller.code) == {}


def test_unanswered_transfer_that_was_paid_is_paid(cast: Cast) -> None:
    transfer = unanswered(cast)
    unstick.ask_again(transfer_number=transfer.number, user=cast.finance, now=timezone.now())
    assert last_event(RefundRequest.objects.get()) == "settle"
    assert balances(cast.seller.code)["chargeback_loss"] == 9972


# --- In part ---


def test_refund_of_a_part_goes_to_the_chargeback_with_what_it_holds(cast: Cast) -> None:
    request = request_in(State.MANUAL_REVIEW, cast)
    approve(request, cast, 3971)
    work()
    found = dispute()
    assert (found.claim.amount, found.contested) == (5929, 3971)
    close(found, "lost")
    assert ended(request)
    assert Dispute.objects.get().claim.amount == 9900
    assert balances(cast.seller.code) == {}


@pytest.mark.parametrize("settled", [0, 4000, 8000])
@pytest.mark.parametrize("total", [CLOSED_CARD, UNDELIVERABLE])
def test_chargeback_of_a_part_leaves_the_rest_to_be_paid_by_hand(
    cast: Cast, total: int, settled: int
) -> None:
    """Refused before the chargeback was lost, or found undeliverable after it; earned not, in part, or nearly."""
    from marketplace.payments.operations.settle import settle

    placed = order(cast, total=total)
    if settled:
        settle(capture=Capture.objects.get(), amount=settled, commission=0, now=timezone.now())
    request = file(placed)
    request = _approved(request, cast)
    pay(request.number, timezone.now())
    close(dispute(amount=3000), "lost")
    pay(request.number, an_hour_later())
    first, rest = Transfer.objects.order_by("id")
    assert (first.state, first.by_chargeback, first.claim.amount) == ("charged_back", 3000, total)
    assert (rest.claim.amount, rest.sent_at, rest.error_code) == (total - 3000, None, first.error_code)
    assert rest.state in Transfer.BY_HAND_STATES
    assert rest.claim.from_settled + Dispute.objects.get().claim.from_settled == settled
    assert (read(request).state, read(request).approved_amount) == (State.REFUNDING, total)
    assert balances(cast.seller.code).get("chargeback_loss", 0) == 0
    assert broken() == []
    confirmed(proposed(cast, rest), cast.supervisor)
    assert (read(request).state, last_event(request)) == (State.REFUNDED, "charged_back")
    assert not balances(cast.seller.code).get("escrow") and not balances(cast.seller.code).get("payable")


def _approved(request: RefundRequest, cast: Cast) -> RefundRequest:
    from tests.cases import bring

    bring(request, State.APPROVED, cast)
    return read(request)


def test_rest_is_not_paid_by_hand_where_the_channel_pays_the_whole_after_all(cast: Cast) -> None:
    request = sent(cast)
    close(dispute(amount=3000), "lost")
    first, rest = Transfer.objects.order_by("id")
    payout = proposed(cast, rest)
    SandboxRefund.objects.create(
        number=first.number, channel_no="x", amount=CLOSED_CARD, currency="CNY", succeeds_at=timezone.now()
    )
    with pytest.raises(ChannelPaysAfterAll):
        confirmed(payout, cast.supervisor)
    assert read(request).state == State.REFUNDING
    SandboxRefund.objects.all().delete()


def test_of_two_payments_the_one_that_is_lost_ends_and_the_other_is_paid(cast: Cast) -> None:
    request = request_in(State.APPROVED, cast, total=10_000, captures=[2971, 7029])
    pay(
        request.number, timezone.now()
    )  # the first is refused; the second keeps apart from nothing, and arrives
    pay(request.number, an_hour_later())
    assert sorted(Transfer.objects.values_list("state", flat=True)) == ["failed", "succeeded"]
    close(dispute(Capture.objects.get(amount=2971)), "lost")
    assert sorted(Transfer.objects.values_list("state", flat=True)) == ["charged_back", "succeeded"]
    assert (read(request).state, last_event(request)) == (State.REFUNDED, "charged_back")
    assert balances(cast.seller.code) == {}


def test_of_two_payments_that_failed_the_one_not_charged_back_stays_with_finance(cast: Cast) -> None:
    request = request_in(State.APPROVED, cast, total=10_042, captures=[2971, 7071])
    pay(request.number, timezone.now())
    pay(request.number, an_hour_later())
    assert set(Transfer.objects.values_list("state", flat=True)) == {"failed"}
    close(dispute(Capture.objects.get(amount=2971)), "lost")
    assert read(request).state == State.REFUNDING
    left = Transfer.objects.get(state="failed")
    with pytest.raises(NotByHand):
        proposed(cast, Transfer.objects.get(state="charged_back"))
    confirmed(proposed(cast, left), cast.supervisor)
    assert (read(request).state, last_event(request)) == (State.REFUNDED, "charged_back")


def test_part_never_sent_beside_the_chargeback_ends_with_it(cast: Cast) -> None:
    """It waited for the channel's decision (freeze.py)."""
    request = request_in(State.APPROVED, cast, total=10_000, captures=[3000, 7000])
    first = Transfer.objects.order_by("id")[0]
    paying._mark_sent(request.number, first.pk, timezone.now())
    found = dispute(Capture.objects.get(amount=7000))
    pay(request.number, an_hour_later())
    assert sorted(Transfer.objects.values_list("state", flat=True)) == ["manual", "succeeded"]
    close(found, "lost")
    assert (read(request).state, last_event(request)) == (State.REFUNDED, "charged_back")


def test_two_refunds_of_one_payment_are_taken_over_as_far_as_the_chargeback_goes(cast: Cast) -> None:
    placed = order(cast, total=2 * 4971, quantity=2)
    requests = [_approved(file(placed, units=(ref,)), cast) for ref in ("1", "2")]
    for request in requests:
        pay(request.number, timezone.now())
    close(dispute(amount=6000), "lost")
    assert [read(request).state for request in requests] == [State.REFUNDED, State.REFUNDING]
    parts = [(t.state, t.part.amount) for t in Transfer.objects.order_by("id")]
    assert parts == [("charged_back", 4971), ("charged_back", 1029), ("failed", 3942)]
    assert balances(cast.seller.code) == {"escrow": -3942, "clearing": 3942}


# --- Nothing is paid any more ---


def test_payout_that_was_proposed_before_is_refused_and_can_only_be_rejected(cast: Cast) -> None:
    request = sent(cast)
    payout = proposed(cast, Transfer.objects.get())
    close(dispute(), "lost")
    before = Transaction.objects.count()
    for call in (
        lambda: confirmed(payout, cast.supervisor),
        lambda: proposed(cast, Transfer.objects.get()),
    ):
        with pytest.raises(NotByHand):
            call()
    with pytest.raises(NotStuck):
        unstick.ask_again(
            transfer_number=Transfer.objects.get().number, user=cast.finance, now=timezone.now()
        )
    assert (Transaction.objects.count(), read(request).state) == (before, State.REFUNDED)
    pay_by_hand.reject(payout_id=payout.pk, user=cast.supervisor, now=timezone.now())


def test_payout_is_refused_before_as_long_as_the_dispute_is_open(cast: Cast) -> None:
    sent(cast)
    dispute()
    with pytest.raises(DisputeOpen):
        proposed(cast, Transfer.objects.get())


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE payments_transfer SET state = 'failed', by_chargeback = 0", "cannot become failed"),
        ("UPDATE payments_transfer SET state = 'succeeded', by_chargeback = 0, settled_at = now()", "cannot become"),
        ("UPDATE payments_transfer SET by_chargeback = 0", "charged_back_says_how_much"),
    ],
)  # fmt: skip
def test_database_keeps_what_a_chargeback_paid(cast: Cast, sql: str, why: str) -> None:
    fails_then_lost(cast)
    with pytest.raises(DatabaseError, match=why), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_database_frees_no_money_of_a_transfer_that_may_still_be_paid(cast: Cast) -> None:
    sent(cast)
    with (
        pytest.raises(DatabaseError, match="is not released"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE payments_claim SET released_at = now()")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("state", ["queued", "sending", "pending"])
def test_database_ends_no_transfer_that_is_with_the_channel(cast: Cast, state: str) -> None:
    sent(cast)
    Transfer.objects.update(state=state)
    with pytest.raises(DatabaseError, match="cannot become charged_back"), transaction.atomic():
        Transfer.objects.update(state="charged_back", by_chargeback=1)
