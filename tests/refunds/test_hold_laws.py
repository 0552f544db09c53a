"""What the database holds of cases in hand, whoever writes to it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, InternalError, connection, transaction

from refunds.invariants import INVARIANTS, breaks
from refunds.machine import State
from refunds.models import Hold, Proposal, RefundRequest
from refunds.permissions import staff
from refunds.transitions import apply_transition
from tests.cases import make_request
from tests.people import Cast

from .test_hold import above_the_limit, approve, claimed, holder, in_review, now

IDLE = timedelta(minutes=20)


def refused(case: RefundRequest, law: str, **fields: Any) -> None:
    with pytest.raises((IntegrityError, InternalError), match=law), transaction.atomic():
        RefundRequest.objects.filter(pk=case.pk).update(**fields)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_no_hold_ends_or_changes_hands_without_a_row_that_says_so(cast: Cast) -> None:
    case = claimed(in_review(cast), cast.reviewer)
    nobody: dict[str, Any] = {"holder": None, "held_at": None, "held_until": None}
    refused(case, "hold_leaves_its_row", **nobody)
    refused(case, "hold_leaves_its_row", holder=cast.second_reviewer)
    assert holder(case) == cast.reviewer.pk


def test_nobody_but_a_judge_holds_and_nothing_but_what_is_to_be_decided(cast: Cast) -> None:
    held: dict[str, Any] = {"held_at": now(), "held_until": now() + IDLE}
    refused(in_review(cast), "holder_judges", holder=cast.support, **held)
    refused(make_request(cast, state=State.APPROVED), "held_to_be_decided", holder=cast.reviewer, **held)
    refused(in_review(cast), "held_by_somebody_until", holder=cast.reviewer)


def test_member_of_staff_moves_no_case_out_of_anothers_hands(cast: Cast) -> None:
    case, at = claimed(in_review(cast), cast.reviewer), now()
    ended = {"request": case, "user": cast.reviewer, "held_at": at, "ended_at": at}
    wrong: tuple[dict[str, Any], ...] = (
        {"ending": "moved", "by": cast.second_reviewer},
        {"ending": "released", "by": cast.supervisor},
        {"ending": "released", "by": None},
        {"ending": "idle", "by": cast.reviewer},
        {"ending": "handed_over", "by": cast.reviewer, "note": ""},
        {"ending": "taken_over", "by": cast.reviewer, "note": "Mine."},
    )
    for row in wrong:
        with pytest.raises(IntegrityError, match="hold_ended_by_who_may"), transaction.atomic():
            Hold.objects.create(**ended, **row)


def test_move_past_the_check_of_hands_is_refused_by_the_database(cast: Cast) -> None:
    case = claimed(in_review(cast), cast.reviewer)
    with pytest.raises(IntegrityError, match="hold_ended_by_who_may"), transaction.atomic():
        apply_transition(case, "refer", actor=staff(cast.second_reviewer), now=now(), note="Mine.")
    assert holder(case) == cast.reviewer.pk


def test_request_names_who_proposed_until_it_moves(cast: Cast) -> None:
    case = above_the_limit(cast)
    approve(case, cast.reviewer)
    assert RefundRequest.objects.get().proposer == cast.reviewer
    approve(case, cast.second_reviewer)
    assert RefundRequest.objects.get().proposer is None
    Proposal.objects.create(request=case, sequence=1, amount=1, note="Late.", by=cast.reviewer, at=now())
    assert RefundRequest.objects.get().proposer is None


def test_verify_asks_for_it_again(cast: Cast) -> None:
    """With the triggers off, as if somebody had written to the tables by hand."""
    case, at = claimed(in_review(cast), cast.reviewer), now()
    Hold.objects.create(request=case, user=cast.supervisor, held_at=at, ended_at=at + IDLE, ending="idle")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE refunds_refundrequest SET proposer_id = %s", [cast.reviewer.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    broken = {law.name for law in INVARIANTS if breaks(law)}
    assert broken == {"one_holder_at_a_time", "proposer_named"}
