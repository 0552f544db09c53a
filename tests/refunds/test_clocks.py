"""Every clock of a case: how long it runs, its rows, and what stops it (requirement E)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from marketplace.kernel.businesstime import add_working_hours, is_working_time
from marketplace.notices.models import Notice
from refunds import clocks
from refunds.clocks import COMPLAINT
from refunds.machine import Clock, State
from refunds.models import Deadline, RefundRequest
from refunds.operations.decide import precheck
from refunds.operations.say import say_as_seller, say_as_staff
from refunds.operations.sweep import sweep_deadlines
from refunds.operations.tell import sweep_overdue
from tests.cases import bring, make_request
from tests.clock_times import MONDAY, TERMS, at, running
from tests.factories import hours
from tests.people import Cast

# --- How long ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "matter", "due"),
    [
        ("policy_ask_seller", "invalid_code", "2026-11-17 10:00"),
        ("offer", "invalid_code", "2026-11-18 10:00"),
        ("ask_evidence", "invalid_code", "2026-11-18 10:00"),
        ("policy_review", "invalid_code", "2026-11-19 10:00"),  # three working days
        ("policy_review", "duplicate_charge", "2026-11-18 10:00"),  # 48 h by the clock
        ("freeze", COMPLAINT, "2026-11-18 10:00"),
        ("policy_review", "platform_fault", "2026-11-23 10:00"),
        ("policy_review", "unauthorized_purchase", "2026-11-30 10:00"),
        ("policy_review", "seller_fraud", "2026-11-30 10:00"),
        ("policy_review", "other", "2026-11-30 10:00"),
        ("refer", "invalid_code", "2026-11-25 10:00"),
    ],
)  # fmt: skip
def test_a_clock_is_as_long_as_the_terms_say(db: None, event: str, matter: str, due: str) -> None:
    assert clocks.after(event, TERMS, matter, MONDAY).at == at(due)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-11-16 09:00", "2026-11-16 17:00"),  # eight working hours
        ("2026-11-16 10:00", "2026-11-16 18:00"),
        ("2026-11-16 15:00", "2026-11-17 14:00"),
        ("2026-11-16 17:59", "2026-11-17 16:59"),
        ("2026-11-16 18:00", "2026-11-17 18:00"),  # evening: 24 hours by the clock
        ("2026-11-20 17:00", "2026-11-21 17:00"),  # Friday: never later than nights and weekends are
        ("2026-11-21 12:00", "2026-11-22 12:00"),
        ("2026-02-17 10:00", "2026-02-18 10:00"),  # the Spring Festival is a weekend too
    ],
)
def test_a_person_answers_within_working_hours_or_a_day(db: None, start: str, due: str) -> None:
    assert clocks.after("policy_review", TERMS, "invalid_code", at(start)).reply_by == at(due)


@pytest.mark.parametrize(
    ("start", "hours_", "end"),
    [
        ("2026-11-16 08:00", 1, "2026-11-16 10:00"),
        ("2026-11-16 17:30", 1, "2026-11-17 09:30"),
        ("2026-11-20 17:30", 10, "2026-11-24 09:30"),
        ("2026-11-21 12:00", 9, "2026-11-23 18:00"),
        ("2026-09-30 17:00", 2, "2026-10-08 10:00"),  # over the national holiday
        ("2026-11-16 20:00", 0, "2026-11-16 20:00"),
    ],
)
def test_working_hours_are_counted_in_working_time(start: str, hours_: int, end: str) -> None:
    found = add_working_hours(at(start), timedelta(hours=hours_))
    assert found == at(end) or (hours_ == 0 and found <= at("2026-11-17 09:00"))


def test_working_time_ends_at_six_sharp() -> None:
    assert is_working_time(at("2026-11-16 17:59"))
    assert not is_working_time(at("2026-11-16 18:00"))
    assert not is_working_time(at("2026-11-15 12:00"))
    assert is_working_time(datetime(2026, 11, 16, 1, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("channel", "due"),
    [("alipay", "2026-11-17 10:00"), ("card", "2026-11-25 10:00"), ("bank_transfer", "2026-11-25 10:00")],
)
def test_a_channel_has_its_own_time_to_pay(db: None, channel: str, due: str) -> None:
    assert clocks.payout(channel, TERMS, MONDAY) == clocks.Due(Clock.PAYOUT, at(due))


# --- Rows -------------------------------------------------------------------------------------------------


def test_each_move_stops_the_clock_before_it_and_starts_its_own(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY)
    sweep_deadlines(MONDAY + hours(24))
    rows = list(Deadline.objects.filter(request=request).order_by("sequence", "kind"))
    asked, first, review = rows
    assert (asked.kind, asked.started_at, asked.due_at) == ("seller_reply", MONDAY, MONDAY + hours(24))
    assert asked.closed_at == MONDAY + hours(24)
    assert (first.kind, first.closed_at, review.kind, review.closed_at) == (
        "first_reply",
        None,
        "review",
        None,
    )
    request.refresh_from_db()
    assert (request.due_kind, request.due_at, request.sequence) == ("review", review.due_at, review.sequence)


def test_every_state_shows_the_clock_that_its_row_has(cast: Cast) -> None:
    for state in State:
        request = make_request(cast, state=state, now=MONDAY)
        kinds = running(request)
        if request.due_at is None:
            assert set(kinds) <= {"first_reply"}, state
        else:
            assert kinds[request.due_kind] == request.due_at, state


def test_the_clock_shown_cannot_drift_from_its_row(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    with pytest.raises(IntegrityError, match="clock_is_a_deadline"), transaction.atomic():
        RefundRequest.objects.filter(pk=request.pk).update(due_at=request.due_at + hours(1))
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    "change",
    [
        "due_at = due_at - interval '1 second'",
        "started_at = now()",
        "kind = 'review'",
        "sequence = sequence + 1",
    ],
)
def test_a_deadline_is_never_shortened_or_made_another(cast: Cast, change: str) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE refunds_deadline SET {change} WHERE request_id = %s", [request.pk])


def test_a_closed_deadline_stays_as_it_was(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY)
    assert sweep_deadlines(MONDAY + hours(25)) == 1
    with pytest.raises(DatabaseError, match="history"), transaction.atomic():
        Deadline.objects.filter(request=request, kind="seller_reply").update(due_at=MONDAY + hours(9999))


def test_a_request_paid_at_once_leaves_no_clock_running(cast: Cast) -> None:
    request = make_request(cast, reason="not_activated", total=4900, now=MONDAY)
    precheck(request.pk, MONDAY)
    assert running(request) == {}
    bring(RefundRequest.objects.get(pk=request.pk), State.REFUNDED, cast, now=MONDAY)
    assert running(request) == {}


# --- The first word of a person ---------------------------------------------------------------------------


def test_the_first_word_of_a_person_meets_its_clock_once(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
    assert set(running(request)) == {"review", "first_reply"}
    say_as_seller(number=request.number, user=cast.seller_user, text="Well?", now=MONDAY + hours(1))
    say_as_staff(number=request.number, user=cast.reviewer, text="n", now=MONDAY + hours(1), is_internal=True)
    assert set(running(request)) == {"review", "first_reply"}  # neither is an answer
    say_as_staff(number=request.number, user=cast.reviewer, text="At it.", now=MONDAY + hours(2))
    assert set(running(request)) == {"review"}
    assert Deadline.objects.get(request=request, kind="first_reply").closed_at == MONDAY + hours(2)
    bring(RefundRequest.objects.get(pk=request.pk), State.AWAITING_EVIDENCE, cast, now=MONDAY + hours(3))
    bring(RefundRequest.objects.get(pk=request.pk), State.MANUAL_REVIEW, cast, now=MONDAY + hours(4))
    assert set(running(request)) == {"review"}


def test_a_move_by_staff_is_an_answer_too(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
    bring(request, State.AWAITING_EVIDENCE, cast, now=MONDAY + hours(1))
    assert set(running(request)) == {"evidence"}


# --- Stopped while evidence is awaited --------------------------------------------------------------------


def test_waiting_for_evidence_stops_the_reviewers_clock(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
    due = request.due_at
    request = bring(request, State.AWAITING_EVIDENCE, cast, now=MONDAY + hours(5))
    request = bring(request, State.MANUAL_REVIEW, cast, now=MONDAY + hours(25))
    assert request.due_at == due + hours(20)
    request = bring(request, State.AWAITING_EVIDENCE, cast, now=MONDAY + hours(26))
    sweep_deadlines(MONDAY + hours(26 + 48))
    request.refresh_from_db()
    assert (request.state, request.due_at) == (State.MANUAL_REVIEW, due + hours(20 + 48))
    assert running(request) == {"review": request.due_at}


def test_asking_for_evidence_does_not_renew_a_clock_that_ran_out(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
    late = request.due_at + hours(10)
    request = bring(request, State.AWAITING_EVIDENCE, cast, now=late)
    request = bring(request, State.MANUAL_REVIEW, cast, now=late + hours(3))
    assert request.due_at == late + hours(3) - hours(10)


# --- Overdue ----------------------------------------------------------------------------------------------


def test_finance_hears_of_a_channel_that_stays_silent(cast: Cast) -> None:
    request = make_request(cast, state=State.REFUNDING, now=MONDAY)
    Deadline.objects.create(
        request=request,
        sequence=request.sequence,
        kind=Clock.PAYOUT,
        started_at=MONDAY,
        due_at=MONDAY + hours(24),
    )
    RefundRequest.objects.filter(pk=request.pk).update(due_kind=Clock.PAYOUT, due_at=MONDAY + hours(24))
    assert sweep_overdue(MONDAY + hours(23)) == 0
    assert sweep_overdue(MONDAY + hours(25)) == 1
    notice = Notice.objects.get(topic="overdue")
    assert (notice.recipient_id, notice.subject) == (cast.finance.pk, request.number)
