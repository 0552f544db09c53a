"""Appeals, panels and demands in a real browser: quiet, local, and no wider than the screen."""

from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.browsers import Watched
from tests.cases import make_request
from tests.contested import arbiter, buyer_appeals, cast_vote, refunded, rejected, seat, seller_appeals
from tests.people import Cast

from .conftest import url_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("width", [1440, 390])
def test_what_is_contested_is_quiet_local_and_fits(
    width: int, browser: Browser, live_server: LiveServer, cast: Cast
) -> None:
    mine = seller_appeals(refunded(cast), cast.seller_user)
    theirs = buyer_appeals(rejected(cast))
    ruled, people = make_request(cast, state="arbitration", decided=True), [arbiter() for _ in range(3)]
    seat(cast, ruled, *people)
    cast_vote(ruled, people[0], 5000)
    pages = [
        ("list", "/admin/refunds/appeal/", cast.supervisor),
        ("buyers", reverse("admin:refunds_appeal_change", args=[theirs.pk]), cast.supervisor),
        ("sellers", reverse("admin:refunds_appeal_change", args=[mine.pk]), cast.supervisor),
        ("panel", url_of(ruled), cast.supervisor),
        ("vote", url_of(ruled), people[1]),
        ("ask", url_of(make_request(cast, state="manual_review", decided=True)), cast.reviewer),
        ("portal", f"/portal/cases/{mine.request.number}/", cast.seller_user),
    ]
    for name, path, user in pages:
        watched = Watched(
            browser, live_server, user, viewport={"width": width, "height": 900}, locale="en-GB"
        )
        watched.page.goto(live_server.url + path, wait_until="networkidle")
        opened = {"vote": "vote_for_buyer", "ask": "ask_evidence"}.get(name)
        if opened:
            watched.page.locator(f'details:has(input[value="{opened}"]) summary').first.click()
        wide = watched.page.evaluate("document.documentElement.scrollWidth")
        SHOTS.mkdir(exist_ok=True, parents=True)
        watched.page.screenshot(path=SHOTS / f"{name}-{width}.png", full_page=True)
        assert (watched.complaints, watched.outside) == ([], []), name
        assert wide <= width, name
        watched.context.close()


SHOTS = Path(settings.DATA_DIR) / "contest-shots"
