"""Panels: an arbiter sees and rules the cases they sit over; several rule by most of their votes (requirement F8)."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound, NotPermitted, SecondPersonNeeded
from refunds.machine import State
from refunds.models import Judgement, PanelMember, RefundRequest, Vote
from refunds.operations import panel, review, say
from refunds.operations.approve import AmountOutOfRange
from refunds.operations.judging import RefundForced, SharesInvalid
from refunds.operations.panel import AlreadySeated, NotAnArbiter, PanelFull
from refunds.operations.review import PanelVotes
from refunds.operations.vote import NoPanel, VotedAlready
from refunds.permissions import reaches
from refunds.transitions import InvalidTransition
from tests.cases import make_request, work
from tests.contested import arbiter, cast_vote, seat
from tests.factories import StaffFactory
from tests.judged import approve, letter, reject
from tests.people import Cast

now = timezone.now
BIG = 300_000


def in_arbitration(cast: Cast, **order: Any) -> RefundRequest:
    return make_request(cast, state=State.ARBITRATION, **order)


def untouched(request: RefundRequest) -> tuple[Any, ...]:
    row = RefundRequest.objects.get(pk=request.pk)
    votes = Vote.objects.filter(member__request=row).count()
    return row.state, row.sequence, votes, row.panel.filter(left_at=None).count(), row.messages.count()


def test_arbiter_does_nothing_where_not_appointed(cast: Cast) -> None:
    mine, other, me = in_arbitration(cast), in_arbitration(cast), arbiter()
    seat(cast, mine, me)
    before = untouched(other)
    for call in (
        lambda: approve(other, me),
        lambda: reject(other, me),
        lambda: cast_vote(other, me, 0),
        lambda: say.say_as_staff(number=other.number, user=me, text="Hello", now=now()),
        lambda: letter(other, me),
    ):
        with pytest.raises(NotFound):
            call()
    assert untouched(other) == before
    assert reaches(me, mine.pk) and not reaches(me, other.pk)
    assert reaches(cast.reviewer, other.pk)


def test_sole_arbiter_rules_alone(cast: Cast) -> None:
    request, me = in_arbitration(cast), arbiter()
    seat(cast, request, me)
    with pytest.raises(NoPanel):
        cast_vote(request, me, 100)
    approve(request, me, amount=2500, fault="seller", shares={"seller": 70, "buyer": 30})
    request.refresh_from_db()
    assert (request.state, request.approved_amount) == (State.APPROVED, 2500)
    judgement = Judgement.objects.get(request=request)
    assert (judgement.by, judgement.shares) == (me, {"seller": 70, "buyer": 30})


def test_sole_arbiter_above_the_limit_needs_a_second_person(cast: Cast) -> None:
    request, me = in_arbitration(cast, total=BIG), arbiter()
    seat(cast, request, me)
    approve(request, me)
    assert RefundRequest.objects.get(pk=request.pk).state == State.ARBITRATION
    with pytest.raises(SecondPersonNeeded):
        approve(request, me)
    approve(request, cast.supervisor)
    request.refresh_from_db()
    assert (request.state, request.maker, request.checker) == (State.APPROVED, me, cast.supervisor)


def test_two_of_three_rule_with_the_median_of_their_amounts(cast: Cast) -> None:
    request, people = in_arbitration(cast), [arbiter() for _ in range(3)]
    seat(cast, request, *people)
    cast_vote(request, people[0], 9900)
    cast_vote(request, people[1], 0)
    assert RefundRequest.objects.get(pk=request.pk).state == State.ARBITRATION
    cast_vote(request, people[2], 5001)
    request.refresh_from_db()
    assert (request.state, request.approved_amount) == (State.APPROVED, 7450)  # 7450.5, rounded down
    assert Judgement.objects.get(request=request).by == people[2]
    work()
    request.refresh_from_db()
    assert request.state == State.REFUNDED


def test_panel_above_the_limit_has_its_two_persons(cast: Cast) -> None:
    request, people = in_arbitration(cast, total=BIG), [arbiter() for _ in range(3)]
    seat(cast, request, *people)
    cast_vote(request, people[0], BIG)
    cast_vote(request, people[2], BIG)
    request.refresh_from_db()
    assert (request.state, request.maker, request.checker) == (State.APPROVED, people[0], people[2])


def test_most_votes_for_the_seller_reject(cast: Cast) -> None:
    request, people = in_arbitration(cast), [arbiter() for _ in range(2)]
    seat(cast, request, *people)
    cast_vote(request, people[0], 0)
    cast_vote(request, people[1], 0)
    assert RefundRequest.objects.get(pk=request.pk).state == State.REJECTED


def test_two_that_disagree_decide_nothing_until_a_third_sits(cast: Cast) -> None:
    request, people = in_arbitration(cast), [arbiter() for _ in range(3)]
    seat(cast, request, *people[:2])
    cast_vote(request, people[0], 0)
    cast_vote(request, people[1], 100)
    assert RefundRequest.objects.get(pk=request.pk).state == State.ARBITRATION
    seat(cast, request, people[2])
    cast_vote(request, people[2], 0)
    assert RefundRequest.objects.get(pk=request.pk).state == State.REJECTED


def test_nobody_rules_in_the_place_of_a_panel(cast: Cast) -> None:
    request, people = in_arbitration(cast), [arbiter() for _ in range(3)]
    seat(cast, request, *people)
    before = untouched(request)
    for user in (people[0], cast.supervisor):
        with pytest.raises(PanelVotes):
            approve(request, user)
        with pytest.raises(PanelVotes):
            reject(request, user)
    for user in (cast.supervisor, cast.reviewer):
        with pytest.raises(NotPermitted):
            cast_vote(request, user, 100)
    assert untouched(request) == before


def test_one_vote_a_member_and_it_stays(cast: Cast) -> None:
    request, people = in_arbitration(cast), [arbiter() for _ in range(3)]
    members = seat(cast, request, *people)
    cast_vote(request, people[0], 100)
    before = untouched(request)
    with pytest.raises(VotedAlready):
        cast_vote(request, people[0], 0)
    with pytest.raises(IntegrityError, match="one_vote_a_member"), transaction.atomic():
        Vote.objects.create(
            member=members[0], sequence=request.sequence, amount=5, fault="none", note="x", at=now()
        )
    for amount in (-1, 9901):
        with pytest.raises(AmountOutOfRange):
            cast_vote(request, people[1], amount, clause="B3")
    with pytest.raises(RefundForced):
        cast_vote(request, people[1], 0, fault="seller")
    assert untouched(request) == before


def test_database_refuses_a_ruling_without_the_votes_or_the_seat(cast: Cast, monkeypatch: Any) -> None:
    """With the program's own checks taken away."""
    request, people = in_arbitration(cast), [arbiter() for _ in range(3)]
    seat(cast, request, *people)
    monkeypatch.setattr(review, "require_no_panel", lambda request: None)
    with pytest.raises(IntegrityError, match="majority"):
        approve(request, people[0])
    monkeypatch.setattr("refunds.operations.locking.reaches", lambda user, request_id: True)
    with pytest.raises(IntegrityError, match="where appointed"):
        approve(in_arbitration(cast), people[0])
    assert not Judgement.objects.exists()
    assert RefundRequest.objects.get(pk=request.pk).state == State.ARBITRATION


def test_who_is_let_go_sees_and_votes_no_more(cast: Cast) -> None:
    request, people = in_arbitration(cast), [arbiter() for _ in range(3)]
    members = seat(cast, request, *people)
    cast_vote(request, people[0], 0)
    panel.remove(number=request.number, user=cast.supervisor, member_id=members[0].pk, now=now())
    assert not reaches(people[0], request.pk)
    with pytest.raises(NotFound):
        cast_vote(request, people[0], 0)
    cast_vote(request, people[1], 0)  # the vote of the one who left does not count: one of two is not most
    assert RefundRequest.objects.get(pk=request.pk).state == State.ARBITRATION
    cast_vote(request, people[2], 0)
    assert RefundRequest.objects.get(pk=request.pk).state == State.REJECTED


@pytest.mark.parametrize("who", ["reviewer", "support", "finance", "auditor", "seller_user"])
def test_supervisors_alone_seat_a_panel(cast: Cast, who: str) -> None:
    request, me = in_arbitration(cast), arbiter()
    [member] = seat(cast, request, me)
    before = untouched(request)
    for user in (getattr(cast, who), me):
        with pytest.raises(NotPermitted):
            panel.appoint(number=request.number, user=user, arbiter_id=arbiter().pk, now=now())
        with pytest.raises(NotPermitted):
            panel.remove(number=request.number, user=user, member_id=member.pk, now=now())
    assert untouched(request) == before


def test_a_panel_has_three_seats_for_arbiters(cast: Cast) -> None:
    request, people = in_arbitration(cast), [arbiter() for _ in range(3)]
    seat(cast, request, *people[:2])
    with pytest.raises(AlreadySeated):
        seat(cast, request, people[0])
    gone: User = StaffFactory.create(role=Role.ARBITER, is_active=False)
    for wrong in (cast.reviewer, cast.seller_user, gone):
        with pytest.raises(NotAnArbiter):
            seat(cast, request, wrong)
    seat(cast, request, people[2])
    with pytest.raises(PanelFull):
        seat(cast, request, arbiter())
    with pytest.raises(InvalidTransition):
        seat(cast, make_request(cast, state=State.MANUAL_REVIEW), people[0])
    assert PanelMember.objects.count() == 3
    with pytest.raises(IntegrityError, match="panel_has_three_seats"), transaction.atomic():
        PanelMember.objects.create(
            request=request, seat=4, arbiter=arbiter(), appointed_by=cast.supervisor, appointed_at=now()
        )


@pytest.mark.parametrize(
    "shares",
    [{"seller": 70, "buyer": 20}, {"seller": 100}, {"seller": 110, "buyer": -10}, {"seller": 50, "none": 50},
     {"seller": 30, "buyer": 70}],
)  # fmt: skip
def test_fault_is_divided_into_a_hundred(cast: Cast, shares: dict[str, int]) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    with pytest.raises(SharesInvalid):
        approve(request, cast.reviewer, fault="seller", shares=shares)
    assert RefundRequest.objects.get(pk=request.pk).state == State.MANUAL_REVIEW


@pytest.mark.parametrize(
    "shares", ['{"seller": 70}', '{"seller": 70, "none": 30}', '{"seller": 0, "buyer": 100}', "7"]
)
def test_database_holds_shares_to_a_hundred(cast: Cast, shares: str) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    hundred = pytest.raises(IntegrityError, match="shares_make_a_hundred")
    with hundred, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO refunds_proposal (request_id, sequence, amount, clause, note, fault, shares, deviation, by_id, at)"
            " VALUES (%s, 1, 1, '', 'x', 'seller', %s, '', %s, now())",
            [request.pk, shares, cast.reviewer.pk],
        )
