"""Many cases decided without leaving the keyboard: ticked, looked at, confirmed, read (requirements K1, K5)."""

import pytest
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from refunds.models import BulkRun, RefundRequest
from refunds.operations.bulk import run_bulk
from tests.browsers import Watched
from tests.cases import make_request
from tests.people import Cast

from .conftest import QUEUE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_cases_are_ticked_looked_at_decided_and_the_result_read(
    browser: Browser, live_server: LiveServer, cast: Cast, width: int, scheme: str
) -> None:
    cases = [make_request(cast, state="manual_review") for _ in range(4)]
    seller = make_request(cast, state="awaiting_seller")
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "locale": "en"}
    watched = Watched(browser, live_server, cast.supervisor, **options)
    page = watched.page
    page.goto(f"{live_server.url}{QUEUE}?queue=all")
    boxes = page.locator("input.action-select")
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    assert page.locator("input.action-select:checked").count() == 3
    page.locator("#result_list tbody").nth(3).locator("a").first.focus()
    page.keyboard.press("x")
    assert page.locator("input.action-select:checked").count() == 4
    page.select_option("#desk-action", "bulk_approve")
    page.click("#changelist-actions button")
    page.select_option("[name=fault]", "seller")
    page.fill("[name=note]", "Checked.")
    page.click("text=See what would happen")
    page.wait_for_selector("text=Looked at, nothing done")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert set(RefundRequest.objects.values_list("state", flat=True)) == {"manual_review", "awaiting_seller"}
    page.click("text=Approve in full: 3 cases")
    page.wait_for_selector("text=1 of 4 cases are over.")
    run_bulk(BulkRun.objects.get().pk, timezone.now())  # what the worker does
    page.wait_for_selector("text=Tick the refused ones again")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with page.expect_download() as download:
        page.click("text=CSV")
    assert seller.number in download.value.path().read_text("utf-8-sig")
    assert RefundRequest.objects.filter(state="approved").count() == 3
    assert len(cases) == 4
    assert (watched.complaints, watched.outside) == ([], [])


@pytest.mark.parametrize("width", [1440, 390])
def test_view_is_kept_opened_and_its_list_taken_out(
    browser: Browser, live_server: LiveServer, cast: Cast, width: int
) -> None:
    case = make_request(cast, state="manual_review")
    watched = Watched(
        browser, live_server, cast.supervisor, locale="zh-CN", viewport={"width": width, "height": 900}
    )
    page = watched.page
    page.goto(f"{live_server.url}{QUEUE}?queue=review&reason__exact=invalid_code")
    page.click(".desk-keep summary")
    page.fill("#view-name", "卡密无效")
    page.press("#view-name", "Enter")
    page.wait_for_selector(".desk-views .desk-shown")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with page.expect_download() as download:
        page.click(".desk-export button[value=csv]")
    assert case.number in download.value.path().read_text("utf-8-sig")
    assert (watched.complaints, watched.outside) == ([], [])
