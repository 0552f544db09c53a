"""Deadlines kept (E9): what counts as met, missed and running, over which days, for whom, and as a file."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.identity.models import User
from marketplace.identity.roles import PERMISSIONS, Role
from marketplace.kernel.businesstime import SHANGHAI
from refunds.kept import Kept, kept
from refunds.machine import State
from refunds.operations.answer import agree
from refunds.operations.say import say_as_staff
from refunds.operations.sweep import sweep_deadlines
from tests.cases import make_request
from tests.factories import hours
from tests.people import Cast

from .conftest import staff

SignIn = Callable[[User], Client]
PAGE = "/admin/refunds/deadline/"
MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
ENGLISH = {"accept-language": "en"}


def found(now: datetime) -> dict[tuple[str, str], Kept]:
    return {(line.kind, line.goods_type): line for line in kept(MONDAY - hours(9), MONDAY + hours(90), now)}


def test_each_clock_is_met_missed_or_running(cast: Cast) -> None:
    answered, silent, waiting = (
        make_request(cast, state=State.AWAITING_SELLER, now=MONDAY + hours(h)) for h in (0, 0, 40)
    )
    agree(number=answered.number, user=cast.seller_user, now=MONDAY + hours(5))
    sweep_deadlines(MONDAY + hours(25))
    silent.refresh_from_db()
    assert (silent.state, waiting.state) == (State.MANUAL_REVIEW, State.AWAITING_SELLER)
    seller = found(MONDAY + hours(50))[("seller_reply", "card_code")]
    assert seller == Kept("seller_reply", "card_code", started=3, met=1, missed=1, running=1)
    assert seller.share_met == 50
    # The same clock, past its time and not stopped yet: missed already.
    assert found(MONDAY + hours(65))[("seller_reply", "card_code")][2:] == (3, 1, 2, 0)


def test_a_clock_stopped_on_the_instant_is_met_and_one_after_it_is_not(cast: Cast) -> None:
    for late in (timedelta(), timedelta(microseconds=1)):
        request = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY)
        agree(number=request.number, user=cast.seller_user, now=request.due_at + late)
    assert found(MONDAY + hours(99))[("seller_reply", "")][2:] == (2, 1, 1, 0)


def test_the_first_word_of_a_person_is_counted_too(cast: Cast) -> None:
    for after in (1, 30):
        request = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
        say_as_staff(number=request.number, user=cast.reviewer, text="At it.", now=MONDAY + hours(after))
    assert found(MONDAY + hours(31))[("first_reply", "")][2:] == (2, 1, 1, 0)


def test_goods_are_told_apart_and_summed(cast: Cast) -> None:
    make_request(cast, state=State.AWAITING_SELLER, now=MONDAY)
    make_request(cast, state=State.AWAITING_SELLER, now=MONDAY, goods_type="software_licence")
    lines = found(MONDAY + hours(1))
    assert {
        goods: lines[("seller_reply", goods)].started for goods in ("", "card_code", "software_licence")
    } == {
        "": 2,
        "card_code": 1,
        "software_licence": 1,
    }
    assert lines[("seller_reply", "")].share_met is None


def test_a_clock_counts_on_the_beijing_day_it_started(cast: Cast, desk: Client) -> None:
    midnight = datetime(2026, 3, 3, 0, 0, tzinfo=SHANGHAI)
    for start in (midnight - timedelta(seconds=1), midnight):
        make_request(cast, state=State.AWAITING_SELLER, now=start)
    for day, started in (("2026-03-02", 1), ("2026-03-03", 1), ("2026-03-04", 0)):
        answer = desk.get(PAGE, {"since": day, "until": day})
        shown = [line.started for _clock, _goods, line in answer.context["lines"] if line.goods_type]
        assert shown == [1] * started, day
    both = desk.get(PAGE, {"since": "2026-03-02", "until": "2026-03-03"})
    assert both.context["lines"][0][2].started == 2


@pytest.mark.parametrize("role", Role.values)
def test_who_sees_cases_sees_how_their_clocks_are_kept(role: str, cast: Cast, signed_in: SignIn) -> None:
    sees = "refunds.view_deadline" in PERMISSIONS[role]
    client = signed_in(staff(role))
    assert client.get(PAGE).status_code == (200 if sees else 403)
    assert client.get(PAGE, {"csv": "1"}).status_code == (200 if sees else 403)
    assert (f'href="{PAGE}"' in client.get("/admin/").content.decode()) == sees


@pytest.mark.parametrize(
    ("since", "until", "says"),
    [
        ("2026-03-03", "2026-03-02", "2026-03-02 lies before 2026-03-03: choose a later day."),
        ("2024-01-01", "2026-01-01", "That is more than 366 days: choose fewer."),
        ("2026-02-30", "2026-03-02", "Enter a valid date."),
        ("", "2026-03-02", "This field is required."),
    ],
)
def test_days_that_make_no_sense_are_refused_saying_why(
    cast: Cast, desk: Client, since: str, until: str, says: str
) -> None:
    for extra in ({}, {"csv": "1"}):
        answer = desk.get(PAGE, {"since": since, "until": until, **extra}, headers=ENGLISH)
        assert answer.status_code == 422
        assert says in answer.content.decode()


def test_the_file_holds_what_the_page_shows(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY)
    agree(number=request.number, user=cast.seller_user, now=MONDAY + hours(1))
    days = {"since": "2026-03-02", "until": "2026-03-02"}
    answer = desk.get(PAGE, {**days, "csv": "1"}, headers=ENGLISH)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="deadlines-2026-03-02-2026-03-02.csv"' in answer["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["Clock", "Goods", "Started", "In time", "Missed", "Running", "In time, in percent"]
    assert rows[1:] == [
        ["Seller's answer", "All goods", "1", "1", "0", "0", "100.0"],
        ["Seller's answer", "Game card code", "1", "1", "0", "0", "100.0"],
    ]
    assert "100.0 %" in desk.get(PAGE, days, headers=ENGLISH).content.decode()


def test_the_page_reads_all_clocks_at_once(cast: Cast, desk: Client) -> None:
    counts = []
    for goods in ("card_code", "software_licence"):
        make_request(cast, state=State.MANUAL_REVIEW, goods_type=goods)
        with CaptureQueriesContext(connection) as queries:
            desk.get(PAGE)
        counts.append(len(queries))
        assert (
            sum("refunds_deadline" in query["sql"] and "GROUP BY" in query["sql"] for query in queries) == 1
        )
    assert len(set(counts)) == 1


def test_the_index_serves_the_question(cast: Cast) -> None:
    make_request(cast, state=State.AWAITING_SELLER, now=MONDAY)
    with CaptureQueriesContext(connection) as queries:
        kept(MONDAY, MONDAY + hours(1), MONDAY)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "deadline_by_kind" in plan
