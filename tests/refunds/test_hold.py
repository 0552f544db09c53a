"""Who has a case in hand (requirement K1): one judge at a time, never one who may not decide, and nobody for ever."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Q
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound, NotPermitted
from marketplace.kernel.idempotency import Key
from refunds.machine import State
from refunds.models import Hold, RefundRequest
from refunds.operations import hold, review
from refunds.operations.ask_evidence import ask_evidence
from refunds.operations.withdraw import withdraw
from tests.cases import make_request, put_clock
from tests.contested import arbiter, cast_vote, seat
from tests.factories import StaffFactory, hours, make_order
from tests.people import Cast

ALL = Q()
IDLE = timedelta(minutes=20)


def now() -> datetime:
    return timezone.now()


def in_review(cast: Cast, due_in: float = 5, **fields: Any) -> RefundRequest:
    case = make_request(cast, state=State.MANUAL_REVIEW, **fields)
    put_clock(case, now() + hours(due_in))
    return case


def above_the_limit(cast: Cast) -> RefundRequest:
    order = make_order(
        total=250000, buyer=cast.buyer, seller=cast.seller, shop=cast.shop, events=[("delivered", hours(-3))]
    )
    return in_review(cast, order=order)


def claimed(case: RefundRequest, user: User) -> RefundRequest:
    return hold.claim(number=case.number, user=user, now=now())


def holder(case: RefundRequest) -> int | None:
    return RefundRequest.objects.get(pk=case.pk).holder_id


def next_for(user: User, **where: Any) -> RefundRequest | None:
    return hold.claim_next(user=user, now=now(), among=ALL, **where)


def approve(case: RefundRequest, user: User) -> RefundRequest:
    return review.approve_request(
        number=case.number,
        user=user,
        amount=None,
        note="Agreed.",
        fault="none",
        now=now(),
        deviation="Other.",
    )


def endings(case: RefundRequest) -> list[tuple[int, str]]:
    return list(Hold.objects.filter(request=case).order_by("id").values_list("user", "ending"))


def standing(case: RefundRequest) -> tuple[Any, ...]:
    row = RefundRequest.objects.get(pk=case.pk)
    return (
        row.state,
        row.sequence,
        row.approved_amount,
        row.holder_id,
        row.held_at,
        row.held_until,
        endings(case),
    )


# --- the next one ---


def test_next_case_is_the_one_due_first_that_nobody_has(cast: Cast) -> None:
    later, first, second = (in_review(cast, due) for due in (9, 1, 4))
    make_request(cast, state=State.AWAITING_SELLER)
    assert next_for(cast.reviewer) == first
    assert next_for(cast.second_reviewer) == second
    assert (holder(first), holder(second), holder(later)) == (cast.reviewer.pk, cast.second_reviewer.pk, None)
    assert next_for(cast.supervisor) == later
    assert next_for(cast.supervisor) is None


def test_next_case_is_one_of_the_queue(cast: Cast) -> None:
    in_review(cast, 1)
    other = in_review(cast, 5, reason="other")
    assert hold.claim_next(user=cast.reviewer, now=now(), among=Q(reason="other")) == other


def test_own_proposal_is_handed_to_the_second_person_alone(cast: Cast) -> None:
    case = above_the_limit(cast)
    assert approve(case, cast.reviewer).state == State.MANUAL_REVIEW
    assert next_for(cast.reviewer) is None
    assert next_for(cast.second_reviewer) == case
    assert approve(case, cast.second_reviewer).state == State.APPROVED


def test_who_decided_before_the_appeal_is_not_handed_the_case_again(cast: Cast) -> None:
    case = in_review(cast)
    review.reject(
        number=case.number,
        user=cast.reviewer,
        clause="B3",
        note="No.",
        fault="buyer",
        now=now(),
        deviation="Other.",
    )
    review.hear_appeal(number=case.number, user=cast.supervisor, note="Look again.", now=now())
    assert next_for(cast.reviewer) is None
    assert next_for(cast.second_reviewer) == case


def test_arbitration_is_handed_to_supervisors_unless_arbiters_sit_over_it(cast: Cast) -> None:
    seated, free = (make_request(cast, state=State.ARBITRATION) for _ in range(2))
    seat(cast, seated, arbiter())
    with pytest.raises(NotPermitted):
        next_for(cast.reviewer, state=State.ARBITRATION)
    assert next_for(cast.supervisor, state=State.ARBITRATION) == free
    assert next_for(cast.supervisor, state=State.ARBITRATION) is None


@pytest.mark.parametrize("role", ["", *(role for role in Role if role not in ("reviewer", "supervisor"))])
def test_who_judges_nothing_gets_no_case(cast: Cast, role: str) -> None:
    case, user = in_review(cast), StaffFactory.create(role=role)
    before = standing(case)
    with pytest.raises(NotPermitted):
        next_for(user)
    with pytest.raises((NotPermitted, NotFound)):  # an arbiter finds only the cases they sit over
        claimed(case, user)
    assert standing(case) == before


# --- in hand ---


def test_held_case_is_refused_to_others_by_name_and_nothing_changes(cast: Cast) -> None:
    case = claimed(in_review(cast), cast.reviewer)
    before = standing(case)
    deeds = (
        lambda: approve(case, cast.second_reviewer),
        lambda: review.reject(
            number=case.number, user=cast.supervisor, clause="B3", note="No.", fault="buyer", now=now()
        ),
        lambda: review.refer(number=case.number, user=cast.second_reviewer, note="Unclear.", now=now()),
        lambda: ask_evidence(number=case.number, user=cast.second_reviewer, note="A picture?", now=now()),
        lambda: claimed(case, cast.second_reviewer),
    )
    for deed in deeds:
        with pytest.raises(hold.HeldByAnother) as refused:
            deed()
        assert refused.value.extra["holder"] == cast.reviewer.username
        assert cast.reviewer.username in str(refused.value.detail)
        assert refused.value.extra["until"]
        assert standing(case) == before
    assert approve(case, cast.reviewer).state == State.APPROVED


def test_what_nobody_has_in_hand_is_decided_without_taking_it(cast: Cast) -> None:
    case = in_review(cast)
    assert approve(case, cast.reviewer).state == State.APPROVED
    assert (holder(case), endings(case)) == (None, [])


def test_refused_decision_takes_nothing_in_hand(cast: Cast) -> None:
    case = in_review(cast)
    before = standing(case)
    with pytest.raises(review.AmountOutOfRange):
        review.approve_request(
            number=case.number, user=cast.reviewer, amount=10**9, note="x", fault="none", now=now()
        )
    assert standing(case) == before


def test_hold_ends_with_every_move_of_the_case(cast: Cast) -> None:
    asked, referred, withdrawn = (claimed(in_review(cast), cast.reviewer) for _ in range(3))
    ask_evidence(number=asked.number, user=cast.reviewer, note="A picture?", now=now())
    review.refer(number=referred.number, user=cast.reviewer, note="Unclear.", now=now())
    key = Key("test", "withdraw", b"0" * 32)
    withdraw(number=withdrawn.number, buyer_id=cast.buyer.pk, key=key, present=lambda _request: {}, now=now())
    for case in (asked, referred, withdrawn):
        assert (holder(case), endings(case)) == (None, [(cast.reviewer.pk, "moved")])
    by = Hold.objects.order_by("request").values_list("by", flat=True)
    assert list(by) == [cast.reviewer.pk, cast.reviewer.pk, None]  # the buyer is nobody of the staff


def test_proposer_has_the_case_in_hand_no_more(cast: Cast) -> None:
    case = claimed(above_the_limit(cast), cast.reviewer)
    approve(case, cast.reviewer)
    assert (holder(case), endings(case)) == (None, [(cast.reviewer.pk, "proposed")])


def test_panel_rules_whoever_has_the_case_in_hand(cast: Cast) -> None:
    case, people = make_request(cast, state=State.ARBITRATION), [arbiter() for _ in range(3)]
    claimed(case, cast.supervisor)
    seat(cast, case, *people)
    for person in people[:2]:
        cast_vote(case, person, 5000)
    assert RefundRequest.objects.get().state == State.APPROVED
    assert endings(case) == [(cast.supervisor.pk, "moved")]
    assert Hold.objects.get().by is None


def test_arbiter_who_sits_alone_waits_for_a_supervisor_at_work(cast: Cast) -> None:
    case, person = make_request(cast, state=State.ARBITRATION), arbiter()
    claimed(case, cast.supervisor)
    seat(cast, case, person)
    before = standing(case)
    with pytest.raises(hold.HeldByAnother):
        approve(case, person)
    assert standing(case) == before
    hold.release(number=case.number, user=cast.supervisor, now=now())
    assert approve(case, person).state == State.APPROVED


def test_supervisor_takes_over_with_a_note(cast: Cast) -> None:
    case = claimed(in_review(cast), cast.reviewer)
    with pytest.raises(hold.NoteNeeded):
        hold.claim(number=case.number, user=cast.supervisor, now=now(), note=" ")
    assert holder(case) == cast.reviewer.pk
    hold.claim(number=case.number, user=cast.supervisor, now=now(), note="She went home.")
    assert holder(case) == cast.supervisor.pk
    [ended] = Hold.objects.all()
    assert (ended.user, ended.by, ended.ending, ended.note) == (
        cast.reviewer, cast.supervisor, "taken_over", "She went home.",
    )  # fmt: skip
    with pytest.raises(hold.HeldByAnother):
        approve(case, cast.reviewer)


def test_case_is_handed_over_with_a_note_to_one_who_may_decide_it(cast: Cast) -> None:
    case = claimed(in_review(cast), cast.reviewer)

    def give(to: User, note: str = "You know this seller.", by: User = cast.reviewer) -> None:
        hold.hand_over(number=case.number, user=by, to_id=to.pk, note=note, now=now())

    before = standing(case)
    with pytest.raises(hold.NoteNeeded):
        give(cast.second_reviewer, "")
    with pytest.raises(hold.NotHeld):
        give(cast.second_reviewer, by=cast.second_reviewer)
    for to in (cast.support, cast.seller_user, User(pk=10**9)):
        with pytest.raises(hold.NotForThem):
            give(to)
    assert standing(case) == before
    give(cast.second_reviewer)
    assert (holder(case), endings(case)) == (cast.second_reviewer.pk, [(cast.reviewer.pk, "handed_over")])
    with pytest.raises(hold.NotForThem):
        give(cast.second_reviewer, by=cast.supervisor)  # who has it already


def test_supervisor_gives_out_what_nobody_has_and_the_note_is_kept(cast: Cast) -> None:
    case = in_review(cast)
    hold.hand_over(
        number=case.number, user=cast.supervisor, to_id=cast.reviewer.pk, note="Urgent.", now=now()
    )
    assert holder(case) == cast.reviewer.pk
    assert Hold.objects.get().note == "Urgent."


def test_second_person_is_not_the_proposer_by_a_hand_over(cast: Cast) -> None:
    case = above_the_limit(cast)
    approve(case, cast.reviewer)
    claimed(case, cast.second_reviewer)
    with pytest.raises(hold.NotForThem):
        hold.hand_over(
            number=case.number, user=cast.second_reviewer, to_id=cast.reviewer.pk, note="Yours.", now=now()
        )
    assert holder(case) == cast.second_reviewer.pk


def test_case_is_put_back_by_who_has_it(cast: Cast) -> None:
    case = claimed(in_review(cast), cast.reviewer)
    with pytest.raises(hold.NotHeld):
        hold.release(number=case.number, user=cast.second_reviewer, now=now())
    hold.release(number=case.number, user=cast.reviewer, now=now())
    assert (holder(case), endings(case)) == (None, [(cast.reviewer.pk, "released")])


def test_only_what_is_to_be_decided_is_taken_in_hand(cast: Cast) -> None:
    for state in set(State) - {State.MANUAL_REVIEW, State.ARBITRATION}:
        case = make_request(cast, state=state)
        with pytest.raises(hold.NothingToDecide):
            claimed(case, cast.supervisor)
        assert holder(case) is None


# --- idle ---


def test_case_goes_back_after_twenty_minutes_without_activity(cast: Cast) -> None:
    idle, busy = (claimed(in_review(cast), cast.reviewer) for _ in range(2))
    begun = now()
    assert hold.touch(number=busy.number, user=cast.reviewer, now=begun + timedelta(minutes=15))
    assert not hold.touch(number=idle.number, user=cast.second_reviewer, now=begun + timedelta(minutes=15))
    assert hold.release_idle(begun + timedelta(minutes=19)) == 0
    assert hold.release_idle(begun + timedelta(minutes=21)) == 1
    assert (holder(idle), holder(busy)) == (None, cast.reviewer.pk)
    assert endings(idle) == [(cast.reviewer.pk, "idle")]
    assert hold.release_idle(begun + timedelta(minutes=21)) == 0


def test_activity_is_written_once_a_minute(cast: Cast) -> None:
    case, begun = claimed(in_review(cast), cast.reviewer), now()
    touched = [
        hold.touch(number=case.number, user=cast.reviewer, now=begun + hours(n / 60)) for n in (0.5, 2, 2.5)
    ]
    assert touched == [False, True, False]


def test_how_long_is_a_setting(cast: Cast, settings: Any) -> None:
    settings.CLAIM_IDLE_MINUTES = 3
    claimed(in_review(cast), cast.reviewer)
    assert hold.release_idle(now() + timedelta(minutes=4)) == 1


def test_hold_that_ran_out_keeps_nobody_waiting_for_the_sweep(cast: Cast) -> None:
    case = in_review(cast)
    hold.claim(number=case.number, user=cast.reviewer, now=now() - hours(1))
    approve(case, cast.second_reviewer)
    assert (holder(case), endings(case)) == (None, [(cast.reviewer.pk, "idle")])


def test_hold_that_ran_out_is_ended_by_the_move_when_its_holder_made_it(cast: Cast) -> None:
    case = in_review(cast)
    hold.claim(number=case.number, user=cast.reviewer, now=now() - hours(1))
    approve(case, cast.reviewer)
    assert endings(case) == [(cast.reviewer.pk, "moved")]


def test_proposal_leaves_a_hold_that_ran_out_to_the_sweep(cast: Cast) -> None:
    case = above_the_limit(cast)
    hold.claim(number=case.number, user=cast.second_reviewer, now=now() - hours(1))
    approve(case, cast.reviewer)
    assert hold.release_idle(now()) == 1
    assert (holder(case), endings(case)) == (None, [(cast.second_reviewer.pk, "idle")])
