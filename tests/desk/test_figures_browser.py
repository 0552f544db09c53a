"""Figures in a real browser: drawn, and read without seeing them (K2)."""

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from refunds.operations.roll_up import roll_up
from tests.browsers import Watched
from tests.contested import refunded, rejected
from tests.people import Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGE = "/admin/refunds/casefigure/"
# How many colours a canvas holds: a blank one holds one.
COLOURS = """canvas => {
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return new Set(new Uint32Array(data.buffer)).size;
}"""


def colours(page: Page) -> list[int]:
    return [canvas.evaluate(COLOURS) for canvas in page.locator("canvas[data-chart]").element_handles()]


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_drawn_quiet_local_and_fit(
    width: int, scheme: str, browser: Browser, live_server: LiveServer, cast: Cast
) -> None:
    refunded(cast)
    rejected(cast)
    roll_up(timezone.now())
    size = {"width": width, "height": 900}
    watched = Watched(
        browser, live_server, cast.supervisor, viewport=size, color_scheme=scheme, locale="zh-CN"
    )
    page = watched.page
    for path in ("/admin/", PAGE + "?range=7"):
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    drawn = colours(page)
    assert len(drawn) == 7
    assert min(drawn) > 10
    page.set_viewport_size({"width": 1000 if width == 1440 else 600, "height": 900})
    page.wait_for_timeout(300)
    boxes = page.locator(".desk-canvas").evaluate_all("all => all.map(b => b.scrollWidth <= b.clientWidth)")
    assert all(boxes)
    assert (watched.complaints, watched.outside) == ([], [])


def test_the_table_of_a_chart_is_reached_and_opened_by_keyboard(
    browser: Browser, live_server: LiveServer, cast: Cast
) -> None:
    refunded(cast)
    roll_up(timezone.now())
    watched = Watched(
        browser, live_server, cast.supervisor, viewport={"width": 1440, "height": 900}, locale="en"
    )
    page = watched.page
    page.goto(live_server.url + PAGE + "?range=7")
    page.wait_for_load_state("networkidle")
    canvas = page.locator("canvas").first
    assert canvas.get_attribute("role") == "img"
    assert (canvas.get_attribute("aria-label") or "").startswith("Requests filed and closed. 1 filed")
    page.get_by_role("button", name="Show").focus()
    page.keyboard.press("Tab")  # from the form to the first table
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert not page.locator("table").first.is_visible()
    page.keyboard.press("Enter")
    assert page.locator("table").first.is_visible()
    assert page.locator("table").first.locator("tbody tr").count() == 7
    page.keyboard.press("Enter")
    assert not page.locator("table").first.is_visible()
    assert (watched.complaints, watched.outside) == ([], [])


def test_charts_are_drawn_anew_when_the_theme_changes(
    browser: Browser, live_server: LiveServer, cast: Cast
) -> None:
    refunded(cast)
    roll_up(timezone.now())
    watched = Watched(
        browser, live_server, cast.supervisor, viewport={"width": 1440, "height": 900}, locale="en"
    )
    page = watched.page
    page.goto(live_server.url + PAGE + "?range=7")
    page.wait_for_load_state("networkidle")
    picture = "canvas => canvas.toDataURL()"
    light = page.locator("canvas").first.evaluate(picture)
    page.evaluate("document.documentElement.classList.add('dark')")
    page.wait_for_timeout(200)
    assert page.locator("canvas").first.evaluate(picture) != light
    assert (watched.complaints, watched.outside) == ([], [])
