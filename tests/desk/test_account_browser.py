"""The second factor in a real browser: set up, asked for at the sign-in, and asked for again by a payout."""

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from marketplace.identity import totp
from marketplace.identity.models import SecondFactor
from marketplace.payments.models import Payout
from tests.desk_people import PASSWORD, code, make_stale, with_password
from tests.people import Cast

from .test_payouts import ACCOUNT, make_failed, page_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class Person:
    """A browser nobody is signed in to yet, with all it complained of and all it asked of other hosts."""

    def __init__(self, browser: Browser, server: LiveServer) -> None:
        self.base = server.url
        self.page: Page = browser.new_context(locale="en", viewport={"width": 390, "height": 844}).new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda m: self._hear(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "request", lambda r: None if r.url.startswith((self.base, "data:")) else self._hear(r.url)
        )

    def _hear(self, text: str) -> None:
        if "422" not in text:  # the status of a refused form, which Chromium logs
            self.complaints.append(text)

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 390, path

    def sign_in(self, username: str) -> None:
        self.go("/admin/login/")
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", PASSWORD)
        self.press()

    def press(self, button: str = "[type=submit]") -> None:
        with self.page.expect_navigation():
            self.page.click(button)


def test_second_factor_from_setting_it_up_to_a_payout(
    browser: Browser, live_server: LiveServer, cast: Cast
) -> None:
    user, transfer = with_password(cast.finance), make_failed(cast)
    person = Person(browser, live_server)
    page = person.page
    person.sign_in(user.username)
    page.click("text=Set up a second factor")
    person.press("button:has-text('Begin')")
    shown = page.inner_text(".desk-key").replace(" ", "")
    page.fill("#confirm-code", totp.code_at(shown, timezone.now()))
    person.press("button:has-text('Confirm')")
    recovery = page.locator(".desk-codes li").all_inner_texts()
    assert len(recovery) == 10
    person.press("text=I have kept them")
    assert page.url == f"{person.base}/admin/"

    page.context.clear_cookies()
    person.sign_in(user.username)
    assert page.url.endswith("/admin/login/code/")
    page.fill("[name=proof]", "000000")
    person.press()
    assert "This code is not right" in page.content()
    page.fill("[name=proof]", code(user))
    person.press()
    assert page.url == f"{person.base}/admin/"

    page.context.clear_cookies()
    person.sign_in(user.username)
    page.fill("[name=proof]", recovery[0])
    person.press()
    assert page.url == f"{person.base}/admin/"

    make_stale(user)
    person.go(page_of(transfer))
    page.fill("#propose-name", "张三")
    page.fill("#propose-bank", "招商银行")
    page.fill("#propose-account", ACCOUNT)
    page.fill("#propose-note", "The card is closed.")
    page.fill("#propose-proof", "000000")
    person.press("details[open] button[type=submit]")
    assert page.input_value("#propose-account") == ACCOUNT
    assert not Payout.objects.exists()
    SecondFactor.objects.update(last_step=0)  # half a minute later
    page.fill("#propose-proof", code(user))
    person.press("details[open] button[type=submit]")
    assert "Proposed." in page.content()
    assert Payout.objects.get().proposed_by == user
    person.go("/admin/account/")
    assert "Chrome" in page.inner_text(".desk-sessions")
    assert person.complaints == []
