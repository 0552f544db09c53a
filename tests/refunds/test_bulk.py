"""One move for many cases: each decided as alone, each result kept, nothing twice, nothing skipped (requirement K1)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound, NotPermitted
from marketplace.kernel.models import OutboxJob
from refunds.invariants import INVARIANTS, breaks
from refunds.machine import State
from refunds.models import BulkRow, BulkRun, RefundRequest
from refunds.operations import bulk, review
from refunds.operations.bulk import confirm, look, run_bulk, sweep_bulk
from tests.cases import make_request
from tests.desk.conftest import make_large, staff, standing
from tests.judged import approve, reject, to_judge
from tests.people import Cast

SAID: dict[str, dict[str, Any]] = {
    "approve": {"note": "Checked.", "fault": "seller", "deviation": ""},
    "reject": {"note": "Checked.", "fault": "buyer", "deviation": "", "clause": "B3"},
    "ask_evidence": {"note": "A picture of the error.", "of": "buyer", "kinds": [], "until": None},
    "extend": {"note": "Holidays."},
}


def looked(user: User, move: str, *cases: RefundRequest, **said: Any) -> BulkRun:
    words = SAID.get(move, {"note": "Checked."}) | said
    ids = [case.pk for case in cases]
    return look(user=user, move=move, said=words, cases=ids, language="en", now=timezone.now())


def ran(user: User, move: str, *cases: RefundRequest, **said: Any) -> BulkRun:
    run = looked(user, move, *cases, **said)
    confirm(run_id=run.pk, user=user, now=timezone.now())
    run_bulk(run.pk, timezone.now())
    return BulkRun.objects.get(pk=run.pk)


def rows(run: BulkRun) -> list[tuple[str, str]]:
    return list(BulkRow.objects.filter(run=run).order_by("id").values_list("outcome", "code"))


def foreseen(run: BulkRun) -> list[tuple[str, str]]:
    return list(BulkRow.objects.filter(run=run).order_by("id").values_list("foreseen", "code"))


def broken() -> list[str]:
    return [law.name for law in INVARIANTS if breaks(law)]


@pytest.fixture
def three(cast: Cast) -> list[RefundRequest]:
    return [make_request(cast, state="manual_review") for _ in range(3)]


def test_beyond_a_page_the_worker_looks_and_nothing_is_confirmed_before(
    cast: Cast, three: list[RefundRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "LOOKED_AT_ONCE", 2)
    run = looked(cast.reviewer, "approve", *three)
    assert run.rows.count() == 2
    assert OutboxJob.objects.get().task == "refunds.look_bulk"
    with pytest.raises(bulk.StillLooking):
        confirm(run_id=run.pk, user=cast.reviewer, now=timezone.now())
    sweep_bulk(timezone.now())  # too early: the message may be on its way
    assert run.rows.count() == 2
    sweep_bulk(timezone.now() + timedelta(minutes=1))
    bulk.rehearse(run.pk, timezone.now())
    assert foreseen(run) == [("done", "")] * 3
    confirm(run_id=run.pk, user=cast.reviewer, now=timezone.now())
    run_bulk(run.pk, timezone.now())
    assert rows(run) == [("done", "")] * 3
    assert broken() == []


def test_looking_changes_nothing_and_says_what_would_happen(cast: Cast, three: list[RefundRequest]) -> None:
    before = [standing(case) for case in three]
    run = looked(cast.reviewer, "approve", *three)
    assert [standing(case) for case in three] == before
    assert OutboxJob.objects.count() == 0
    row = run.rows.order_by("id")[0]
    assert (row.foreseen, row.state, row.to_state, row.amount) == ("done", "manual_review", "approved", 9900)
    assert row.told == ["buyer", "seller"]
    assert (row.outcome, row.at) == ("", None)
    run_bulk(run.pk, timezone.now())  # unconfirmed: nothing is run
    assert [standing(case) for case in three] == before


@pytest.mark.parametrize(
    ("move", "state", "target"),
    [
        ("approve", "manual_review", "approved"),
        ("reject", "manual_review", "rejected"),
        ("ask_evidence", "manual_review", "awaiting_evidence"),
        ("refer", "manual_review", "arbitration"),
        ("resume", "awaiting_evidence", "manual_review"),
        ("take_over", "awaiting_seller", "manual_review"),
        ("hear_appeal", "rejected", "manual_review"),
        ("escalate", "rejected", "arbitration"),
    ],
)
def test_each_move_is_made_as_one_by_one(move: str, state: str, target: str, cast: Cast) -> None:
    cases = [make_request(cast, state=state) for _ in range(2)]
    run = ran(cast.supervisor, move, *cases)
    assert rows(run) == [("done", ""), ("done", "")]
    assert run.finished_at is not None
    for case in cases:
        case.refresh_from_db()
        last = case.transitions.order_by("-sequence")[0]
        assert (case.state, last.user, last.note) == (
            target,
            cast.supervisor,
            SAID.get(move, {}).get("note", "Checked."),
        )
    assert broken() == []


def test_deadlines_are_put_off_together(cast: Cast) -> None:
    cases = [make_request(cast, state="awaiting_seller") for _ in range(2)]
    until = max(case.due_at or timezone.now() for case in cases).replace(microsecond=0) + timedelta(hours=5)
    run = ran(cast.reviewer, "extend", *cases, until=until)
    assert rows(run) == [("done", "")] * 2
    assert {RefundRequest.objects.get(pk=case.pk).due_at for case in cases} == {until}
    assert broken() == []


def test_each_refusal_is_foreseen_in_words_and_changes_nothing(cast: Cast) -> None:
    good = make_request(cast, state="manual_review")
    wrong_state = make_request(cast, state="awaiting_seller")
    over = make_request(cast, state="withdrawn")
    proposed = make_large(cast)
    approve(proposed, cast.reviewer)
    cases = [good, wrong_state, over, proposed]
    before = [standing(case) for case in cases[1:]]
    run = looked(cast.reviewer, "approve", *cases)
    expected = [
        ("done", ""), ("refused", "invalid_transition"), ("refused", "invalid_transition"), ("refused", "second_person_needed"),
    ]  # fmt: skip
    assert foreseen(run) == expected
    assert all(row.text for row in run.rows.filter(foreseen="refused"))
    confirm(run_id=run.pk, user=cast.reviewer, now=timezone.now())
    run_bulk(run.pk, timezone.now())
    assert rows(run) == expected
    assert [standing(case) for case in cases[1:]] == before
    assert broken() == []


@pytest.mark.parametrize(
    ("move", "said", "code"),
    [
        ("reject", {"fault": "seller"}, "refund_forced"),
        ("reject", {"clause": ""}, "clause_needed"),
        ("reject", {"fault": ""}, "fault_needed"),
        ("approve", {"note": " "}, "reasons_needed"),
        ("take_over", {}, "invalid_transition"),
        ("hear_appeal", {}, "invalid_transition"),
        ("ask_evidence", {"of": "support"}, "cannot_be_asked"),
    ],
)
def test_what_is_refused_to_one_is_refused_to_all(
    move: str, said: dict[str, Any], code: str, cast: Cast, three: list[RefundRequest]
) -> None:
    before = [standing(case) for case in three]
    run = looked(cast.supervisor, move, *three, **said)
    assert foreseen(run) == [("refused", code)] * 3
    with pytest.raises(bulk.NothingToDo):
        confirm(run_id=run.pk, user=cast.supervisor, now=timezone.now())
    assert [standing(case) for case in three] == before
    assert BulkRun.objects.get().confirmed_at is None


def test_against_the_precedents_a_reason_is_asked_for(cast: Cast) -> None:
    for _ in range(3):
        reject(to_judge(cast, "The code says it is invalid"), cast.reviewer)
    case = to_judge(cast, "The code says it is invalid")
    assert foreseen(looked(cast.reviewer, "approve", case)) == [("refused", "deviation_needs_reason")]
    assert rows(ran(cast.reviewer, "approve", case, deviation="A new fault.")) == [("done", "")]


def test_above_the_limit_it_becomes_a_proposal_that_another_confirms(cast: Cast) -> None:
    large = make_large(cast)
    assert rows(ran(cast.reviewer, "approve", large)) == [("proposed", "")]
    assert RefundRequest.objects.get().state == State.MANUAL_REVIEW
    assert rows(ran(cast.second_reviewer, "approve", large)) == [("done", "")]
    large.refresh_from_db()
    assert (large.state, large.maker, large.checker) == ("approved", cast.reviewer, cast.second_reviewer)
    assert broken() == []


def test_case_that_moved_since_is_refused_and_the_others_are_done(
    cast: Cast, three: list[RefundRequest]
) -> None:
    run = looked(cast.reviewer, "reject", *three)
    review.refer(number=three[1].number, user=cast.second_reviewer, note="Unclear.", now=timezone.now())
    before = standing(three[1])
    confirm(run_id=run.pk, user=cast.reviewer, now=timezone.now())
    run_bulk(run.pk, timezone.now())
    assert rows(run) == [("done", ""), ("refused", "case_moved"), ("done", "")]
    assert standing(three[1]) == before


def test_proposal_nobody_had_seen_is_not_confirmed_by_a_run(cast: Cast) -> None:
    """It leaves the sequence as it was: what was looked at as a proposal would send the money."""
    large = make_large(cast)
    run = looked(cast.reviewer, "approve", large)
    approve(large, cast.second_reviewer)
    before = standing(large)
    confirm(run_id=run.pk, user=cast.reviewer, now=timezone.now())
    run_bulk(run.pk, timezone.now())
    assert rows(run) == [("refused", "case_moved")]
    assert standing(large) == before


def test_running_or_confirming_twice_does_nothing_twice(cast: Cast, three: list[RefundRequest]) -> None:
    run = ran(cast.reviewer, "approve", *three)
    before, results = [standing(case) for case in three], rows(run)
    confirm(run_id=run.pk, user=cast.reviewer, now=timezone.now())
    run_bulk(run.pk, timezone.now())
    sweep_bulk(timezone.now() + timedelta(hours=1))
    assert ([standing(case) for case in three], rows(run)) == (before, results)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.REVIEWER, Role.SUPERVISOR}))
def test_role_that_does_not_judge_decides_nothing_together(
    role: str, cast: Cast, three: list[RefundRequest]
) -> None:
    before = [standing(case) for case in three]
    with pytest.raises(NotPermitted):
        looked(staff(role), "approve", *three)
    run = looked(cast.reviewer, "approve", *three)
    with pytest.raises(NotPermitted):
        confirm(run_id=run.pk, user=staff(role), now=timezone.now())
    assert [standing(case) for case in three] == before


def test_run_is_confirmed_by_who_looked_alone(cast: Cast, three: list[RefundRequest]) -> None:
    run = looked(cast.reviewer, "approve", *three)
    with pytest.raises(NotFound):
        confirm(run_id=run.pk, user=cast.supervisor, now=timezone.now())
    assert BulkRun.objects.get().confirmed_at is None


def test_person_whose_role_was_taken_meanwhile_decides_nothing_more(
    cast: Cast, three: list[RefundRequest]
) -> None:
    run = looked(cast.reviewer, "approve", *three)
    confirm(run_id=run.pk, user=cast.reviewer, now=timezone.now())
    before = [standing(case) for case in three]
    User.objects.filter(pk=cast.reviewer.pk).update(role=Role.SUPPORT)
    run_bulk(run.pk, timezone.now())
    assert rows(run) == [("refused", "permission_denied")] * 3
    assert [standing(case) for case in three] == before


def test_too_many_or_none_or_unknown_cases_are_refused(cast: Cast, three: list[RefundRequest]) -> None:
    def look_at(cases: list[int]) -> BulkRun:
        return look(
            user=cast.reviewer, move="approve", said=SAID["approve"], cases=cases, language="en", now=timezone.now()
        )  # fmt: skip

    with pytest.raises(bulk.NothingTicked):
        look_at([])
    with pytest.raises(bulk.TooManyTicked):
        look_at(list(range(1, 202)))
    with pytest.raises(NotFound):
        look_at([three[0].pk, 999_999_999])
    assert not BulkRun.objects.exists()
    assert look_at([three[0].pk, three[0].pk]).ticked == 1


def test_error_of_the_program_in_one_case_keeps_the_others(
    cast: Cast, three: list[RefundRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = looked(cast.reviewer, "reject", *three)
    confirm(run_id=run.pk, user=cast.reviewer, now=timezone.now())

    def breaks_once(*, number: str, **said: Any) -> object:
        review.reject(number=number, **said)
        if number == three[1].number:
            raise ZeroDivisionError
        return None

    monkeypatch.setitem(bulk.MOVES, "reject", breaks_once)
    before = standing(three[1])
    run_bulk(run.pk, timezone.now())
    assert rows(run) == [("done", ""), ("refused", "failed"), ("done", "")]
    assert standing(three[1]) == before


def test_results_are_history(cast: Cast, three: list[RefundRequest]) -> None:
    run = ran(cast.reviewer, "approve", *three)
    row = run.rows.order_by("id")[0]
    for change in (
        lambda: BulkRow.objects.filter(pk=row.pk).update(outcome="refused", code="x", text="x"),
        lambda: BulkRow.objects.filter(pk=row.pk).delete(),
        lambda: BulkRun.objects.filter(pk=run.pk).update(finished_at=None),
        lambda: BulkRun.objects.filter(pk=run.pk).update(said={}),
    ):
        with pytest.raises(Exception, match="history"), transaction.atomic():
            change()


def test_run_with_a_row_left_cannot_be_called_finished(cast: Cast, three: list[RefundRequest]) -> None:
    run = looked(cast.reviewer, "approve", *three)
    confirm(run_id=run.pk, user=cast.reviewer, now=timezone.now())
    with pytest.raises(IntegrityError, match="not each of its 3 rows"), transaction.atomic():
        BulkRun.objects.filter(pk=run.pk).update(finished_at=timezone.now())
    run_bulk(run.pk, timezone.now())
    assert BulkRun.objects.get().finished_at is not None
