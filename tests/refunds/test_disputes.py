"""What a chargeback or a complaint does at once, to refunds in every state, and what a reviewer may do beside it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from marketplace.ledger.queries import balance
from marketplace.payments.models import Capture, Claim, SandboxRefund, Transfer
from marketplace.payments.operations.payout import NotByHand, Payee
from marketplace.payments.operations.reserve import NotEnoughCaptured
from marketplace.risk.models import Signal
from refunds.machine import State
from refunds.models import RefundRequest, Transition
from refunds.operations.decide import precheck
from refunds.operations.disputed import DisputeOpen
from refunds.operations.freeze import NEGOTIATED
from refunds.operations.pay import pay
from refunds.operations.pay_by_hand import propose
from refunds.operations.unstick import send_again
from tests.cases import file, make_request, work
from tests.factories import days, hours, make_order
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
)


@pytest.fixture(autouse=True)
def _nothing_is_broken(db: None) -> Iterator[None]:
    yield
    assert broken() == []


PASSING = (State.PRECHECKING, State.REFUNDED)  # never seen at rest; reached by paying alone, and tested below

# --- At once ---


def test_chargeback_claims_books_and_flags(cast: Cast) -> None:
    placed = order(cast)
    found = dispute()
    assert (found.state, found.claim.amount, found.contested) == ("open", 9900, 0)
    assert Capture.objects.get().available == 0
    assert balances(cast.seller.code) == {"escrow": -9900, "disputed": 9900}
    signal = Signal.objects.get()
    assert (signal.kind, signal.buyer_id, signal.note) == ("chargeback", placed.buyer_id, found.number)
    assert found.number.startswith("DP")


def test_complaint_claims_and_neither_books_nor_flags(cast: Cast) -> None:
    order(cast)
    found = dispute(kind="complaint")
    assert found.claim.amount == 9900
    assert balances(cast.seller.code) == {"escrow": -9900, "clearing": 9900}
    assert not Signal.objects.exists()


def test_buyer_is_flagged_once_while_the_signal_stands(cast: Cast) -> None:
    for _time in range(2):
        order(cast)
    first, second = Capture.objects.order_by("id")
    dispute(first)
    dispute(second)
    assert Signal.objects.count() == 1
    Signal.objects.update(cleared_at=timezone.now())
    order(cast)
    dispute(Capture.objects.order_by("id").last())
    assert Signal.objects.filter(cleared_at=None).count() == 1


def test_promised_refund_is_called_off_before_it_is_sent(cast: Cast) -> None:
    request = request_in(State.APPROVED, cast)
    found = dispute()
    request = read(request)
    assert (request.state, request.approved_amount, request.due_kind) == (State.MANUAL_REVIEW, None, "review")
    assert request.due_at > timezone.now()
    assert request.items.get().approved_amount == 0
    assert Transfer.objects.get().state == Transfer.State.CANCELLED
    assert found.claim.amount == 9900
    work()
    assert pay(request.number, timezone.now() + days(1)) == 0
    assert not SandboxRefund.objects.exists()


@pytest.mark.parametrize(
    ("state", "moves"),
    [(state, state in (*NEGOTIATED, State.APPROVED)) for state in State if state not in PASSING],
)
@pytest.mark.parametrize("same_order", [True, False])
def test_chargeback_freezes_what_its_buyer_has_open_on_any_order(
    cast: Cast, state: str, moves: bool, same_order: bool
) -> None:
    request = request_in(state, cast)
    disputed = request.order if same_order else order(cast)
    before = (request.state, request.sequence)
    found = dispute(disputed.captures.get())
    request = read(request)
    if moves:
        last = Transition.objects.get(request=request, sequence=request.sequence)
        assert (request.state, last.event, last.note) == (State.MANUAL_REVIEW, "freeze", found.number)
    else:
        assert (request.state, request.sequence) == before


def test_chargeback_leaves_other_buyers_alone(cast: Cast) -> None:
    other = make_order(shop=cast.shop, buyer=cast.stranger, seller=cast.seller, total=9900)
    request = make_request(cast, state=State.AWAITING_SELLER, order=other)
    disputed = order(cast)
    dispute(disputed.captures.get())
    assert read(request).state == State.AWAITING_SELLER


@pytest.mark.parametrize(
    ("state", "same_order", "after"),
    [
        (State.AWAITING_SELLER, True, State.MANUAL_REVIEW),
        (State.AWAITING_SELLER, False, State.AWAITING_SELLER),
        (State.APPROVED, True, State.APPROVED),
        (State.APPROVED, False, State.APPROVED),
    ],
)
def test_complaint_takes_only_its_own_order_from_the_seller(
    cast: Cast, state: str, same_order: bool, after: str
) -> None:
    request = request_in(state, cast)
    disputed = request.order if same_order else order(cast)
    dispute(disputed.captures.get(), "complaint")
    assert read(request).state == after


def test_chargeback_takes_over_what_a_complaint_held_and_gives_it_back_when_won(cast: Cast) -> None:
    order(cast)
    complaint = dispute(kind="complaint")
    chargeback = dispute()
    complaint.refresh_from_db()
    assert (chargeback.claim.amount, complaint.claim.released_at is None) == (9900, False)
    close(chargeback, "won")
    complaint.refresh_from_db()
    assert (complaint.claim.amount, complaint.claim.released_at) == (9900, None)
    close(complaint, "won")
    assert Capture.objects.get().claimed == 0


# --- A refund in each state of its transfer when the chargeback arrives ---

SENT = [("queued", 9972), ("sending", 9900), ("pending", 9974), ("succeeded", 9900)]


def refund_in(transfer_state: str, total: int, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> RefundRequest:
    """A refund whose transfer was tried, in this state. The amount's ending tells the sandbox what to do."""
    request = request_in(State.APPROVED, cast, total=total)
    if transfer_state == "sending":
        die_at_the_call(request, monkeypatch)
    else:
        pay(request.number, timezone.now())
    assert Transfer.objects.get().state == transfer_state
    return request


@pytest.mark.parametrize(("transfer_state", "total"), SENT)
def test_what_was_sent_is_contested_and_lost_to_the_platform(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, transfer_state: str, total: int
) -> None:
    set_fee("platform", amount=0)
    refund_in(transfer_state, total, cast, monkeypatch)
    found = dispute()
    assert (found.claim, found.contested) == (None, total)
    assert Capture.objects.get().claimed == total
    assert balance("disputed", "stripe", "CNY") == total
    close(found, "lost")
    assert balance("chargeback_loss", "platform", "CNY") == total


@pytest.mark.parametrize("in_books_of_channel", [True, False])
def test_try_that_may_have_arrived_is_asked_about_and_not_sent_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, in_books_of_channel: bool
) -> None:
    """The answer to the first try was lost; then the chargeback came. Sent again, both would pay."""
    request = refund_in("queued", 9972, cast, monkeypatch)
    if not in_books_of_channel:
        SandboxRefund.objects.all().delete()
    dispute()
    pay(request.number, timezone.now() + hours(1))
    transfer = Transfer.objects.get()
    if in_books_of_channel:
        assert (transfer.state, read(request).state) == ("succeeded", State.REFUNDED)
        assert SandboxRefund.objects.get().calls == 1
    else:
        assert (transfer.state, transfer.error_code) == ("queued", "may_still_arrive")
        pay(request.number, timezone.now() + hours(2.1))
        transfer.refresh_from_db()
        assert (transfer.state, transfer.error_code) == ("failed", "never_arrived")
        assert not SandboxRefund.objects.exists()


def test_try_that_arrives_late_is_not_paid_by_hand_as_well_because_of_a_chargeback(cast: Cast) -> None:
    """A chargeback of the rest of the payment ends the day on which the refund may be sent again. The channel does not
    know the refund, an hour after the call that nobody answered; then the call gets there."""
    request = approve(request_in(State.MANUAL_REVIEW, cast), cast, 3072)
    pay(request.number, timezone.now())
    late = SandboxRefund.objects.get()
    late.delete()
    close(dispute(amount=5000), "lost")
    pay(request.number, timezone.now() + hours(1))
    transfer = Transfer.objects.get()
    with pytest.raises(NotByHand):
        propose(
            transfer_number=transfer.number,
            payee=Payee("张三", "ICBC", "6222000011112222"),
            note="Card closed.",
            user=cast.finance,
            now=timezone.now() + hours(1),
        )
    late.save(force_insert=True)
    pay(request.number, timezone.now() + hours(1.9))
    transfer.refresh_from_db()
    assert (transfer.state, read(request).state) == ("succeeded", State.REFUNDED)


def test_control_without_the_bound_the_refund_is_sent_beside_the_chargeback(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = refund_in("queued", 9972, cast, monkeypatch)
    SandboxRefund.objects.all().delete()
    monkeypatch.setattr("refunds.operations.freeze._send_no_more", lambda *_args: None)
    dispute()
    pay(request.number, timezone.now() + hours(1))
    assert SandboxRefund.objects.exists()
    SandboxRefund.objects.all().delete()
    SandboxRefund.objects.create(
        number=Transfer.objects.get().number,
        channel_no="x",
        amount=9972,
        currency="CNY",
        succeeds_at=timezone.now(),
    )


def die_at_the_call(request: RefundRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The payer's process ends when it has marked the first transfer as sent."""

    def dies(*_args: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("refunds.operations.pay.call_channel", dies)
    with pytest.raises(KeyboardInterrupt):
        pay(request.number, timezone.now())
    monkeypatch.undo()


def test_part_that_was_not_sent_yet_is_not_sent_beside_a_chargeback(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refund of two payments: one part was sent when the other's payment is charged back."""
    request = request_in(State.APPROVED, cast, total=10_000, captures=[3000, 7000])
    die_at_the_call(request, monkeypatch)
    assert list(Transfer.objects.order_by("id").values_list("state", flat=True)) == ["sending", "queued"]
    found = dispute(Capture.objects.get(amount=7000))
    now = timezone.now() + hours(1)
    pay(request.number, now)
    waiting = Transfer.objects.get(claim__amount=7000)
    assert (waiting.state, waiting.error_code, waiting.sent_at) == ("manual", "dispute_open", None)
    again = {"transfer_number": waiting.number, "note": "Won.", "user": cast.finance, "now": now}
    with pytest.raises(DisputeOpen):
        send_again(**again)
    assert list(SandboxRefund.objects.values_list("amount", flat=True)) == [3000]
    close(found, "won")
    send_again(**again)
    work(now)
    assert read(request).state == State.REFUNDED


def test_partial_refund_leaves_the_rest_to_the_chargeback(cast: Cast) -> None:
    set_fee("platform", amount=0)
    request = request_in(State.MANUAL_REVIEW, cast)
    approve(request, cast, 4000)
    work()
    found = dispute()
    assert (found.claim.amount, found.contested) == (5900, 4000)
    close(found, "lost")
    # 9900 in; 4000 back to the buyer by us, 9900 by the bank: 4000 too much, and that is the platform's loss.
    assert balances(cast.seller.code) == {"clearing": -4000, "chargeback_loss": 4000}


def test_partial_chargeback_leaves_the_rest_to_a_refund(cast: Cast) -> None:
    request = request_in(State.MANUAL_REVIEW, cast)
    dispute(amount=4000)
    with pytest.raises(DisputeOpen):
        approve(request, cast)
    approve(request, cast, 5900)
    work()
    assert read(request).state == State.REFUNDED
    assert Capture.objects.get().claimed == 9900


def test_chargeback_above_the_payment_is_contested_above_it(cast: Cast) -> None:
    order(cast)
    found = dispute(amount=10_000)
    assert (found.claim.amount, found.contested) == (9900, 100)


# --- The reviewer ---


def test_nothing_is_approved_from_what_a_chargeback_holds(cast: Cast) -> None:
    request = request_in(State.APPROVED, cast)
    found = dispute()
    with pytest.raises(DisputeOpen) as refused:
        approve(request, cast)
    assert refused.value.extra["dispute"] == found.number
    assert read(request).state == State.MANUAL_REVIEW
    assert Claim.objects.filter(released_at=None).get() == found.claim


def test_after_a_lost_chargeback_the_money_is_gone(cast: Cast) -> None:
    request = request_in(State.APPROVED, cast)
    close(dispute(), "lost")
    with pytest.raises(NotEnoughCaptured):
        approve(request, cast)


def test_after_a_won_chargeback_the_frozen_request_is_approved_again_and_paid(cast: Cast) -> None:
    request = request_in(State.APPROVED, cast)
    close(dispute(), "won")
    assert balances(cast.seller.code) == {"escrow": -9900, "clearing": 9900}
    approve(request, cast)
    work()
    assert read(request).state == State.REFUNDED
    assert sorted(Transfer.objects.values_list("state", flat=True)) == ["cancelled", "succeeded"]
    assert balances(cast.seller.code) == {}
    assert SandboxRefund.objects.count() == 1


@pytest.mark.parametrize("amount", [9900, 4000])
def test_reviewers_approval_uses_what_a_complaint_holds(cast: Cast, amount: int) -> None:
    request = request_in(State.MANUAL_REVIEW, cast)
    complaint = dispute(kind="complaint")
    approve(request, cast, amount)
    complaint.refresh_from_db()
    assert Capture.objects.get().claimed == 9900  # the complaint keeps the rest
    assert (complaint.claim.released_at is None, complaint.state) == (amount == 4000, "open")
    work()
    close(complaint, "lost")
    assert Capture.objects.get().claimed == amount
    assert read(request).state == State.REFUNDED


@pytest.mark.parametrize("held", [4900, 1])  # also where what is left would do
@pytest.mark.parametrize("kind", ["chargeback", "complaint"])
def test_machine_hands_a_request_beside_an_open_dispute_to_a_person(cast: Cast, kind: str, held: int) -> None:
    placed = order(cast, total=4900, quantity=2)
    dispute(kind=kind, amount=held)
    Signal.objects.update(cleared_at=timezone.now())  # what stops the machine is the dispute itself
    request = file(placed, reason="not_activated", units=("1",))
    precheck(request.pk, timezone.now())
    request = read(request)
    assert request.state == State.MANUAL_REVIEW
    assert request.decisions.get().outcome == "review"


def test_machine_does_not_give_back_what_was_charged_twice_and_is_disputed(cast: Cast) -> None:
    placed = order(cast, captures=2, total=4900)
    dispute(placed.captures.order_by("id").last())
    request = file(placed, reason="duplicate_charge")
    precheck(request.pk, timezone.now())
    assert read(request).state == State.MANUAL_REVIEW
    found = {finding["key"] for finding in request.decisions.get().findings}
    assert "duplicate.single" in found  # the disputed one is not there to be given back
    assert not Transfer.objects.exists()


def test_machine_that_finds_its_money_held_hands_over_to_a_person(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The facts were read a moment before the dispute came in."""
    placed = order(cast, total=4900)
    request = file(placed, reason="not_activated")
    from refunds.operations import decide

    facts = decide._facts(request)
    dispute(kind="complaint")
    monkeypatch.setattr(decide, "_facts", lambda _request: facts)
    precheck(request.pk, timezone.now())
    assert read(request).state == State.MANUAL_REVIEW
