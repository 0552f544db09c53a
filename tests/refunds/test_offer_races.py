"""Answers to an offer against one another, the clock and a chargeback: one of them counts. Each with its control."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from marketplace.kernel.errors import Refusal
from marketplace.ledger.operations import ensure_accounts
from marketplace.orders.models import Unit
from marketplace.payments.models import Capture, Claim, SandboxRefund
from refunds import transitions
from refunds.machine import State
from refunds.models import Offer, RefundRequest, SealedOffer, Transition
from refunds.operations import approve as approving
from refunds.operations import dispute as disputing
from refunds.operations import disputed, offered, seal_offer
from refunds.operations.sweep import sweep_deadlines
from tests.cases import work
from tests.factories import days
from tests.offers import answer, least, most, part, read, replacement, with_seller
from tests.people import Cast

from .disputes import broken, close, dispute, order
from .test_races import locks_off, together, without, without_index

__all__ = ["locks_off"]

pytestmark = pytest.mark.django_db(transaction=True)

CONTINUES = (
    "FOREIGN KEY (request_id, previous, from_state) REFERENCES refunds_transition"
    " (request_id, sequence, to_state) DEFERRABLE INITIALLY DEFERRED"
)
ONCE = (
    "CREATE UNIQUE INDEX claim_once_per_reference ON payments_claim (capture_id, kind, reference)"
    " WHERE released_at IS NULL"
)
CHECK = "CHECK (claimed >= 0 AND claimed <= amount)"
ESCROW = "CHECK (claimed_settled >= 0 AND claimed_settled <= settled AND settled <= amount - claimed + claimed_settled)"


def moves_on(request: RefundRequest) -> list[str]:
    moves = Transition.objects.filter(request=request, from_state=State.AWAITING_BUYER)
    return list(moves.order_by("sequence").values_list("event", flat=True))


@pytest.fixture
def careless(locks_off: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Both have read the offer as open, neither has written; and nobody asks whether somebody else was first."""
    meet, write = threading.Barrier(2), offered._answer

    def answer_together(*args: Any) -> None:
        meet.wait(10)
        write(*args)

    monkeypatch.setattr(offered, "_answer", answer_together)
    move = transitions._MOVE.replace("WHERE r.state = %(source)s AND {where}", "")
    assert move != transitions._MOVE
    monkeypatch.setattr(transitions, "_MOVE", move)


@pytest.fixture
def answers_anew() -> Any:
    """An answered offer may be answered again."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE refunds_offer DISABLE TRIGGER USER")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE refunds_offer ENABLE TRIGGER USER")


# --- Accepted twice ---


def _accepted_twice(cast: Cast) -> tuple[RefundRequest, list[Any]]:
    request = with_seller(cast)
    part(request, cast.seller_user, 4000)
    return request, together([lambda: answer(request, True)] * 2)


@pytest.mark.parametrize("_round", range(3))
def test_part_accepted_twice_at_once_is_approved_once(cast: Cast, _round: int) -> None:
    request, answers = _accepted_twice(cast)
    assert sum(isinstance(each, transitions.InvalidTransition) for each in answers) == 1, answers
    assert moves_on(request) == ["accept_offer"]
    assert Capture.objects.get().claimed == 4000
    assert broken() == []


def test_without_locks_the_trigger_on_answered_offers_still_refuses(cast: Cast, careless: None) -> None:
    _request, answers = _accepted_twice(cast)
    assert sum("history" in str(each) for each in answers) == 1, answers
    assert Capture.objects.get().claimed == 4000


def test_control_without_locks_and_constraints_a_part_is_promised_twice(
    cast: Cast, careless: None, answers_anew: None
) -> None:
    with (
        without_index("claim_once_per_reference", ONCE),
        without("transition_continues", "refunds_transition", CONTINUES),
    ):
        request, answers = _accepted_twice(cast)
        assert Capture.objects.get().claimed == 8000, answers
        assert moves_on(request) == ["accept_offer"] * 2


@pytest.mark.parametrize("_round", range(3))
def test_new_goods_confirmed_and_declined_at_once_are_one_of_both(cast: Cast, _round: int) -> None:
    request = with_seller(cast)
    replacement(request, cast.seller_user)
    together([lambda: answer(request, True), lambda: answer(request, False)])
    confirmed = read(request).state == State.REPLACED
    assert moves_on(request) == ["confirm_replacement" if confirmed else "decline_offer"]
    assert Unit.objects.get(ref="1-R1").place == ("in_place" if confirmed else "taken_back")
    assert Capture.objects.get().claimed == 0
    assert broken() == []


# --- Accepted while the clock runs out ---


def _accepted_while_it_lapses(cast: Cast) -> tuple[RefundRequest, list[Any]]:
    request = with_seller(cast)
    part(request, cast.seller_user, 4000, now=timezone.now() - days(3))
    return request, together([lambda: answer(request, True), lambda: sweep_deadlines(timezone.now())])


@pytest.mark.parametrize("_round", range(5))
def test_accepted_while_it_lapses_is_one_of_both(cast: Cast, _round: int) -> None:
    request, answers = _accepted_while_it_lapses(cast)
    accepted = read(request).state == State.APPROVED
    assert moves_on(request) == ["accept_offer" if accepted else "buyer_silent"], answers
    assert Offer.objects.get().answer == ("accepted" if accepted else "lapsed")
    assert Claim.objects.filter(released_at=None).exists() == accepted
    assert broken() == []


def test_control_without_locks_and_constraints_it_is_both(
    cast: Cast, careless: None, answers_anew: None
) -> None:
    with without("transition_continues", "refunds_transition", CONTINUES):
        request, answers = _accepted_while_it_lapses(cast)
        assert sorted(moves_on(request)) == ["accept_offer", "buyer_silent"], answers


# --- Accepted while a chargeback comes in ---


def _accepted_while_charged_back(cast: Cast) -> tuple[RefundRequest, list[Any]]:
    request = with_seller(cast, order=order(cast))
    part(request, cast.seller_user, 4000)
    ensure_accounts({("disputed", "stripe", "CNY")})  # else the second waits for the first to make it
    return request, together([lambda: answer(request, True), lambda: dispute()])


@pytest.mark.parametrize("_round", range(5))
def test_part_accepted_while_a_chargeback_comes_in_is_not_paid_beside_it(cast: Cast, _round: int) -> None:
    request, answers = _accepted_while_charged_back(cast)
    assert all(not isinstance(each, Exception) or isinstance(each, Refusal) for each in answers), answers
    assert read(request).state == State.MANUAL_REVIEW
    live = Claim.objects.filter(released_at=None)
    assert list(live.values_list("kind", "amount")) == [("chargeback", 9900)]
    work()
    close(disputing.Dispute.objects.get(), "lost")
    assert not SandboxRefund.objects.exists()
    assert broken() == []


def test_control_without_locks_freeze_and_check_both_are_promised(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet, allocate = threading.Barrier(2), disputed.allocate

    def allocate_together(*args: Any) -> Any:
        parts = allocate(*args)
        meet.wait(10)
        return parts

    monkeypatch.setattr(disputed, "allocate", allocate_together)
    monkeypatch.setattr(approving, "allocate", allocate_together)
    monkeypatch.setattr(disputing, "freeze_for_chargeback", lambda *_args: None)
    with (
        without("claims_within_capture", "payments_capture", CHECK),
        without("escrow_pays_once", "payments_capture", ESCROW),
    ):
        _request, answers = _accepted_while_charged_back(cast)
        assert Capture.objects.get().claimed == 9900 + 4000, answers


@pytest.mark.parametrize("_round", range(3))
def test_new_goods_sent_while_a_chargeback_comes_in_are_taken_back(cast: Cast, _round: int) -> None:
    request = with_seller(cast, order=order(cast))
    answers = together([lambda: replacement(request, cast.seller_user), lambda: dispute()])
    assert read(request).state == State.MANUAL_REVIEW, answers
    assert set(Unit.objects.filter(ref="1-R1").values_list("place", flat=True)) <= {"taken_back"}
    assert list(Claim.objects.filter(released_at=None).values_list("kind", "amount")) == [
        ("chargeback", 9900)
    ]
    assert broken() == []


@pytest.mark.parametrize("_round", range(3))
def test_new_goods_confirmed_while_a_chargeback_comes_in(cast: Cast, _round: int) -> None:
    """Either the buyer keeps them and the chargeback is about them, or they are taken back before it claims."""
    request = with_seller(cast, order=order(cast))
    replacement(request, cast.seller_user)
    answers = together([lambda: answer(request, True), lambda: dispute()])
    confirmed = read(request).state == State.REPLACED
    assert Unit.objects.get(ref="1-R1").place == ("in_place" if confirmed else "taken_back"), answers
    assert list(Claim.objects.filter(released_at=None).values_list("kind", "amount")) == [
        ("chargeback", 9900)
    ]
    assert broken() == []


# --- Two sealed offers at the same instant ---


def _sealed_together(cast: Cast) -> tuple[RefundRequest, list[Any]]:
    request = with_seller(cast)
    return request, together([lambda: least(request, 3000), lambda: most(request, cast.seller_user, 5000)])


@pytest.mark.parametrize("_round", range(3))
def test_sealed_offers_made_at_the_same_instant_settle_once(cast: Cast, _round: int) -> None:
    request, answers = _sealed_together(cast)
    assert not any(isinstance(each, Exception) for each in answers), answers
    assert (read(request).state, read(request).approved_amount) == (State.APPROVED, 4000)
    assert Transition.objects.filter(request=request, event="settle_sealed").count() == 1
    assert Capture.objects.get().claimed == 4000


def test_control_without_the_lock_nobody_sees_that_they_met(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet, check = threading.Barrier(2), seal_offer._check_money

    def check_together(request: RefundRequest) -> None:
        check(request)
        meet.wait(10)

    monkeypatch.setattr(seal_offer, "_check_money", check_together)
    request, _answers = _sealed_together(cast)
    assert SealedOffer.objects.count() == 2
    assert read(request).state == State.AWAITING_SELLER
