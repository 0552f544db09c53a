"""The desk in a real browser: nothing on the console, nothing asked of other hosts, nothing wider than the screen."""

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from refunds.models import RefundRequest
from tests.browsers import Watched
from tests.cases import make_request
from tests.people import Cast

from .conftest import QUEUE, due_in, url_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(transactional_db: None, cast: Cast) -> RefundRequest:
    return due_in(make_request(cast, state="manual_review", decided=True), -2)


@pytest.mark.parametrize("width", [1440, 390])
def test_queue_and_case_are_quiet_local_and_fit(
    width: int, browser: Browser, live_server: LiveServer, cast: Cast, case: RefundRequest
) -> None:
    watched = Watched(
        browser, live_server, cast.reviewer, viewport={"width": width, "height": 900}, locale="zh-CN"
    )
    for path in (
        "/admin/",
        QUEUE,
        url_of(case),
        f"/admin/orders/order/{case.order_id}/change/",
        "/admin/payments/transfer/",
        "/admin/password_change/",
    ):
        watched.page.goto(live_server.url + path)
        watched.page.wait_for_load_state("networkidle")
        for scheme in ("dark", "light"):
            watched.page.emulate_media(color_scheme=scheme)
            assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, (path, scheme)
    assert (watched.complaints, watched.outside) == ([], [])


def test_a_clause_is_picked_and_the_case_rejected_by_hand(
    browser: Browser, live_server: LiveServer, cast: Cast, case: RefundRequest
) -> None:
    watched = Watched(
        browser, live_server, cast.reviewer, locale="en", viewport={"width": 1440, "height": 900}
    )
    page = watched.page
    page.goto(live_server.url + QUEUE)
    page.click(f"text={case.number}")
    page.click("summary:has-text('Reject')")
    page.click("details[open] .desk-picker button >> nth=0")
    page.select_option("#reject-fault", "buyer")
    page.fill("#reject-note", "The record shows it was delivered.")
    page.click("details[open] button[type=submit]")
    page.wait_for_load_state("networkidle")
    assert "Rejected." in page.content()
    case.refresh_from_db()
    assert case.state == "rejected"
    assert case.transitions.order_by("-sequence")[0].clause
    assert (watched.complaints, watched.outside) == ([], [])


def test_sign_in_page_is_quiet_and_signs_in(browser: Browser, live_server: LiveServer, cast: Cast) -> None:
    cast.reviewer.set_password("a-long-password-7")
    cast.reviewer.save()
    context = browser.new_context(locale="zh-CN")
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(live_server.url + "/admin/")
    page.fill("[name=username]", cast.reviewer.username)
    page.fill("[name=password]", "a-long-password-7")
    page.click("[type=submit]")
    page.wait_for_load_state("networkidle")
    assert page.url == live_server.url + "/admin/"
    assert complaints == []
