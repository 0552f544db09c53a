"""Appeals and votes at the same time, each race with its control."""

from typing import Any

import pytest
from django.utils import timezone

from refunds.machine import State
from refunds.models import Appeal, Judgement, RefundRequest, Vote
from refunds.operations import decide_appeal
from refunds.operations.appealed import AlreadyAppealed
from refunds.operations.decide_appeal import AppealDecided
from tests.cases import make_request
from tests.contested import arbiter, buyer_appeals, cast_vote, refunded, rejected, seat, seller_appeals
from tests.factories import StaffFactory
from tests.people import Cast

from .test_races import locks_off, together

__all__ = ["locks_off"]
pytestmark = pytest.mark.django_db(transaction=True)


def _appeal_many(request: RefundRequest) -> list[Any]:
    return together([lambda n=n: buyer_appeals(request, key=f"k{n}") for n in range(10)])


def test_ten_appeals_at_once_are_one(cast: Cast) -> None:
    answers = _appeal_many(rejected(cast))
    assert Appeal.objects.count() == 1
    assert sum(isinstance(answer, AlreadyAppealed) for answer in answers) == 9


def test_without_the_lock_the_database_still_keeps_one_appeal(cast: Cast, locks_off: None) -> None:
    _appeal_many(rejected(cast))
    assert Appeal.objects.count() == 1


def _vote_both(cast: Cast) -> tuple[RefundRequest, list[Any]]:
    request = make_request(cast, state=State.ARBITRATION)
    people = [arbiter() for _ in range(3)]
    seat(cast, request, *people)
    answers = together([lambda user=user: cast_vote(request, user, 5000) for user in people[:2]])
    return RefundRequest.objects.get(pk=request.pk), answers


def test_two_votes_at_once_decide_once(cast: Cast) -> None:
    request, answers = _vote_both(cast)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert (request.state, request.approved_amount) == (State.APPROVED, 5000)
    assert Judgement.objects.filter(request=request).count() == 1
    assert Vote.objects.count() == 2


def test_without_the_lock_two_votes_can_miss_each_other(cast: Cast, locks_off: None) -> None:
    """Both are given, neither sees the other, and the case waits for a ruling that has fallen."""
    states = set()
    for _ in range(10):
        request, _answers = _vote_both(cast)
        states.add(request.state)
        if State.ARBITRATION in states:
            break
    assert State.ARBITRATION in states


def test_appeal_decided_by_two_at_once_is_decided_and_booked_once(cast: Cast) -> None:
    second = StaffFactory.create(role="supervisor")
    request = refunded(cast)
    seller_appeals(request, cast.seller_user)
    say = {"number": request.number, "note": "It was used.", "now": timezone.now()}
    answers = together(
        [
            lambda: decide_appeal.overturn(user=cast.supervisor, amount=9900, **say),
            lambda: decide_appeal.overturn(user=second, amount=4900, **say),
        ]
    )
    assert sum(isinstance(answer, AppealDecided) for answer in answers) == 1
    assert Appeal.objects.get().outcome == "overturned"
