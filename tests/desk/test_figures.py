"""The page of figures, its files, and the four figures on the first page: who sees what, and that it says what is so (K2)."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import PERMISSIONS, Role
from marketplace.kernel.businesstime import SHANGHAI
from refunds.admin.charts import span
from refunds.admin.figures import all_charts
from refunds.figures.periods import Asked, Period
from refunds.figures.reads import FEW_ORDERS
from refunds.machine import State
from refunds.operations.roll_up import roll_up
from sellers.models import Seller
from tests.cases import make_request
from tests.contested import refunded
from tests.factories import days, hours, make_order
from tests.judged import approve, reject
from tests.people import Cast

from .conftest import staff

SignIn = Callable[[User], Client]
PAGE = "/admin/refunds/casefigure/"
ENGLISH = {"accept-language": "en"}
MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
WEEK = {"since": "2026-03-02", "until": "2026-03-08"}
READS = {Role.SUPERVISOR, Role.FINANCE, Role.POLICY_EDITOR, Role.AUDITOR}


@pytest.fixture
def page(cast: Cast, signed_in: SignIn) -> Callable[..., HttpResponse]:
    client = signed_in(cast.supervisor)
    return lambda **query: client.get(PAGE, query, headers=ENGLISH)


def charts(answer: Any) -> dict[str, Any]:
    return {chart.key: chart for chart in answer.context["charts"]}


def read(answer: HttpResponse) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def a_week(cast: Cast) -> None:
    """Monday: three cases filed; two decided by a reviewer, one of them for the buyer. The week before: one rejected."""
    first, second = (make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY) for _n in range(2))
    make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY, goods_type="account")
    approve(first, cast.reviewer, now=MONDAY + hours(2))
    reject(second, cast.second_reviewer, now=MONDAY + hours(2))
    reject(
        make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY - days(7)),
        cast.reviewer,
        now=MONDAY - days(6),
    )
    roll_up(MONDAY)


@pytest.mark.parametrize("role", ["", *Role])
def test_figures_are_read_by_those_who_answer_for_them(role: str, cast: Cast, signed_in: SignIn) -> None:
    sees = role in READS
    assert sees == ("refunds.view_casefigure" in PERMISSIONS.get(role, ()))
    client = signed_in(staff(role))
    for query in ({}, {"csv": "reviewers"}, {"range": "7"}):
        assert client.get(PAGE, query).status_code in ({200, 404} if sees else {403})
    home = client.get("/admin/").content.decode()
    assert ("desk-figure" in home, f'href="{PAGE}"' in home) == (sees, sees)


def test_each_chart_says_in_a_line_what_it_shows(cast: Cast, page: Callable[..., Any]) -> None:
    a_week(cast)
    found = {key: chart.reading for key, chart in charts(page(**WEEK)).items()}
    assert found["volume"] == "3 filed, up 200 % on the period before; 1 closed."
    assert found["automatic"] == "Auto-approved 0.0 % of 2 first decisions, as in the period before."
    assert found["times"].startswith("Half of the cases were decided within 2")
    assert found["reasons"] == (
        "Invalid code (fake, expired, already used) is the most frequent: 100.0 %; up 200 % on the period before."
    )
    assert found["reviewers"] == "2 cases decided, up 100 % on the period before; 0 in hand now."
    html = page(**WEEK).content.decode()
    for chart in charts(page(**WEEK)).values():
        assert (chart.reading if chart.data else chart.hint) in html.replace("&#x27;", "'")


def test_what_is_drawn_is_what_the_table_and_the_file_say(cast: Cast, page: Callable[..., Any]) -> None:
    a_week(cast)
    chart = charts(page(**WEEK))["volume"]
    filed, closed = chart.data["series"]
    assert (filed["values"], closed["values"]) == ([3, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0])
    file = page(**WEEK, csv="volume")
    assert 'filename="volume-2026-03-02-2026-03-08.csv"' in file["Content-Disposition"]
    rows = read(file)
    assert rows[0] == ["Day", "Cases filed", "Cases closed", "Opened again"]
    assert rows[1] == ["2026-03-02", "3", "1", "0"]
    assert len(rows) == 1 + 7
    assert [[row[0], *row[1:]] for row in chart.table] == rows[1:]


def test_times_are_words_on_the_page_and_hours_in_the_file(cast: Cast, page: Callable[..., Any]) -> None:
    a_week(cast)
    [row] = charts(page(**WEEK))["times"].table
    assert row[:2] == ["A reviewer", "2"]
    assert row[2] in {"1.9 h", "2 h", "2.1 h"}
    [_header, told] = read(page(**WEEK, csv="times"))
    hours_told, minutes, _seconds = map(int, told[2].split(":"))
    assert abs((hours_told * 60 + minutes) / 120 - 1) < 0.1


def test_a_name_that_is_a_formula_does_not_run(cast: Cast, page: Callable[..., Any]) -> None:
    Seller.objects.filter(pk=cast.seller.pk).update(name='=HYPERLINK("https://evil.example","!")')
    for _n in range(FEW_ORDERS):
        make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller, paid=MONDAY)
    roll_up(MONDAY)
    [_header, row] = read(page(**WEEK, csv="sellers"))
    assert row[0].startswith("'=HYPERLINK")
    assert row[2:] == ["20", "0", "0", "0.0", ""]


def test_a_file_of_nothing_there_is_not_found(cast: Cast, page: Callable[..., Any]) -> None:
    assert page(**WEEK, csv="nothing").status_code == 404


def test_filters_stay_while_the_days_change(cast: Cast, page: Callable[..., Any]) -> None:
    a_week(cast)
    answer = page(**WEEK, goods="account", channel="api")
    assert charts(answer)["volume"].reading.startswith("1 filed")
    tabs = {tab.label: tab for tab in answer.context["tabs"]}
    assert tabs["7 days"].query == "goods=account&channel=api&range=7"
    assert not any(tab.is_chosen for tab in tabs.values())
    assert [tab.label for tab in page().context["tabs"] if tab.is_chosen] == ["30 days"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (
            {"since": "2026-03-03", "until": "2026-03-02"},
            "2026-03-02 lies before 2026-03-03: choose a later day.",
        ),
        ({"since": "2024-01-01", "until": "2026-01-01"}, "That is more than 366 days: choose fewer."),
        ({"since": "2026-02-30", "until": "2026-03-02"}, "Enter a valid date."),
        (
            {"range": "7", "goods": "socks"},
            "Select a valid choice. socks is not one of the available choices.",
        ),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_saying_why(
    query: dict[str, str], says: str, cast: Cast, page: Callable[..., Any]
) -> None:
    for extra in ({}, {"csv": "volume"}):
        answer = page(**query, **extra)
        assert answer.status_code == 422
        assert says in answer.content.decode()


def test_where_nothing_happened_the_page_says_so_and_draws_nothing(
    cast: Cast, page: Callable[..., Any]
) -> None:
    answer = page(**WEEK)
    html = answer.content.decode()
    assert "<canvas" not in html
    assert all(chart.hint for chart in charts(answer).values())
    assert "being counted for the first time" in html
    roll_up(timezone.now())
    assert "being counted for the first time" not in page(**WEEK).content.decode()


def test_the_page_reads_a_fixed_number_of_times(cast: Cast, django_assert_num_queries: Any) -> None:
    today = timezone.now()
    for _round in range(2):
        a_week(cast)
        refunded(cast)
        roll_up(today)
        for asked in (
            Asked(Period(MONDAY.date(), today.date())),
            Asked(Period(MONDAY.date(), today.date()), "account", "api"),
        ):
            with django_assert_num_queries(13):
                assert len(all_charts(asked, today)) == 9


def test_first_page_has_four_figures_in_few_reads(cast: Cast, signed_in: SignIn) -> None:
    refunded(cast)
    roll_up(timezone.now())
    client = signed_in(cast.supervisor)
    client.get("/admin/")
    with CaptureQueriesContext(connection) as queries:
        answer = client.get("/admin/", headers=ENGLISH)
    assert sum("figure" in query["sql"] for query in queries) == 5
    titles = [(card.title, card.number) for card in answer.context["figure_cards"]]
    assert titles[:2] == [("Requests filed in 7 days", "1"), ("Approved by the rules alone", "0.0 %")]
    assert titles[3] == ("Paid back in 7 days", "CNY 99.00")
    heights = [bar.height for bar in answer.context["figure_cards"][0].bars]
    assert heights == [0] * 13 + [28]  # the bar of today is the last and the tallest


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4, "4 s"), (90, "2 min"), (3600, "1 h"), (12_600, "3.5 h"), (200_000, "2.3 days")],
)
def test_a_time_is_said_as_long_as_it_takes_to_say(seconds: int, words: str) -> None:
    from django.utils.translation import override

    with override("en"):
        assert span(timedelta(seconds=seconds)) == words
