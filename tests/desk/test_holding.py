"""The next case, and cases in hand, through the desk's pages (requirement K1)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from marketplace.identity.models import User
from refunds.models import Hold, RefundRequest
from refunds.operations import hold
from tests.browsers import Watched
from tests.cases import make_request
from tests.contested import arbiter, seat
from tests.people import Cast

from .conftest import QUEUE, due_in, standing, url_of

SignIn = Callable[[User], Client]
NEXT = f"{QUEUE}claim-next/"
EN = {"accept-language": "en"}


@pytest.fixture
def cases(cast: Cast) -> list[RefundRequest]:
    """Three that need a reviewer, due one after the other."""
    return [due_in(make_request(cast, state="manual_review", decided=True), h) for h in (1, 2, 3)]


def in_hand_of(case: RefundRequest) -> User | None:
    return RefundRequest.objects.get(pk=case.pk).holder


def place(answer: Any) -> str:
    """Where it leads, but for the queue one comes from."""
    path: str = answer.headers["Location"].partition("?")[0]
    return path


def test_next_case_leads_to_the_one_due_first(cases: list[RefundRequest], cast: Cast, desk: Client) -> None:
    answer = desk.post(NEXT, {"queue": "unassigned"})
    assert (answer.status_code, place(answer)) == (303, url_of(cases[0]))
    assert in_hand_of(cases[0]) == cast.reviewer
    page = desk.get(url_of(cases[0]), headers=EN).content.decode()
    assert "You have this case in hand" in page
    assert "You" in [str(desk.get(QUEUE, headers=EN).content).split('desk-you">')[1][:3]]


def test_next_case_of_a_queue_is_one_of_that_queue(cast: Cast, desk: Client, signed_in: SignIn) -> None:
    due_in(make_request(cast, state="manual_review"), 5)
    late = due_in(make_request(cast, state="manual_review"), -1)
    contested = make_request(cast, state="arbitration")
    assert place(desk.post(NEXT, {"queue": "overdue"})) == url_of(late)
    supervisor = signed_in(cast.supervisor)
    assert place(supervisor.post(NEXT, {"queue": "arbitration"})) == url_of(contested)


@pytest.mark.parametrize("queue", ["unassigned", "mine", "arbitration", "seller", "nonsense", ""])
def test_where_nothing_waits_the_queue_says_so(queue: str, cast: Cast, desk: Client) -> None:
    make_request(cast, state="arbitration")
    answer = desk.post(NEXT, {"queue": queue}, headers=EN)
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (303, QUEUE)
    assert "Nothing waits for you" in desk.get(answer.headers["Location"], headers=EN).content.decode()


def test_next_case_is_not_a_link_to_be_followed(cases: list[RefundRequest], desk: Client) -> None:
    assert desk.get(NEXT).status_code == 405
    assert desk.get(f"{url_of(cases[0])}hold/").status_code == 405
    assert in_hand_of(cases[0]) is None


def test_held_case_is_refused_on_the_page_with_who_and_until_when(
    cases: list[RefundRequest], cast: Cast, desk: Client, signed_in: SignIn
) -> None:
    case, typed = cases[0], {"move": "reject", "clause": "B3", "note": "Read it all.", "fault": "buyer"}
    desk.post(f"{url_of(case)}hold/", {"do": "claim"})
    before = standing(case)
    other = signed_in(cast.second_reviewer)
    assert (
        f"{cast.reviewer.username} has this case in hand"
        in other.get(url_of(case), headers=EN).content.decode()
    )
    answer = other.post(url_of(case), typed, headers=EN)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert f"{cast.reviewer.username} has this case in hand until" in page
    assert "Read it all." in page
    assert (standing(case), in_hand_of(case)) == (before, cast.reviewer)
    other.post(f"{url_of(case)}hold/", {"do": "claim", "note": "I want it."})
    assert in_hand_of(case) == cast.reviewer


def test_case_is_put_back_handed_over_and_taken_over_from_its_page(
    cases: list[RefundRequest], cast: Cast, desk: Client, signed_in: SignIn
) -> None:
    case, second, supervisor = cases[0], signed_in(cast.second_reviewer), signed_in(cast.supervisor)
    where = f"{url_of(case)}hold/"
    desk.post(where, {"do": "claim"})
    desk.post(
        where, {"do": "hand_over", "to": str(cast.second_reviewer.pk), "note": "Ask the provider once more."}
    )
    assert in_hand_of(case) == cast.second_reviewer
    assert "Ask the provider once more." in second.get(url_of(case)).content.decode()
    supervisor.post(where, {"do": "claim", "note": ""})
    assert in_hand_of(case) == cast.second_reviewer
    supervisor.post(where, {"do": "claim", "note": "I know the seller."})
    assert in_hand_of(case) == cast.supervisor
    assert "I know the seller." in second.get(url_of(case)).content.decode()
    supervisor.post(where, {"do": "release"})
    assert in_hand_of(case) is None
    for bad in ({"do": "nonsense"}, {}, {"do": "hand_over", "to": "x", "note": "y"}, {"do": "release"}):
        assert desk.post(where, bad).status_code == 302
    assert (in_hand_of(case), Hold.objects.count()) == (None, 3)


def test_looking_at_a_case_one_has_in_hand_keeps_it(
    cases: list[RefundRequest], cast: Cast, desk: Client
) -> None:
    case = cases[0]
    hold.claim(number=case.number, user=cast.reviewer, now=timezone.now() - hold.idle_after() / 2)
    before = RefundRequest.objects.get(pk=case.pk).held_until
    desk.get(url_of(case))
    after = RefundRequest.objects.get(pk=case.pk).held_until
    assert before and after and after > before


def test_who_only_looks_sees_whose_case_it_is_and_no_button(
    cases: list[RefundRequest], cast: Cast, desk: Client, signed_in: SignIn
) -> None:
    desk.post(f"{url_of(cases[0])}hold/", {"do": "claim"})
    page = signed_in(cast.support).get(url_of(cases[0]), headers=EN).content.decode()
    assert f"{cast.reviewer.username} has this case in hand" in page
    assert "/hold/" not in page
    assert "claim-next" not in page


def test_arbiter_learns_nothing_of_whose_desk_a_case_is_on(cast: Cast, signed_in: SignIn) -> None:
    case, person = make_request(cast, state="arbitration"), arbiter()
    seat(cast, case, person)
    hold.claim(number=case.number, user=cast.supervisor, now=timezone.now())
    page = signed_in(person).get(url_of(case), headers=EN).content.decode()
    assert "in hand" not in page
    assert "/hold/" not in page


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_next_decided_next_without_the_mouse(browser: Browser, live_server: LiveServer, cast: Cast) -> None:
    first, second = (due_in(make_request(cast, state="manual_review", decided=True), h) for h in (1, 2))
    watched = Watched(
        browser, live_server, cast.reviewer, locale="en", viewport={"width": 1440, "height": 900}
    )
    page = watched.page
    page.goto(live_server.url + "/admin/")
    page.keyboard.press("n")
    page.wait_for_url(f"{live_server.url}{url_of(first)}*")
    assert "You have this case in hand" in page.content()
    page.click("summary:has-text('Reject')")
    page.select_option("#reject-fault", "buyer")
    page.click("details[open] .desk-picker button >> nth=0")
    page.fill("#reject-note", "n is a letter here: nnn.")
    page.click("details[open] button[type=submit]")
    page.wait_for_load_state("networkidle")
    assert "Rejected." in page.content()
    page.keyboard.press("n")
    page.wait_for_url(f"{live_server.url}{url_of(second)}*")
    page.goto(live_server.url + QUEUE)
    page.keyboard.press("n")
    page.wait_for_url(f"{live_server.url}{QUEUE}?queue=review")
    assert "Nothing waits for you" in page.content()
    assert RefundRequest.objects.get(pk=first.pk).state == "rejected"
    assert in_hand_of(second) == cast.reviewer
    assert (watched.complaints, watched.outside) == ([], [])
