"""The lists: who is in which tab, in what order, and how a page of many opens."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from refunds.machine import Party, State
from refunds.operations.sweep import sweep_deadlines
from sellers.portal import lists
from tests.cases import make_request, put_clock
from tests.factories import hours
from tests.people import Cast

from .tools import Asked, words


def numbers(response: Any) -> list[str]:
    return [case.number for case, _look in response.context["rows"]]


def test_every_state_stands_in_exactly_one_tab() -> None:
    """But for evidence, which waits for one side or the other."""
    states = [
        state for tab in lists.TABS.values() for state in tab.states if state != State.AWAITING_EVIDENCE
    ]
    assert sorted([*states, State.AWAITING_EVIDENCE]) == sorted(State)
    assert {tab.asked for tab in lists.TABS.values()} == {Party.SELLER, Party.BUYER, None}


@pytest.mark.parametrize(
    ("state", "tab"),
    [
        (State.AWAITING_SELLER, "to_answer"), (State.MANUAL_REVIEW, "platform"), (State.AWAITING_EVIDENCE, "platform"),
        (State.APPROVED, "done"), (State.REFUNDED, "done"), (State.REJECTED, "done"),
    ],
)  # fmt: skip
def test_case_stands_in_its_tab_alone(seller: Client, cast: Cast, state: str, tab: str) -> None:
    request = make_request(cast, state=state)
    for key in lists.TABS:
        assert numbers(seller.get(f"/portal/?tab={key}")) == ([request.number] if key == tab else [])


def test_own_cases_alone_are_listed(seller: Client, cast: Cast, asked: Asked) -> None:
    asked(seller=cast.other_seller)
    mine = asked()
    listed = seller.get("/portal/")
    assert numbers(listed) == [mine.number]
    assert "To answer 1" in words(listed)


def test_nearest_deadline_comes_first_over_all_pages(seller: Client, asked: Asked, monkeypatch: Any) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    requests = [asked() for _ in range(5)]
    now = timezone.now()
    for request, left in zip(requests, (9, 3, 3, 3, -1), strict=True):  # three share an instant
        put_clock(request, now + hours(left))
    first, *ties, last = requests[4], requests[1], requests[2], requests[3], requests[0]
    seen, after = [], ""
    while True:
        page = seller.get("/portal/", {"after": after} if after else {})
        seen += numbers(page)
        after = page.context["next"]
        if not after:
            break
    assert seen == [request.number for request in (first, *ties, last)]
    assert "Back to the beginning" in words(page)


def test_newest_comes_first_among_the_done(seller: Client, cast: Cast, monkeypatch: Any) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    made = [make_request(cast, state=State.REJECTED).number for _ in range(3)]
    page = seller.get("/portal/?tab=done")
    assert numbers(page) == made[:0:-1]
    assert numbers(seller.get("/portal/", {"tab": "done", "after": page.context["next"]})) == made[:1]


def test_pages_go_on_by_row_comparison(
    seller: Client, asked: Asked, monkeypatch: Any, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 1)
    asked(), asked()
    cursor = seller.get("/portal/").context["next"]
    with django_assert_num_queries(
        7
    ) as done:  # session, user, membership, counts, rows, what is announced, bell
        seller.get("/portal/", {"after": cursor})
    rows = [query["sql"] for query in done.captured_queries if query["sql"].endswith("LIMIT 2")]
    assert len(rows) == 1
    assert 'ROW("refunds_refundrequest"."due_at", "refunds_refundrequest"."id") > (ROW(' in rows[0]
    assert " OR " not in rows[0]


def test_counts_stop_at_99(seller: Client, asked: Asked, monkeypatch: Any) -> None:
    monkeypatch.setattr(lists, "COUNT_TO", 2)
    for _ in range(3):
        asked()
    assert "To answer 2+" in words(seller.get("/portal/"))


def test_overdue_is_said_in_words(seller: Client, asked: Asked) -> None:
    request = asked()
    put_clock(request, timezone.now() - hours(3))
    assert "3 hours overdue" in words(seller.get("/portal/"))


def test_a_case_left_unanswered_moves_to_the_platform(seller: Client, asked: Asked) -> None:
    request = asked()
    assert request.due_at
    sweep_deadlines(request.due_at + hours(1))
    assert numbers(seller.get("/portal/")) == []
    assert numbers(seller.get("/portal/?tab=platform")) == [request.number]
    page = words(seller.get(f"/portal/cases/{request.number}/"))
    assert "You did not answer in time; the platform stepped in" in page


@pytest.mark.parametrize("tab", lists.TABS)
def test_empty_lists_say_what_will_be_there(seller: Client, tab: str) -> None:
    page = words(seller.get(f"/portal/?tab={tab}"))
    assert str(lists.TABS[tab].nothing) in page
    assert str(lists.TABS[tab].hint) in page
