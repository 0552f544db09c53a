"""Outages, peaks, the calendar and the clocks of a case on the desk: who may, what is refused, what everybody reads."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.businesstime import SHANGHAI, known_until
from refunds.machine import State
from refunds.models import CalendarDay, Deadline, Extension, Message, Outage, Peak, RefundRequest
from refunds.operations import outage as outages
from refunds.operations import timetable as days
from tests.cases import make_request
from tests.factories import hours
from tests.people import Cast

from .conftest import due_in, staff, standing, url_of

SignIn = Callable[[User], Client]
OUTAGES, PEAKS, DAYS = (f"/admin/refunds/{table}/" for table in ("outage", "peak", "calendarday"))
ENGLISH = {"accept-language": "en"}
REASON = "The mail was down."


def typed_time(at: datetime) -> str:
    """As a browser sends it: Beijing time, to the minute."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")


def everything() -> list[Any]:
    """All that a refused post may not change."""
    tables = (Outage, Peak, CalendarDay, Extension, Message)
    clocks = Deadline.objects.order_by("id").values_list("due_at", "closed_at")
    return [list(table.objects.order_by("id").values()) for table in tables] + [list(clocks)]


def peak_fields(**fields: Any) -> dict[str, Any]:
    now = timezone.now()
    times = {"starts_at": typed_time(now + hours(2)), "ends_at": typed_time(now + hours(50))}
    return {**times, "percent": "150", "note": "Double eleven.", **fields}


def declare(cast: Cast, *, ago: float = 2) -> Outage:
    now = timezone.now()
    return outages.declare_outage(
        user=cast.supervisor, started_at=now - hours(ago), note="Power cut.", now=now
    )


def announce(cast: Cast, start: float, end: float) -> Peak:
    now = timezone.now()
    return days.announce_peak(
        user=cast.supervisor,
        starts_at=now + hours(start),
        ends_at=now + hours(end),
        percent=150,
        note="Double eleven.",
        now=now,
    )


# --- Who may ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role.values)
def test_all_staff_read_and_supervisors_change(role: str, cast: Cast, signed_in: SignIn) -> None:
    declare(cast)
    begun, marked = (
        announce(cast, 1, 9),
        days.mark_day(user=cast.supervisor, day=date(2031, 1, 2), is_working=False, note="x"),
    )
    pages = {OUTAGES: Outage.objects.get().pk, PEAKS: begun.pk, DAYS: marked.pk}
    client, changes = signed_in(staff(role)), role == Role.SUPERVISOR
    before = everything()
    for table, pk in pages.items():
        assert client.get(table).status_code == 200, table
        page = client.get(f"{table}{pk}/change/")
        assert page.status_code == 200, table
        assert (b'name="move"' in page.content) == changes, table
        assert client.get(f"{table}add/").status_code == (200 if changes else 403), table
        assert (b'href="add/"' in client.get(table).content) == changes, table
        assert client.post(f"{table}{pk}/delete/", {"post": "yes"}).status_code == 403, table
    assert everything() == before
    posts = [
        (f"{OUTAGES}{pages[OUTAGES]}/change/", {"move": "end"}),
        (f"{OUTAGES}add/", {"note": "Again."}),
        (f"{PEAKS}{begun.pk}/change/", {"move": "call_off"}),
        (f"{PEAKS}add/", peak_fields()),
        (f"{DAYS}{marked.pk}/change/", {"move": "unmark"}),
        (f"{DAYS}add/", {"day": "2031-01-03", "is_working": "0", "note": "Made up"}),
    ]
    for url, data in posts:
        assert client.post(url, data).status_code == (302 if changes else 403), url
    assert (everything() != before) == changes


def test_nobody_and_a_sellers_person_are_sent_to_sign_in(cast: Cast, signed_in: SignIn) -> None:
    for client in (Client(), signed_in(cast.seller_user)):
        for url in (OUTAGES, f"{OUTAGES}add/", PEAKS, DAYS, "/admin/refunds/deadline/"):
            assert client.get(url).status_code == 302
            assert client.post(url, {"note": "x"}).status_code == 302
    assert not Outage.objects.exists()


# --- Outages ----------------------------------------------------------------------------------------------


def test_an_outage_is_declared_ended_and_seen_being_added(cast: Cast, signed_in: SignIn) -> None:
    requests = [make_request(cast, state=State.AWAITING_SELLER) for _ in range(3)]
    Deadline.objects.all()  # three clocks run
    client, now = signed_in(cast.supervisor), timezone.now()
    answer = client.post(f"{OUTAGES}add/", {"started_at": typed_time(now - hours(3)), "note": "Power cut."})
    outage = Outage.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{OUTAGES}{outage.pk}/change/")
    assert (outage.declared_by, outage.note) == (cast.supervisor, "Power cut.")
    page = f"{OUTAGES}{outage.pk}/change/"
    assert "when it is over" in client.get(page, headers=ENGLISH).content.decode()
    assert client.post(page, {"move": "end"}).status_code == 302
    assert "Added to 0 of 3 clocks" in client.get(page, headers=ENGLISH).content.decode()
    outages.BATCH, whole = 2, outages.BATCH
    try:
        outage.refresh_from_db()
        assert outages._extend_batch(outage, timezone.now()) == 2
    finally:
        outages.BATCH = whole
    assert "Added to 2 of 3 clocks" in client.get(page, headers=ENGLISH).content.decode()
    outages.apply_outages(timezone.now())
    assert "Added to 3 of 3 clocks" in client.get(page, headers=ENGLISH).content.decode()
    for request in requests:
        assert RefundRequest.objects.get(pk=request.pk).due_at > request.due_at


def test_an_outage_begins_now_where_no_time_is_typed(cast: Cast, signed_in: SignIn) -> None:
    before = timezone.now()
    signed_in(cast.supervisor).post(f"{OUTAGES}add/", {"note": "Power cut."})
    assert before <= Outage.objects.get().started_at <= timezone.now()


def test_the_same_outage_twice_is_one(cast: Cast, signed_in: SignIn) -> None:
    client = signed_in(cast.supervisor)
    assert client.post(f"{OUTAGES}add/", {"note": "Power cut."}).status_code == 302
    again = client.post(f"{OUTAGES}add/", {"note": "Power cut."}, headers=ENGLISH)
    assert again.status_code == 409
    assert "End that one first" in again.content.decode()
    page = f"{OUTAGES}{Outage.objects.get().pk}/change/"
    assert client.post(page, {"move": "end"}).status_code == 302
    ended = everything()
    assert client.post(page, {"move": "end"}).status_code == 403
    assert everything() == ended


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"note": " "}, "Write the reasons"),
        ({"started_at": "yesterday"}, "Enter a valid date/time."),
        ({"started_at": "2099-01-01T10:00"}, "2099-01-01 10:00 lies ahead"),
    ],
)
def test_a_wrong_outage_is_refused_saying_why(
    cast: Cast, signed_in: SignIn, fields: dict[str, str], says: str
) -> None:
    data = {"note": "Power cut at the data centre.", **fields}
    answer = signed_in(cast.supervisor).post(f"{OUTAGES}add/", data, headers=ENGLISH)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert data["note"] in answer.content.decode()  # what was typed is still there
    assert not Outage.objects.exists()


def test_an_end_before_the_beginning_is_refused(cast: Cast, signed_in: SignIn) -> None:
    outage = declare(cast)
    page = f"{OUTAGES}{outage.pk}/change/"
    data = {"move": "end", "ended_at": typed_time(outage.started_at - hours(1))}
    answer = signed_in(cast.supervisor).post(page, data, headers=ENGLISH)
    assert answer.status_code == 422
    assert "is not after the outage began: choose a later time" in answer.content.decode()
    assert Outage.objects.get().ended_at is None


# --- Peaks and the calendar -------------------------------------------------------------------------------


def test_a_peak_is_announced_once_and_called_off(cast: Cast, signed_in: SignIn) -> None:
    client = signed_in(cast.supervisor)
    assert client.post(f"{PEAKS}add/", peak_fields()).status_code == 302
    peak = Peak.objects.get()
    assert (peak.percent, peak.note, peak.declared_by) == (150, "Double eleven.", cast.supervisor)
    page = f"{PEAKS}{peak.pk}/change/"
    answer = client.post(page, {"move": "call_off"})
    assert (answer.status_code, answer.headers["Location"]) == (302, PEAKS)
    assert not Peak.objects.exists()
    assert client.post(page, {"move": "call_off"}).headers["Location"] == PEAKS


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"note": ""}, 422, "Write the reasons"),
        ({"percent": "500"}, 422, "500 % is outside of what the terms allow"),
        ({"percent": "half"}, 422, "Enter a whole number."),
        ({"starts_at": "2020-01-01T10:00"}, 422, "A peak is announced before it begins"),
        ({"ends_at": ""}, 422, "This field is required."),
        ({}, 409, "choose another time, or end that one"),
    ],
)
def test_a_wrong_peak_is_refused_saying_why(
    transactional_db: None,
    cast: Cast,
    signed_in: SignIn,
    fields: dict[str, str],
    status: int,
    says: str,
) -> None:
    announce(cast, 1, 99)
    before = everything()
    answer = signed_in(cast.supervisor).post(f"{PEAKS}add/", peak_fields(**fields), headers=ENGLISH)
    assert answer.status_code == status
    assert says in answer.content.decode()
    assert everything() == before


def test_the_calendar_says_until_when_it_is_known(cast: Cast, desk: Client) -> None:
    assert f"until the end of {known_until()}" in desk.get(DAYS, headers=ENGLISH).content.decode()


def test_a_day_is_marked_marked_anew_and_unmarked(cast: Cast, signed_in: SignIn) -> None:
    client, url = signed_in(cast.supervisor), f"{DAYS}add/"
    for value, is_working in (("0", False), ("0", False), ("1", True)):
        answer = client.post(url, {"day": "2031-01-03", "is_working": value, "note": "Notice 7"})
        assert (answer.status_code, answer.headers["Location"]) == (302, DAYS)
        marked = CalendarDay.objects.get()
        assert (marked.day, marked.is_working, marked.user) == (date(2031, 1, 3), is_working, cast.supervisor)
    page = client.get(f"{DAYS}{marked.pk}/change/", headers=ENGLISH).content.decode()
    assert "Working day (by the weekday: the year is not known yet)" in page
    assert client.post(f"{DAYS}{marked.pk}/change/", {"move": "unmark"}).status_code == 302
    assert not CalendarDay.objects.exists()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"day": "2031-02-30"}, "Enter a valid date."),
        ({"is_working": ""}, "This field is required."),
        ({"is_working": "perhaps"}, "Select a valid choice."),
        ({"note": ""}, "Write the reasons"),
        ({"note": "x" * 201}, "at most 200 characters"),
    ],
)
def test_a_wrong_day_is_refused_saying_why(
    cast: Cast, signed_in: SignIn, fields: dict[str, str], says: str
) -> None:
    data = {"day": "2031-01-03", "is_working": "0", "note": "Notice 7", **fields}
    answer = signed_in(cast.supervisor).post(f"{DAYS}add/", data, headers=ENGLISH)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not CalendarDay.objects.exists()


@pytest.mark.parametrize("table", [OUTAGES, PEAKS, DAYS])
def test_an_empty_list_says_what_it_is_for(table: str, cast: Cast, desk: Client) -> None:
    assert "desk-empty" in desk.get(table).content.decode()


# --- What everybody reads ---------------------------------------------------------------------------------


def test_an_outage_and_a_peak_stand_on_every_page(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    pages = ("/admin/", "/admin/refunds/refundrequest/", url_of(request), OUTAGES, "/admin/orders/order/")
    for url in pages:
        assert "desk-news" not in desk.get(url, headers=ENGLISH).content.decode(), url
    outage = declare(cast)
    announce(cast, 1, 9)
    for url in pages:
        shown = desk.get(url, headers=ENGLISH).content.decode()
        assert "no deadline is held against anybody" in shown, url
        assert "Power cut." in shown, url
        assert "run at 150 % of their length" in shown, url
    now = timezone.now()
    outages.end_outage(outage_id=outage.pk, user=cast.supervisor, ended_at=now, now=now)
    assert "Its time is being added" in desk.get("/admin/", headers=ENGLISH).content.decode()
    outages.apply_outages(now)
    assert "Power cut." not in desk.get("/admin/", headers=ENGLISH).content.decode()


# --- The clocks of a case ---------------------------------------------------------------------------------


def test_the_head_of_a_case_shows_every_running_clock(cast: Cast, desk: Client) -> None:
    request = due_in(make_request(cast, state=State.MANUAL_REVIEW), -3)
    page = desk.get(url_of(request), headers=ENGLISH).content.decode()
    head = page[page.index("desk-head-facts") : page.index("</header>", page.index("desk-head-facts"))]
    assert "Decision by a reviewer" in head
    assert "First word of a person" in head
    assert "3 hours overdue" in head


def test_a_clock_is_put_off_from_the_case_and_both_sides_read_why(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    until = request.due_at + hours(12)
    data = {"move": "extend", "until": typed_time(until), "note": REASON}
    assert desk.post(url_of(request), data).status_code == 302
    kept = Extension.objects.get()
    assert (kept.user, kept.note, kept.was_due_at) == (cast.reviewer, REASON, request.due_at)
    page = desk.get(url_of(request), headers=ENGLISH).content.decode()
    assert page.count(REASON) >= 2  # beside the clock, and in the time-line
    assert "Put off from" in page
    before = everything()
    again = desk.post(url_of(request), data, headers=ENGLISH)
    assert again.status_code == 422
    assert "A deadline is never shortened: choose a later time" in again.content.decode()
    assert everything() == before


@pytest.mark.parametrize(
    ("state", "who", "later", "note", "status", "says"),
    [
        ("awaiting_seller", "reviewer", "", REASON, 422, "This field is required."),
        ("awaiting_seller", "reviewer", "soon", REASON, 422, "Enter a valid date/time."),
        ("awaiting_seller", "reviewer", -1, REASON, 422, "choose a later time"),
        ("awaiting_seller", "reviewer", 24 * 60, REASON, 422, "at the latest"),
        ("awaiting_seller", "reviewer", 5, " ", 422, "Write the reasons"),
        ("awaiting_seller", "support", 5, REASON, 403, "may not"),
        ("manual_review", "reviewer", 5, REASON, 403, "A supervisor extends the clocks of staff."),
        ("rejected", "reviewer", 5, REASON, 409, "No clock is running"),
    ],
)
def test_an_extension_that_may_not_be_is_refused_and_changes_nothing(
    cast: Cast, signed_in: SignIn, state: str, who: str, later: Any, note: str, status: int, says: str
) -> None:
    request = make_request(cast, state=state)
    until = later
    if isinstance(later, int):
        until = typed_time((request.due_at or timezone.now()) + hours(later))
    before, stood = everything(), standing(request)
    client = signed_in(getattr(cast, who))
    answer = client.post(url_of(request), {"move": "extend", "until": until, "note": note}, headers=ENGLISH)
    assert answer.status_code == status
    assert says in answer.content.decode()
    assert (everything(), standing(request)) == (before, stood)


@pytest.mark.parametrize(
    ("state", "who", "offered"),
    [
        ("awaiting_seller", "reviewer", True),
        ("awaiting_seller", "support", False),
        ("awaiting_seller", "auditor", False),
        ("manual_review", "reviewer", False),
        ("manual_review", "supervisor", True),
        ("rejected", "supervisor", False),
    ],
)
def test_putting_off_is_offered_to_who_may(
    cast: Cast, signed_in: SignIn, state: str, who: str, offered: bool
) -> None:
    request = make_request(cast, state=state)
    page = signed_in(getattr(cast, who)).get(url_of(request)).content.decode()
    assert ('value="extend"' in page) == offered


def test_a_case_with_many_extensions_takes_no_more_queries(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    desk.get(url_of(request))  # what is read once for many pages
    counts = []
    for number in range(3):
        with CaptureQueriesContext(connection) as queries:
            desk.get(url_of(request))
        counts.append(len(queries))
        until = request.due_at + timedelta(hours=number + 1)
        data = {"move": "extend", "until": typed_time(until), "note": REASON}
        assert desk.post(url_of(request), data).status_code == 302
        desk.get(url_of(request))  # shows the message that waits
    assert Extension.objects.count() == 3
    assert len(set(counts)) == 1
