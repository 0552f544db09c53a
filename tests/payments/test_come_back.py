"""A refund that had arrived comes back: the books, the transfer and the request say so, once (requirement G6)."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound
from marketplace.kernel.money import Money
from marketplace.ledger import operations as ledger
from marketplace.ledger.models import Transaction
from marketplace.ledger.queries import balance
from marketplace.payments.gateways.base import ChannelUnreachable
from marketplace.payments.models import Capture, Notification, SandboxRefund, Transfer
from marketplace.payments.operations import send
from marketplace.payments.operations.payout import Payee
from refunds.machine import State
from refunds.models import RefundItem, RefundRequest, Transition
from refunds.operations.come_back import UnitsHeldElsewhere, recheck
from refunds.operations.pay import pay
from refunds.operations.pay_by_hand import confirm, propose
from tests.cases import bring, file, make_request, work
from tests.channels.server import Fault
from tests.factories import StaffFactory, hours, make_order
from tests.people import Cast
from tests.refunds.test_races import locks_off, together
from tests.terms import publish

from .funds import own, refunding, settled, sound
from .sides import HOUR, TAKE_BACK, Side, deliver, running, sent

__all__ = ["locks_off"]


@pytest.fixture(params=TAKE_BACK)
def side(request: pytest.FixtureRequest, settings: Any) -> Iterator[Side]:
    with running(request.param, settings) as side:
        yield side


def books(side: str, seller: str) -> dict[str, int]:
    return {"clearing": balance("clearing", side, "CNY"), "escrow": balance("escrow", seller, "CNY")}


def reversals() -> int:
    return Transaction.objects.filter(recipe="reversal").count()


def test_money_that_comes_back_is_in_the_books_again_and_waits_for_a_person(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side)
    assert books(side.name, cast.seller.code) == {"clearing": 0, "escrow": 0}
    side.take_back(transfer.number)
    deliver(side, side.news(transfer.number))
    work()
    assert books(side.name, cast.seller.code) == {"clearing": 9_900, "escrow": -9_900}
    transfer.refresh_from_db()
    assert (transfer.state, transfer.settled_at) == (side.failed, None)
    request = RefundRequest.objects.get()
    assert request.state == State.REFUNDING
    move = Transition.objects.get(event="come_back")
    assert (move.actor, move.note) == ("system", f"{transfer.number}: {transfer.error_code}")
    assert transfer.error_code != ""
    assert Capture.objects.get().claimed == 9_900  # promised still
    assert RefundItem.objects.get().is_open
    assert sound() == []


def test_second_word_of_it_does_nothing(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side)
    side.take_back(transfer.number)
    same = side.news(transfer.number)
    for told in (same, same, side.news(transfer.number)):
        deliver(side, told)
        work()
    assert list(Notification.objects.order_by("id").values_list("state", flat=True)) == ["done", "no_news"]
    assert (reversals(), Transition.objects.filter(event="come_back").count()) == (1, 1)
    assert recheck(transfer.number, timezone.now()) is False
    assert sound() == []


def test_nothing_is_sent_again_by_itself(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side)
    side.take_back(transfer.number)
    assert recheck(transfer.number, timezone.now()) is True
    side.channel.calls.clear()
    assert pay(transfer.reference, timezone.now() + HOUR * 48) == 0
    assert side.channel.calls == []


def test_refund_that_stands_is_left_alone(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side)
    assert recheck(transfer.number, timezone.now()) is False
    assert (reversals(), RefundRequest.objects.get().state) == (0, State.REFUNDED)


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.GARBLED])
def test_channel_that_gives_no_answer_changes_nothing(cast: Cast, side: Side, fault: Fault) -> None:
    transfer = sent(cast, side)
    side.take_back(transfer.number)
    side.channel.faults.append(fault)
    with pytest.raises(ChannelUnreachable):
        recheck(transfer.number, timezone.now())
    assert (reversals(), RefundRequest.objects.get().state) == (0, State.REFUNDED)
    assert sound() == []


def test_transfer_nobody_sent_is_not_found(cast: Cast) -> None:
    make_request(cast, state=State.APPROVED)
    for number in ("RT-NONE", Transfer.objects.get().number):
        with pytest.raises(NotFound):
            recheck(number, timezone.now())


def test_refund_alipay_sent_on_to_the_balance_has_arrived(cast: Cast, settings: Any) -> None:
    with running("alipay", settings) as side:
        transfer = sent(cast, side)
        side.take_back(transfer.number)
        deliver(side, side.news(transfer.number))
        work()
        assert Notification.objects.get().state == "no_news"
        assert (reversals(), RefundRequest.objects.get().state) == (0, State.REFUNDED)


# --- Beside other things ---


def test_one_of_two_payments_comes_back_while_the_other_is_still_on_its_way(
    cast: Cast, settings: Any
) -> None:
    with running("stripe", settings) as side:
        order = make_order(
            shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=10_000, captures=[3_000, 7_000],
            channel="stripe", events=[("delivered", hours(-3))],
        )  # fmt: skip
        for capture in Capture.objects.order_by("id"):
            Capture.objects.filter(pk=capture.pk).update(channel_no=side.pay(capture.amount))
        request = bring(file(order), State.APPROVED, cast)
        first, second = Transfer.objects.order_by("claim__capture__captured_at", "id")
        side.channel.settles_after = HOUR
        pay(request.number, timezone.now())
        side.channel.become(first.number, "succeeded")
        pay(request.number, timezone.now() + timedelta(minutes=1))
        side.take_back(first.number)
        assert recheck(first.number, timezone.now()) is True
        assert not Transition.objects.filter(event="come_back").exists()
        side.settle(second.number)
        pay(request.number, timezone.now() + HOUR)
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.state, second.state) == ("failed", "succeeded")
        assert RefundRequest.objects.get().state == State.REFUNDING
        assert sound() == []


# --- At the sandbox, where a refund whose amount ends in 76 comes back a minute after it arrived ---


def come_back() -> Transfer:
    """The minute has passed."""
    SandboxRefund.objects.update(succeeds_at=timezone.now() - timedelta(seconds=61))
    return Transfer.objects.get(number=SandboxRefund.objects.latest("id").number)


def test_sellers_own_money_is_his_again(cast: Cast) -> None:
    publish(commission_bps=250)
    order = settled(cast, 9_976)
    before = own(cast.seller.code)
    refunding(cast, order)
    assert own(cast.seller.code) == {"debt": 249}  # the commission, which the platform advanced
    assert recheck(come_back().number, timezone.now()) is True
    assert own(cast.seller.code) == before == {"payable": 9_727}
    assert sound() == []


def test_debt_that_was_repaid_since_is_payable_again(cast: Cast) -> None:
    publish(commission_bps=250)
    refunding(cast, settled(cast, 9_976))
    settled(cast, 5_000)  # of which 249 repaid the debt
    transfer = come_back()
    assert recheck(transfer.number, timezone.now()) is True
    transfer.refresh_from_db()
    assert (transfer.state, reversals()) == ("failed", 1)
    # As if the refund had never been: both sales less the commission, and nothing owed.
    assert own(cast.seller.code) == {"payable": 9_727 + 4_875}
    assert sound() == []


def test_unit_asked_for_again_meanwhile_keeps_it_for_a_person(cast: Cast) -> None:
    """A part of the price comes back while the buyer asks for the rest of it."""
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, events=[("delivered", hours(-3))], total=9_900
    )
    refunding(cast, order, amount=Money(5_076, "CNY"))
    rest = file(order)
    transfer = come_back()
    with pytest.raises(UnitsHeldElsewhere):
        recheck(transfer.number, timezone.now())
    transfer.refresh_from_db()
    assert (transfer.state, reversals()) == ("succeeded", 0)
    bring(rest, State.WITHDRAWN, cast)
    assert recheck(transfer.number, timezone.now()) is True
    assert RefundRequest.objects.get(number=transfer.reference).state == State.REFUNDING
    assert sound() == []


def test_what_came_back_is_paid_by_hand_and_comes_back_no_more(cast: Cast) -> None:
    make_request(cast, state=State.APPROVED, total=9_976)
    pay(RefundRequest.objects.get().number, timezone.now())
    transfer = come_back()
    assert recheck(transfer.number, timezone.now()) is True
    payee = Payee("Li Lei", "ICBC", "6222020200112230")
    other = StaffFactory.create(role=Role.FINANCE)
    proposed = propose(
        transfer_number=transfer.number,
        payee=payee,
        note="Closed card.",
        user=cast.finance,
        now=timezone.now(),
    )
    confirm(payout_id=proposed.pk, bank_reference="B-1", user=other, now=timezone.now())
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert recheck(transfer.number, timezone.now()) is False
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert (balance("clearing", "alipay", "CNY"), balance("bank", "platform", "CNY")) == (9_976, -9_976)
    assert sound() == []


# --- Races ---


def at_once(cast: Cast) -> list[Any]:
    make_request(cast, state=State.APPROVED, total=9_976)
    pay(RefundRequest.objects.get().number, timezone.now())
    number = come_back().number
    return together([lambda: recheck(number, timezone.now())] * 8)


@pytest.mark.django_db(transaction=True)
def test_8_workers_that_hear_of_it_take_it_back_once(cast: Cast) -> None:
    assert sorted(at_once(cast)) == [False] * 7 + [True]
    assert (reversals(), Transition.objects.filter(event="come_back").count()) == (1, 1)
    assert sound() == []


@pytest.mark.django_db(transaction=True)
def test_without_lock_and_compare_and_set_the_books_alone_still_refuse(cast: Cast, careless: None) -> None:
    answers = at_once(cast)
    assert answers.count(True) == 1
    assert (reversals(), Transition.objects.filter(event="come_back").count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_control_without_lock_compare_and_set_and_reference_it_is_taken_back_many_times(
    cast: Cast, careless: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = itertools.count()
    reverse = ledger._REVERSE
    monkeypatch.setattr("refunds.operations.come_back.apply_transition", lambda *_a, **_n: None)

    def reverse_anyhow(reference: str, at: datetime) -> None:
        monkeypatched = reverse.replace("'reversal:' ||", f"'reversal-{next(numbers)}:' ||")
        assert monkeypatched != reverse
        with connection.cursor() as cursor:
            cursor.execute(monkeypatched, {"recipe": "reversal", "at": at, "reference": reference})

    monkeypatch.setattr(send, "reverse", reverse_anyhow)
    at_once(cast)
    assert reversals() > 1
    assert "refund_booked_once" in sound()


@pytest.fixture
def careless(locks_off: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a lock, and nobody asks what the transfer is by now."""
    undo = send._UNDO.replace("AND t.state = 'succeeded'", "")
    assert undo != send._UNDO
    monkeypatch.setattr(send, "_UNDO", undo)
