"""Two at one payout, each race with its control: the same with the locks off, where it does harm."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from marketplace.identity.roles import Role
from marketplace.ledger.queries import balance
from marketplace.payments.gateways.base import Result, Status
from marketplace.payments.operations import payout as payouts
from marketplace.payments.operations.stuck import NotStuck
from refunds.machine import State
from refunds.models import Message, RefundRequest
from refunds.operations import money_desk, pay_by_hand, unstick
from tests.factories import StaffFactory
from tests.people import Cast
from tests.refunds.test_races import locks_off, together

from .by_hand import CLOSED_CARD, all_is_well, confirmed, now, proposed, refused_by_channel

__all__ = ["locks_off"]


def _two_confirm(cast: Cast) -> list[Any]:
    payout = proposed(cast, refused_by_channel(cast))
    second = StaffFactory.create(role=Role.FINANCE)
    return together(
        [lambda: confirmed(payout, cast.supervisor, "BANK-1"), lambda: confirmed(payout, second, "BANK-2")]
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(3))
def test_two_confirm_at_once_and_one_of_them_wins(cast: Cast, _round: int) -> None:
    answers = _two_confirm(cast)
    [late] = [answer for answer in answers if isinstance(answer, Exception)]
    assert isinstance(late, payouts.PayoutDecided)
    assert balance("bank", "platform", "CNY") == -CLOSED_CARD
    assert Message.objects.filter(text__contains="BANK-").count() == 1
    assert all_is_well()


def _meet_before_booking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have found the payout undecided; neither has written."""
    meet, decide = threading.Barrier(2), payouts._decide

    def decide_together(*args: Any) -> None:
        decide(*args)
        meet.wait(10)

    monkeypatch.setattr(payouts, "_decide", decide_together)


@pytest.mark.django_db(transaction=True)
def test_without_locks_the_one_booking_per_reference_still_refuses(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _meet_before_booking(monkeypatch)
    answers = _two_confirm(cast)
    assert sum(isinstance(answer, Exception) for answer in answers) == 1, answers
    assert balance("bank", "platform", "CNY") == -CLOSED_CARD
    assert all_is_well()


@pytest.mark.django_db(transaction=True)
def test_control_without_locks_and_stable_reference_it_is_booked_twice(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _meet_before_booking(monkeypatch)
    book, made_up = payouts.book, iter(range(10))
    monkeypatch.setattr(
        payouts, "book", lambda **movement: book(**movement | {"reference": f"payout:{next(made_up)}"})
    )
    monkeypatch.setattr(pay_by_hand, "close_when_through", lambda *_args: None)
    assert not any(isinstance(answer, Exception) for answer in _two_confirm(cast))
    assert balance("bank", "platform", "CNY") == -2 * CLOSED_CARD


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(3))
def test_confirmed_while_the_channels_news_comes_in_is_paid_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, _round: int
) -> None:
    """The channel pays between the question and the booking, and somebody else asks it at that moment."""
    transfer = refused_by_channel(cast)
    payout = proposed(cast, transfer)
    pays = vars(money_desk) | {"ask": lambda _number: Result(Status.SUCCEEDED)}
    monkeypatch.setattr(unstick, "desk", SimpleNamespace(**pays))
    answers = together(
        [
            lambda: confirmed(payout, cast.supervisor),
            lambda: unstick.ask_again(transfer_number=transfer.number, user=cast.finance, now=now()),
        ]
    )
    [late] = [answer for answer in answers if isinstance(answer, Exception)]
    assert isinstance(late, payouts.NotByHand | NotStuck)
    by_hand, by_channel = (
        balance("bank", "platform", "CNY"),
        balance("clearing", "alipay", "CNY") - CLOSED_CARD,
    )
    assert sorted([by_hand, by_channel]) == [-CLOSED_CARD, 0]
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert all_is_well()
