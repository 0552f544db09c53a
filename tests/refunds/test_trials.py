"""Known-answer cases (K4): what may be marked, who is given one, what they see of it, and that it touches nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from marketplace.kernel.errors import NotFound, NotPermitted
from marketplace.kernel.models import OutboxJob
from refunds.invariants import INVARIANTS, breaks
from refunds.machine import State
from refunds.models import KnownAnswer, Message, RefundRequest, Trial, TrialAnswer
from refunds.operations import decide_appeal, draw_trial, hold, mark_known
from refunds.operations.answer_trial import TrialAnswered, pass_trial
from refunds.operations.approve import AmountOutOfRange
from refunds.operations.judging import FaultNeeded, RefundForced
from refunds.operations.mark_known import withdraw_known
from refunds.operations.review import ClauseNeeded, ReasonsNeeded
from refunds.operations.say import say_as_seller, say_as_staff
from refunds.review_queries import reviewing
from refunds.trials import Agrees, Leaning, case_of, verdict
from tests.cases import make_request, work
from tests.contested import buyer_appeals, refunded, rejected, seller_appeals
from tests.factories import hours
from tests.judged import leave_history, reject, to_judge
from tests.known import AFTER_APPEALS, answer, draw, every_row, known, mark, trial
from tests.people import Cast

NOW = timezone.now


# --- Marking ---------------------------------------------------------------------------------------------------


def test_a_closed_case_is_marked_once_its_appeals_are_over(cast: Cast) -> None:
    request = rejected(cast)
    with pytest.raises(mark_known.AppealMayCome):
        mark(request, cast.supervisor, now=NOW())
    marked = mark(request, cast.supervisor)
    assert (marked.low, marked.high, marked.sequence) == (0, 0, request.sequence)
    with pytest.raises(mark_known.AlreadyKnown):
        mark(request, cast.supervisor)


def test_a_case_whose_appeal_waits_has_no_known_answer(cast: Cast) -> None:
    request = refunded(cast)
    seller_appeals(request, cast.seller_user)
    with pytest.raises(mark_known.AppealMayCome):
        mark(request, cast.supervisor, outcome="approve", fault="platform")


def test_an_open_case_has_no_known_answer(cast: Cast) -> None:
    with pytest.raises(mark_known.NotClosed):
        mark(make_request(cast, state="manual_review"), cast.supervisor)


def test_what_no_reviewer_had_in_hand_is_nothing_to_measure_by(cast: Cast) -> None:
    with pytest.raises(mark_known.NeverReviewed):
        mark(make_request(cast, state=State.REJECTED), cast.supervisor)


def test_a_part_has_a_range_within_what_was_asked(cast: Cast) -> None:
    request = refunded(cast)
    part: dict[str, Any] = {"outcome": "part", "fault": "platform"}
    for low, high in ((None, None), (0, 100), (200, 100), (100, request.amount + 1)):
        with pytest.raises(AmountOutOfRange):
            mark(request, cast.supervisor, low=low, high=high, **part)
    marked = mark(request, cast.supervisor, low=100, high=200, **part)
    assert (marked.low, marked.high) == (100, 200)


def test_a_known_answer_says_whose_fault_and_why(cast: Cast) -> None:
    request = rejected(cast)
    for wrong, refusal in (
        ({"why": " "}, ReasonsNeeded),
        ({"fault": ""}, FaultNeeded),
        ({"fault": "seller"}, RefundForced),
    ):
        with pytest.raises(refusal):
            mark(request, cast.supervisor, **wrong)
    assert not KnownAnswer.objects.exists()


@pytest.mark.parametrize("who", ["reviewer", "support", "auditor", "finance"])
def test_only_a_supervisor_marks_and_withdraws(cast: Cast, who: str) -> None:
    marked = known(cast)
    request = rejected(cast)
    with pytest.raises(NotPermitted):
        mark(request, getattr(cast, who))
    with pytest.raises(NotPermitted):
        withdraw_known(known_id=marked.pk, user=getattr(cast, who), why="No.", now=NOW())
    marked.refresh_from_db()
    assert (KnownAnswer.objects.count(), marked.is_standing) == (1, True)


def test_database_refuses_a_known_answer_of_an_open_case(cast: Cast) -> None:
    marked = known(cast)
    request = make_request(cast, state="manual_review")
    for row in (
        {"request": request, "sequence": request.sequence},
        {"request": marked.request, "sequence": 1},
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            KnownAnswer.objects.create(
                outcome="reject",
                low=0,
                high=0,
                fault="buyer",
                why="x",
                marked_by=cast.supervisor,
                marked_at=NOW(),
                **row,
            )


# --- Drawing ---------------------------------------------------------------------------------------------------


def test_never_two_trials_within_twenty_cases(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    known(cast)
    user, apart = cast.second_reviewer, 3
    waiting = [make_request(cast, state="manual_review") for _ in range(4)]
    for request in waiting[:apart]:
        assert draw(user, monkeypatch, apart=apart) is None
        hold.claim(number=request.number, user=user, now=NOW())
    assert draw(user, monkeypatch, apart=apart) is not None
    known(cast)
    assert draw(user, monkeypatch, apart=apart, now=NOW() + hours(1)) is None


def test_two_percent_of_what_is_claimed_are_trials(settings: Any) -> None:
    for share, odds in ((2, 1 / 30), (0, 0), (5, 1), (50, 1), (4, 1 / 5)):
        settings.TRIAL_SHARE_PERCENT = share
        assert draw_trial.probability() == pytest.approx(odds)


def test_nobody_gets_a_case_they_had_a_hand_in_nor_one_twice(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = make_request(cast, state="manual_review")
    say_as_staff(
        number=request.number, user=cast.second_reviewer, text="Let me see.", now=NOW(), is_internal=True
    )
    reject(request, cast.reviewer)
    marked = mark(request, cast.supervisor)
    make_request(cast, state="manual_review")
    for user in (cast.reviewer, cast.second_reviewer):
        assert draw(user, monkeypatch) is None
        with pytest.raises(DatabaseError, match="blind"), transaction.atomic():
            Trial.objects.create(known=marked, user=user, number="RF1", started_at=NOW())
    other = known(cast)
    first = draw(cast.second_reviewer, monkeypatch)
    assert first is not None
    assert first.known == other
    assert draw(cast.second_reviewer, monkeypatch) is None
    with pytest.raises(DatabaseError), transaction.atomic():
        Trial.objects.create(known=other, user=cast.second_reviewer, number="RF2", started_at=NOW())


def test_supervisors_get_none_nor_does_anybody_where_nothing_waits(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(cast)
    assert draw(cast.second_reviewer, monkeypatch) is None
    make_request(cast, state="manual_review")
    assert draw(cast.supervisor, monkeypatch) is None
    assert draw(cast.second_reviewer, monkeypatch, chance=lambda: 0.99) is None
    assert draw(cast.second_reviewer, monkeypatch) is not None


def test_a_withdrawn_answer_is_put_before_nobody(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = known(cast)
    make_request(cast, state="manual_review")
    withdraw_known(known_id=marked.pk, user=cast.supervisor, why="It was the seller.", now=NOW())
    assert draw(cast.second_reviewer, monkeypatch) is None
    with pytest.raises(DatabaseError, match="blind"), transaction.atomic():
        Trial.objects.create(known=marked, user=cast.second_reviewer, number="RF1", started_at=NOW())
    with pytest.raises(mark_known.AlreadyWithdrawn):
        withdraw_known(known_id=marked.pk, user=cast.supervisor, why="Again.", now=NOW())


# --- What is shown ---------------------------------------------------------------------------------------------


def test_a_trial_shows_the_case_as_it_stood_before_its_decision(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = to_judge(cast, "兑换码无效")
    say_as_seller(number=request.number, user=cast.seller_user, text="Before.", now=NOW())
    decided = reject(request, cast.reviewer)
    buyer_appeals(decided)
    say_as_seller(number=request.number, user=cast.seller_user, text="Afterwards.", now=NOW())
    decide_appeal.dismiss(number=request.number, user=cast.supervisor, note="No.", now=NOW())
    mark(request, cast.supervisor)
    make_request(cast, state="manual_review")
    drawn = draw(cast.second_reviewer, monkeypatch, now=NOW() + timedelta(days=90))
    assert drawn is not None
    shown = case_of(drawn, NOW())
    row, beside = shown.request, reviewing(shown.request)
    assert (row.state, row.sequence, row.number) == (State.MANUAL_REVIEW, decided.sequence - 1, drawn.number)
    assert [message.text for message in row.messages.all()] == ["Before."]
    assert row.transitions.all()[len(row.transitions.all()) - 1].to_state == State.MANUAL_REVIEW
    assert (shown.appeals, shown.transfers, shown.proposal, beside.judgements) == ([], [], None, {})
    assert row.due_kind == "review"
    assert row.due_at is not None
    assert row.holder == cast.second_reviewer
    assert shown.decision is not None


def test_a_trial_leaves_money_of_later_out(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    request = refunded(cast)
    mark(request, cast.supervisor, outcome="approve", fault="platform")
    make_request(cast, state="manual_review")
    drawn = draw(cast.second_reviewer, monkeypatch)
    assert drawn is not None
    shown = case_of(drawn, NOW())
    assert (shown.transfers, shown.request.approved_amount, shown.request.maker) == ([], None, None)
    assert [capture.claimed for capture in shown.captures] == [0]
    assert [item.approved_amount for item in shown.request.items.all()] == [0]
    request.refresh_from_db()
    assert request.state == State.REFUNDED


def test_a_trial_is_told_as_if_it_were_now_under_other_numbers(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = NOW() - timedelta(days=60)
    request = make_request(cast, state="manual_review", decided=True, now=then)
    words = f"Order {request.order.no}, {request.order.external_no}, see {request.number}."
    say_as_seller(number=request.number, user=cast.seller_user, text=words, now=then + hours(1))
    reject(request, cast.reviewer, now=then + hours(2))
    mark(request, cast.supervisor)
    make_request(cast, state="manual_review")
    drawn = draw(cast.second_reviewer, monkeypatch)
    assert drawn is not None
    shown = case_of(drawn, NOW())
    assert NOW() - shown.request.filed_at < timedelta(days=1)
    assert all(NOW() - move.at < timedelta(days=1) for move in shown.request.transitions.all())
    assert shown.request.due_at > NOW()
    real = RefundRequest.objects.select_related("order").get(pk=request.pk)
    numbers = (
        real.number,
        real.order.no,
        real.order.external_no,
        *real.order.captures.values_list("channel_no", flat=True),
    )
    told = repr(
        [
            vars(shown.request),
            vars(shown.request.order),
            [vars(c) for c in shown.captures],
            [m.text for m in shown.request.messages.all()],
        ]
    )
    assert not [number for number in numbers if number in told]
    assert len(shown.request.order.no) == len(real.order.no)
    assert drawn.number[:8] == f"RF{timezone.localtime(shown.request.filed_at):%y%m%d}"
    again = case_of(drawn, NOW())
    assert (again.request.order.no, again.request.filed_at) == (
        shown.request.order.no,
        shown.request.filed_at,
    )


def test_nobody_else_finds_a_trial(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = trial(cast, monkeypatch)
    for user in (cast.reviewer, cast.supervisor, cast.auditor):
        with pytest.raises(NotFound):
            pass_trial(number=drawn.number, user=user, note="", now=NOW())
    with pytest.raises(NotFound):
        say_as_staff(number=drawn.number, user=cast.second_reviewer, text="Hello.", now=NOW())
    assert not TrialAnswer.objects.exists()


# --- Answering -------------------------------------------------------------------------------------------------


def test_an_answer_touches_nothing_but_itself(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = trial(cast, monkeypatch)
    OutboxJob.objects.all().delete()
    before = every_row()
    given = answer(drawn, now=drawn.started_at + timedelta(seconds=90))
    after = every_row()
    assert {table for table in after if after[table] != before.get(table)} == {"refunds_trialanswer"}
    assert (given.seconds, given.outcome, given.clause, given.note) == (90, "reject", "B3", "Used.")
    with pytest.raises(TrialAnswered):
        answer(drawn)
    work()


def test_an_answer_is_refused_as_a_decision_would_be(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = trial(cast, monkeypatch)
    for wrong, refusal in (
        ({"note": " "}, ReasonsNeeded),
        ({"fault": ""}, FaultNeeded),
        ({"fault": "seller"}, RefundForced),
        ({"clause": ""}, ClauseNeeded),
        ({"amount": 10**9}, AmountOutOfRange),
    ):
        with pytest.raises(refusal):
            answer(drawn, **wrong)
    assert not TrialAnswer.objects.exists()


def test_answers_are_never_changed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    given = answer(trial(cast, monkeypatch))
    for change in (
        lambda: TrialAnswer.objects.update(outcome="approve", amount=1),
        lambda: TrialAnswer.objects.all().delete(),
        lambda: Trial.objects.filter(pk=given.trial_id).update(user=cast.reviewer),
        lambda: KnownAnswer.objects.update(fault="none"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert TrialAnswer.objects.get().outcome == "reject"


@pytest.mark.parametrize(
    ("said", "agrees", "leaning"),
    [
        ({"amount": 0, "fault": "buyer"}, Agrees.WRONG, Leaning.STRICT),
        ({"amount": 150, "fault": "platform"}, Agrees.RIGHT, Leaning.NONE),
        ({"amount": 150, "fault": "none"}, Agrees.PARTLY, Leaning.NONE),
        ({"amount": 99, "fault": "platform"}, Agrees.PARTLY, Leaning.STRICT),
        ({"amount": None, "fault": "platform"}, Agrees.PARTLY, Leaning.GENEROUS),
    ],
)
def test_an_answer_is_right_by_side_amount_and_fault(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], agrees: Agrees, leaning: Leaning
) -> None:
    marked = mark(refunded(cast), cast.supervisor, outcome="part", fault="platform", low=100, high=200)
    make_request(cast, state="manual_review")
    drawn = draw(cast.second_reviewer, monkeypatch)
    assert drawn is not None
    assert verdict(marked, answer(drawn, **said)) == (agrees, leaning)


def test_approving_what_should_have_been_rejected_is_wrong_and_generous(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = trial(cast, monkeypatch)
    assert verdict(drawn.known, answer(drawn, amount=None, fault="none")) == (Agrees.WRONG, Leaning.GENEROUS)


def test_what_is_not_decided_is_neither_right_nor_wrong(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = trial(cast, monkeypatch)
    passed = pass_trial(number=drawn.number, user=drawn.user, note="Which log?", now=NOW())
    assert verdict(drawn.known, passed).agrees == Agrees.PASSED
    assert Message.objects.count() == 0


# --- Verify ----------------------------------------------------------------------------------------------------


def test_verify_asks_for_all_of_it_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    given = answer(trial(cast, monkeypatch))
    named = {each.name: each for each in INVARIANTS}
    known_id = given.trial.known_id
    wrong = {
        "known_of_a_closed_case": f"UPDATE refunds_knownanswer SET marked_at = '2000-01-01' WHERE id = {known_id}",
        "trial_is_blind": f"UPDATE refunds_trial SET user_id = {cast.reviewer.pk} WHERE id = {given.trial_id}",
        "trial_answered_once": f"UPDATE refunds_trialanswer SET at = '2000-01-01' WHERE id = {given.pk}",
    }
    assert not [name for name in wrong if breaks(named[name])]
    for name, sql in wrong.items():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(sql)
            assert breaks(named[name]), name
            transaction.set_rollback(True)


def test_trials_and_histories_live_together(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """With provider checks, flags, extensions and an outage in the case: all that came later is gone."""
    request = to_judge(cast)
    leave_history(cast, request)
    reject(request, cast.reviewer)
    mark(request, cast.supervisor)
    make_request(cast, state="manual_review")
    drawn = draw(cast.second_reviewer, monkeypatch, now=NOW() + AFTER_APPEALS)
    assert drawn is not None
    shown = case_of(drawn, NOW())
    assert len(reviewing(shown.request).checks) == 1
    told = [each.why for each in shown.put_off if each.extension.outage]
    assert told
    assert all(f"{timezone.localtime(drawn.started_at):%Y-%m-%d}" in why for why in told)
