"""A real browser for the pages: one Chromium for all tests of a process, and a page that tells what it complained of."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from .groups import chromium


@pytest.fixture(scope="session")
def _chromium() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # The driver runs a loop in this thread, which Django takes for asynchronous code.
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        opened = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()


@pytest.fixture
def browser(_chromium: Browser) -> Iterator[Browser]:
    """Chromium; what a test opens in it has cookies and storage of its own and is closed behind it."""
    yield _chromium
    for context in _chromium.contexts:
        context.close()


class Watched:
    """A page signed in as `user`, with all it complained of and all it asked of other hosts."""

    def __init__(self, browser: Browser, server: LiveServer, user: Any, **options: Any) -> None:
        from django.test import Client

        client = Client()
        client.force_login(user, backend="marketplace.identity.backends.RoleBackend")
        self.context = browser.new_context(**options)
        cookie = {
            "name": settings.SESSION_COOKIE_NAME,
            "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
        }
        self.context.add_cookies([{**cookie, "url": server.url}])  # type: ignore[typeddict-item]
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.outside: list[str] = []
        self.page.on(
            "console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "request",
            lambda r: None if r.url.startswith((server.url, "data:")) else self.outside.append(r.url),
        )
