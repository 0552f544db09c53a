"""Known answers, a trial and reviewers' figures in a real browser: quiet, local, and no wider than the screen."""

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from refunds.models import TrialAnswer
from refunds.operations import draw_trial
from tests.browsers import Watched
from tests.cases import make_request
from tests.judged import reject
from tests.known import known
from tests.people import Cast

from .conftest import QUEUE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = Path(settings.DATA_DIR) / "trial-shots"


@pytest.mark.parametrize("width", [1440, 390])
def test_a_reviewer_decides_a_trial_unawares_and_is_told(
    width: int, browser: Browser, live_server: LiveServer, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From “Next case” to the agreed reasons; then a supervisor looks at the answer and the figures."""
    monkeypatch.setattr(draw_trial, "APART", 0)
    monkeypatch.setattr(draw_trial.trial_instead, "__kwdefaults__", {"chance": lambda: 0.0})
    marked, screen = known(cast), {"width": width, "height": 900}
    reject(make_request(cast, state="manual_review"), cast.second_reviewer, deviation="x")
    make_request(cast, state="manual_review", decided=True)
    SHOTS.mkdir(exist_ok=True, parents=True)

    watched = Watched(browser, live_server, cast.second_reviewer, viewport=screen, locale="en-GB")
    page = watched.page
    page.goto(f"{live_server.url}{QUEUE}?queue=unassigned", wait_until="networkidle")
    page.get_by_role("button", name="Next case").first.click()
    page.wait_for_url("**/case/**")
    assert marked.request.number not in page.url
    assert "known-answer" not in page.content()
    page.screenshot(path=SHOTS / f"trial-{width}.png", full_page=True)
    form = page.locator('details:has(input[value="reject"])').first
    form.locator("summary").first.click()
    form.locator("[name=clause]").fill("B3")
    form.locator("[name=fault]").select_option("buyer")
    form.locator("[name=note]").fill("The log shows its use.")
    form.locator("button[type=submit]").last.click()
    page.get_by_role("heading", name="This was a known-answer case").wait_for()
    assert "As agreed" in page.content()
    page.screenshot(path=SHOTS / f"told-{width}.png", full_page=True)
    assert TrialAnswer.objects.get().outcome == "reject"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (watched.complaints, watched.outside) == ([], [])
    watched.context.close()

    watched = Watched(browser, live_server, cast.supervisor, viewport=screen, locale="zh-CN")
    for name, path in (
        ("known", "/admin/refunds/knownanswer/"),
        ("row", f"/admin/refunds/knownanswer/{marked.pk}/change/"),
        ("add", "/admin/refunds/knownanswer/add/"),
        ("figures", "/admin/refunds/judgement/"),
        ("person", f"/admin/refunds/judgement/{cast.second_reviewer.pk}/"),
    ):
        watched.page.goto(live_server.url + path, wait_until="networkidle")
        watched.page.screenshot(path=SHOTS / f"{name}-{width}.png", full_page=True)
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert (watched.complaints, watched.outside) == ([], [])
    watched.context.close()
