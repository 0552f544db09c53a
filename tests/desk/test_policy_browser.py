"""From an idea to a published version, by keyboard and mouse in a real browser."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from marketplace.identity.roles import Role
from refunds.models import PolicyDraft, PolicyVersion
from tests.browsers import Watched
from tests.factories import StaffFactory, days
from tests.people import Cast
from tests.terms import draft, editor, publish, try_on_decided_cases

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDE = {"width": 1440, "height": 900}


def test_rules_are_edited_mended_submitted_and_published_by_another(
    browser: Browser, live_server: LiveServer, cast: Cast
) -> None:
    writer = Watched(browser, live_server, editor(), locale="en", viewport=WIDE)
    page = writer.page
    page.goto(f"{live_server.url}/admin/refunds/policyversion/")
    page.click("tr:has-text('Game card code') button:has-text('Begin a draft')")
    page.fill("[name=title]", "Sellers answer sooner")
    page.fill("[name=why]", "Most cases are clear within half a day.")
    page.fill("[name='clocks.seller_reply_hours']", "twelve")
    page.locator("#draft-preview :text('is no whole number')").wait_for()  # while it is typed
    assert "Not saved yet." in page.inner_text("#draft-preview")
    page.click("text=Save the draft")
    page.wait_for_load_state("networkidle")
    assert "“twelve” is no whole number" in page.inner_text(".desk-field-wrong")
    assert page.input_value("[name=title]") == "Sellers answer sooner"
    assert [text for text in writer.complaints if "422" not in text] == []

    writer.complaints.clear()
    page.fill("[name='clocks.seller_reply_hours']", "12")
    page.locator("#draft-preview :text('24 h → 12 h')").wait_for()
    page.keyboard.press("Enter")  # saves
    page.locator("#main").get_by_text("Nobody but staff sees it yet.").wait_for()
    page.click("details[open] button:has-text('Submit it')")
    page.locator("#main").get_by_text("Another person may publish it now.").wait_for()
    assert page.locator("button:has-text('Publish it')").count() == 0
    address = page.url

    second = Watched(
        browser, live_server, StaffFactory.create(role=Role.SUPERVISOR), locale="en", viewport=WIDE
    )
    try_on_decided_cases(PolicyDraft.objects.get())
    second.page.goto(address)
    assert "Kinder to the buyer" in second.page.inner_text("#draft-preview")
    second.page.click("details[open] button:has-text('Publish it')")
    second.page.locator("#main").get_by_text("It is announced from now on.").wait_for()
    version = PolicyVersion.objects.get(goods_type="card_code", version=2)
    assert version.terms["clocks"]["seller_reply_hours"] == 12
    assert version.in_force_at - version.published_at >= timedelta(days=7)
    assert PolicyDraft.objects.get().state == "published"
    for watched in (writer, second):
        assert (watched.complaints, watched.outside) == ([], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_of_the_rules_are_quiet_local_and_fit(
    width: int, scheme: str, browser: Browser, live_server: LiveServer, cast: Cast
) -> None:
    version = publish(at=days(9), small_below=10_000)
    row = draft("account", small_below=10_000)
    watched = Watched(
        browser,
        live_server,
        row.changed_by,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        locale="zh-CN",
    )
    for path in (
        "/admin/refunds/policyversion/",
        f"/admin/refunds/policyversion/{version.pk}/change/",
        "/admin/refunds/policydraft/",
        f"/admin/refunds/policydraft/{row.pk}/change/",
    ):
        watched.page.goto(live_server.url + path)
        watched.page.wait_for_load_state("networkidle")
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert (watched.complaints, watched.outside) == ([], [])
