"""The portal in a browser: by mouse and by keyboard alone, with no console error and no request outside."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from refunds.machine import State
from refunds.models import Message, RefundRequest
from tests.people import Cast

from .test_signing_in import PASSWORD, give_password
from .tools import Asked

pytestmark = pytest.mark.browser


@pytest.fixture
def page(live_server: LiveServer, browser: Browser) -> Iterator[Page]:
    """A page that reads English; what it must not do fails the test at the end."""
    faults: list[str] = []
    page = browser.new_page(base_url=live_server.url, locale="en-US")
    page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith(live_server.url) else faults.append(sent.url))
    yield page
    assert faults == []


def sign_in(page: Page, cast: Cast) -> None:
    give_password(cast.seller_user)
    page.goto("/portal/")
    page.get_by_label("User name").fill(cast.seller_user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_seller_agrees_and_sees_it_done(page: Page, transactional_db: None, cast: Cast, asked: Asked) -> None:
    request = asked()
    sign_in(page, cast)
    page.get_by_role("link", name="Game card 50").click()
    clock = page.get_by_role("timer")
    assert clock.inner_text().endswith("s left")  # it runs: the server alone says "23 hours left"
    page.get_by_role("link", name="Agree: pay CNY 99.00 back").click()
    page.get_by_role("button", name="Yes, pay CNY 99.00 back").click()
    assert page.get_by_role("status").inner_text().startswith("Done: you agreed")
    page.goto("/portal/?tab=done")
    assert page.get_by_role("link", name="Game card 50").is_visible()
    assert RefundRequest.objects.get(pk=request.pk).state == State.APPROVED


def test_keyboard_alone_signs_in_and_refuses(
    page: Page, transactional_db: None, cast: Cast, asked: Asked
) -> None:
    request = asked()
    give_password(cast.seller_user)
    keys = page.keyboard
    page.goto("/portal/")
    keys.type(cast.seller_user.username)  # the first field has the focus
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    page.get_by_role("heading", name="Refund requests").wait_for()
    tab_to(page, "Game card 50")
    keys.press("Enter")
    page.get_by_role("timer").wait_for()
    tab_to(page, "Refuse with a ground")
    keys.press("Enter")
    keys.press("Tab")
    keys.press("ArrowDown")
    keys.press("Tab")
    keys.type("Redeemed at noon.")
    tab_to(page, "Send the refusal")
    keys.press("Enter")
    page.get_by_role("status").wait_for()
    assert RefundRequest.objects.get(pk=request.pk).state == State.MANUAL_REVIEW


def test_two_quick_presses_send_one_message(
    page: Page, transactional_db: None, cast: Cast, asked: Asked
) -> None:
    request = asked()
    sign_in(page, cast)
    page.goto(f"/portal/cases/{request.number}/")
    page.get_by_role("textbox", name="Message").fill("Which server?")
    page.get_by_role("button", name="Send", exact=True).dblclick()
    page.get_by_role("status").wait_for()
    assert Message.objects.count() == 1


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_runs_out_of_the_page(
    page: Page, transactional_db: None, cast: Cast, asked: Asked, width: int
) -> None:
    request = asked()
    long = {"title": "W" * 120, "page_text": "https://" + "x" * 300, "terms": {}, "sku": "s"}
    type(request.order).objects.filter(pk=request.order_id).update(snapshot=long)
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, cast)
    for path in ("/portal/", f"/portal/cases/{request.number}/", f"/portal/cases/{request.number}/agree/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == width


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called `name`; it must show that it has."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.innerText ?? ''"):
            ring = "getComputedStyle(document.activeElement).outlineStyle !== 'none' || document.activeElement.closest('.row')"
            assert page.evaluate(f"!!({ring})")
            return
    raise AssertionError(f"{name} is not reached by Tab")


def test_keyboard_alone_offers_a_part_and_seals(
    page: Page, transactional_db: None, cast: Cast, asked: Asked
) -> None:
    request = asked()
    sign_in(page, cast)
    page.goto(f"/portal/cases/{request.number}/")
    keys = page.keyboard
    tab_to(page, "Make a sealed offer")
    keys.press("Enter")
    keys.press("Tab")
    keys.type("20.00")
    keys.press("Enter")
    page.get_by_role("status").filter(has_text="Nobody sees its number").wait_for()
    tab_to(page, "Offer a part")
    keys.press("Enter")
    keys.press("Tab")
    keys.type("40.00")
    keys.press("Enter")
    page.get_by_role("status").filter(has_text="Done: your offer is with the buyer").wait_for()
    assert page.get_by_text("A part: CNY 40.00").first.is_visible()
    assert RefundRequest.objects.get(pk=request.pk).state == State.AWAITING_BUYER
