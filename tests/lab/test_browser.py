"""The lab in a real browser: asked for on the draft's page, its progress watched, a case that flipped opened."""

import pytest
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from refunds.operations.run_backtests import _take_up, run_backtests
from tests.browsers import Watched
from tests.cases import bring
from tests.judged import reject
from tests.people import Cast
from tests.terms import draft

from .drafts import decided

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_draft_is_tried_and_a_flipped_case_opened(
    width: int, scheme: str, browser: Browser, live_server: LiveServer, cast: Cast
) -> None:
    flipped = decided(cast, 9900)
    reject(bring(flipped, "manual_review", cast), cast.reviewer)
    decided(cast, 4900)
    made = draft(small_below=10_000)
    watched = Watched(
        browser, live_server, cast.supervisor, locale="en", viewport={"width": width, "height": 900},
        color_scheme=scheme,
    )  # fmt: skip
    page = watched.page
    page.goto(f"{live_server.url}/admin/refunds/policydraft/{made.pk}/change/")
    page.locator("summary", has_text="Back-test it").focus()
    if not page.locator("details[open] button:has-text('Back-test it')").count():
        page.keyboard.press("Enter")
    page.locator("details[open] button:has-text('Back-test it')").press("Enter")
    page.wait_for_selector("progress[aria-label='Back-test']")
    _take_up(timezone.now())
    page.wait_for_selector("text=0 of 2 cases")
    run_backtests(timezone.now)
    page.wait_for_selector("text=Of 2 decided cases 1 (50.0 %) would have ended otherwise.")
    page.click(f"text=#{made.backtests.get().pk}")
    page.wait_for_selector("text=By reason")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click(f"a:has-text('{flipped.number}')")
    page.wait_for_load_state("networkidle")
    assert f"/case/{flipped.number}/" in page.url
    assert (watched.complaints, watched.outside) == ([], [])
