"""What moves a clock, never to an earlier time: a person, an outage, a peak, the calendar (requirements E6, E7)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from marketplace.kernel.errors import NotFound, NotPermitted, Refusal
from refunds import clocks
from refunds.machine import State
from refunds.models import CalendarDay, Deadline, Extension, Message, Outage, Peak, RefundRequest
from refunds.operations import extend as extending
from refunds.operations import outage as outages
from refunds.operations import timetable as days
from refunds.operations.mass_fault import LongEnough, mark_mass_fault
from refunds.operations.review import ReasonsNeeded
from refunds.operations.sweep import sweep_deadlines
from tests.cases import make_request
from tests.clock_times import MONDAY, TERMS, at, running
from tests.factories import hours
from tests.people import Cast

from .test_races import together

# --- Extended by a person ---------------------------------------------------------------------------------


def extend(request: RefundRequest, user: Any, hours_: float, note: str = "The mail was down.") -> Deadline:
    assert request.due_at
    return extending.extend(
        number=request.number,
        user=user,
        until=request.due_at + hours(hours_),
        note=note,
        now=MONDAY + hours(1),
    )


def test_an_extension_is_seen_by_both_sides_and_kept(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY)
    extend(request, cast.reviewer, 12)
    was, request = request.due_at, RefundRequest.objects.get(pk=request.pk)
    assert request.due_at == was + hours(12)
    kept = Extension.objects.get()
    assert (kept.was_due_at, kept.due_at, kept.user, kept.note) == (
        was,
        request.due_at,
        cast.reviewer,
        "The mail was down.",
    )
    told = Message.objects.get(request=request)
    assert (told.is_internal, "The mail was down." in told.text, "2026-11-17 22:00" in told.text) == (
        False,
        True,
        True,
    )
    sweep_deadlines(was + hours(1))
    assert RefundRequest.objects.get(pk=request.pk).state == State.AWAITING_SELLER
    sweep_deadlines(was + hours(12))
    assert RefundRequest.objects.get(pk=request.pk).state == State.MANUAL_REVIEW


@pytest.mark.parametrize(
    ("state", "who", "hours_", "note", "refusal"),
    [
        ("awaiting_seller", "reviewer", 0, "why", extending.NotLonger),
        ("awaiting_seller", "reviewer", -1, "why", extending.NotLonger),
        ("awaiting_seller", "reviewer", 24 * 29 + 1, "why", extending.TooLong),
        ("awaiting_seller", "reviewer", 5, " ", ReasonsNeeded),
        ("awaiting_seller", "support", 5, "why", NotPermitted),
        ("awaiting_seller", "seller_user", 5, "why", NotPermitted),
        ("manual_review", "reviewer", 5, "why", NotPermitted),
        ("rejected", "supervisor", 5, "why", extending.NoClock),
    ],
)
def test_an_extension_that_may_not_be_changes_nothing(
    cast: Cast, state: str, who: str, hours_: float, note: str, refusal: type[Refusal]
) -> None:
    request = make_request(cast, state=state, now=MONDAY)
    until = (request.due_at or MONDAY) + hours(hours_)
    with pytest.raises(refusal):
        extending.extend(number=request.number, user=getattr(cast, who), until=until, note=note, now=MONDAY)
    assert RefundRequest.objects.get(pk=request.pk).due_at == request.due_at
    assert not Extension.objects.exists()
    assert not Message.objects.exists()


def test_a_supervisor_extends_a_reviewers_clock(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
    assert extend(request, cast.supervisor, 24).due_at == request.due_at + hours(24)


# --- Outages ----------------------------------------------------------------------------------------------


def declare(cast: Cast, start: datetime, now: datetime | None = None) -> Outage:
    return outages.declare_outage(user=cast.supervisor, started_at=start, note="Power cut.", now=now or start)


def end(cast: Cast, outage: Outage, when: datetime) -> int:
    outages.end_outage(outage_id=outage.pk, user=cast.supervisor, ended_at=when, now=when)
    return outages.apply_outages(when)


def test_an_outage_is_added_to_the_clocks_that_ran_in_it(cast: Cast) -> None:
    before = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY)
    outage = declare(cast, MONDAY + hours(2))
    during = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY + hours(3))
    over = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY - hours(30))
    assert end(cast, outage, MONDAY + hours(6)) == 2
    after = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY + hours(7))
    for request, lost in ((before, 4), (during, 3), (over, 0), (after, 0)):
        assert RefundRequest.objects.get(pk=request.pk).due_at == request.due_at + hours(lost)
    assert outages.apply_outages(MONDAY + hours(8)) == 0
    assert Outage.objects.get().applied_at == MONDAY + hours(6)


def test_no_silence_counts_while_the_platform_is_out(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY)
    outage = declare(cast, MONDAY + hours(23))
    assert sweep_deadlines(MONDAY + hours(30)) == 0
    outages.end_outage(
        outage_id=outage.pk, user=cast.supervisor, ended_at=MONDAY + hours(33), now=MONDAY + hours(33)
    )
    assert sweep_deadlines(MONDAY + hours(33)) == 0  # not before the lost time has been given back
    outages.apply_outages(MONDAY + hours(33))
    assert sweep_deadlines(MONDAY + hours(33)) == 0
    assert sweep_deadlines(MONDAY + hours(34)) == 1
    request.refresh_from_db()
    assert request.state == State.MANUAL_REVIEW


def test_an_outage_is_added_once_and_goes_on_where_it_was_killed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [make_request(cast, state=State.AWAITING_SELLER, now=MONDAY) for _ in range(5)]
    outage = declare(cast, MONDAY)
    outages.end_outage(
        outage_id=outage.pk, user=cast.supervisor, ended_at=MONDAY + hours(1), now=MONDAY + hours(1)
    )
    monkeypatch.setattr(outages, "BATCH", 2)
    batches: list[int] = []
    whole: Callable[..., int] = outages._extend_batch

    def killed_after_one(outage: Outage, now: datetime) -> int:
        if batches:
            raise KeyboardInterrupt
        batches.append(whole(outage, now))
        return batches[0]

    monkeypatch.setattr(outages, "_extend_batch", killed_after_one)
    with pytest.raises(KeyboardInterrupt):
        outages.apply_outages(MONDAY + hours(1))
    monkeypatch.setattr(outages, "_extend_batch", whole)
    assert outages.apply_outages(MONDAY + hours(1)) == 3
    for request in requests:
        assert RefundRequest.objects.get(pk=request.pk).due_at == request.due_at + hours(1)
    assert Extension.objects.count() == 5


def test_a_payment_under_way_waits_for_its_channel_and_not_for_us(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
    outage = declare(cast, MONDAY)
    assert end(cast, outage, MONDAY + hours(2)) == 2  # the review, and the first word
    assert running(request)["first_reply"] == at("2026-11-16 20:00")


@pytest.mark.parametrize(
    ("who", "start", "note", "refusal"),
    [
        ("reviewer", -1, "x", NotPermitted),
        ("supervisor", 1, "x", outages.WrongTime),
        ("supervisor", -1, "", ReasonsNeeded),
    ],
)
def test_an_outage_that_may_not_be_declared_is_not(
    cast: Cast, who: str, start: int, note: str, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        outages.declare_outage(
            user=getattr(cast, who), started_at=MONDAY + hours(start), note=note, now=MONDAY
        )
    assert not Outage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_declare_at_once_get_one_outage(transactional_db: None, cast: Cast) -> None:
    found = together([lambda: declare(cast, MONDAY), lambda: declare(cast, MONDAY)])
    assert {type(each) for each in found} == {Outage, outages.OutageGoesOn}
    assert Outage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_outage_at_a_time(transactional_db: None, cast: Cast) -> None:
    outage = declare(cast, MONDAY)
    with pytest.raises(outages.OutageGoesOn):
        declare(cast, MONDAY, MONDAY + hours(1))
    with pytest.raises(IntegrityError, match="one_outage_at_a_time"), transaction.atomic():
        Outage.objects.create(started_at=MONDAY, note="x", declared_by=cast.supervisor, declared_at=MONDAY)
    for when in (MONDAY, MONDAY + hours(2)):
        with pytest.raises(outages.WrongTime):
            outages.end_outage(
                outage_id=outage.pk, user=cast.supervisor, ended_at=when, now=MONDAY + hours(1)
            )
    with pytest.raises(NotFound):
        outages.end_outage(outage_id=0, user=cast.supervisor, ended_at=MONDAY, now=MONDAY)


# --- Peaks, and days the calendar has wrong ---------------------------------------------------------------


def announce(cast: Cast, start: float, end_: float, percent: int = 200, **fields: Any) -> Peak:
    given = {"user": cast.supervisor, "note": "Double eleven.", "now": MONDAY, **fields}
    return days.announce_peak(
        starts_at=MONDAY + hours(start), ends_at=MONDAY + hours(end_), percent=percent, **given
    )


def test_a_peak_lengthens_new_clocks_and_leaves_running_ones(cast: Cast) -> None:
    before = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY)
    announce(cast, 1, 10)
    within = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY + hours(2))
    after = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY + hours(10))
    allowed = [r.due_at - r.filed_at for r in (before, within, after)]
    assert allowed == [hours(24), hours(48), hours(24)]
    assert RefundRequest.objects.get(pk=before.pk).due_at == before.due_at


def test_a_peak_rounds_working_days_up(cast: Cast) -> None:
    announce(cast, 0, 10, 150)
    due = clocks.after("policy_review", TERMS, "invalid_code", MONDAY)
    assert due.at == at("2026-11-23 10:00")  # five working days for three
    assert due.reply_by == at("2026-11-17 13:00")


@pytest.mark.parametrize(
    ("start", "end_", "fields", "refusal"),
    [
        (-1, 5, {}, days.PeakNotAhead),
        (5, 5, {}, days.PeakNotAhead),
        (1, 5, {"percent": 99}, days.PercentOutOfRange),
        (1, 5, {"percent": 201}, days.PercentOutOfRange),
        (1, 5, {"note": " "}, ReasonsNeeded),
        (9, 30, {}, days.PeakOverlaps),
    ],
)
def test_a_peak_that_may_not_be_announced_is_not(
    transactional_db: None,
    cast: Cast,
    start: float,
    end_: float,
    fields: dict[str, Any],
    refusal: type[Refusal],
) -> None:
    announce(cast, 8, 10)
    with pytest.raises(refusal):
        announce(cast, start, end_, **fields)
    assert Peak.objects.count() == 1


def test_only_a_supervisor_changes_the_clocks_of_all(cast: Cast) -> None:
    for user in (cast.reviewer, cast.support, cast.seller_user):
        with pytest.raises(NotPermitted):
            announce(cast, 1, 5, user=user)
        with pytest.raises(NotPermitted):
            days.mark_day(user=user, day=date(2027, 1, 4), is_working=False, note="x")
    assert not Peak.objects.exists()
    assert not CalendarDay.objects.exists()


def test_a_peak_ends_early_or_never_begins(cast: Cast) -> None:
    begun, later = announce(cast, 0, 10), announce(cast, 20, 30)
    days.end_peak(peak_id=begun.pk, user=cast.supervisor, now=MONDAY + hours(1))
    days.end_peak(peak_id=later.pk, user=cast.supervisor, now=MONDAY + hours(1))
    assert [peak.ends_at for peak in Peak.objects.all()] == [MONDAY + hours(1)]
    with pytest.raises(NotFound):
        days.end_peak(peak_id=begun.pk, user=cast.supervisor, now=MONDAY + hours(2))


def test_a_day_the_calendar_does_not_know_is_what_staff_say(cast: Cast) -> None:
    start = at("2027-01-29 10:00")  # a Friday of a year whose holidays are not out yet
    assert clocks.after("policy_review", TERMS, "invalid_code", start).at == at("2027-02-03 10:00")
    days.mark_day(user=cast.supervisor, day=date(2027, 2, 1), is_working=False, note="New Year")
    days.mark_day(user=cast.supervisor, day=date(2027, 1, 30), is_working=True, note="Made up for it")
    assert clocks.after("policy_review", TERMS, "invalid_code", start).at == at("2027-02-03 10:00")
    days.unmark_day(user=cast.supervisor, day=date(2027, 1, 30))
    assert clocks.after("policy_review", TERMS, "invalid_code", start).at == at("2027-02-04 10:00")
    with pytest.raises(NotFound):
        days.unmark_day(user=cast.supervisor, day=date(2027, 1, 30))


# --- Mass faults (E5) ----------------------------------------------------------------------------------------


def test_a_mass_fault_gives_the_review_its_own_time(cast: Cast) -> None:
    request, now = make_request(cast, state="manual_review"), timezone.now()
    started = request.deadlines.get(kind="review").started_at
    mark_mass_fault(number=request.number, user=cast.supervisor, note="The top-up gateway failed.", now=now)
    request.refresh_from_db()
    assert request.due_at == started + timedelta(days=30)
    extension = Extension.objects.get()
    assert (extension.user, extension.due_at) == (cast.supervisor, request.due_at)
    assert "The top-up gateway failed." in extension.note
    assert "The top-up gateway failed." in request.messages.get().text
    with pytest.raises(LongEnough):
        mark_mass_fault(number=request.number, user=cast.supervisor, note="Again.", now=now)
    assert Extension.objects.count() == 1


@pytest.mark.parametrize(
    ("state", "who", "note", "refusal"),
    [
        ("manual_review", "reviewer", "why", NotPermitted),
        ("manual_review", "support", "why", NotPermitted),
        ("manual_review", "supervisor", " ", ReasonsNeeded),
        ("awaiting_seller", "supervisor", "why", extending.NoClock),
        ("rejected", "supervisor", "why", extending.NoClock),
    ],
)
def test_mass_fault_is_refused(cast: Cast, state: str, who: str, note: str, refusal: type[Exception]) -> None:
    request = make_request(cast, state=state)
    with pytest.raises(refusal):
        mark_mass_fault(number=request.number, user=getattr(cast, who), note=note, now=timezone.now())
    after = RefundRequest.objects.get(pk=request.pk)
    assert (after.due_at, after.messages.count(), Extension.objects.count()) == (request.due_at, 0, 0)
