"""Evidence in a real browser: thumbnails load, nothing is wider than a phone, and a file goes in."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from refunds.models import Evidence, RefundRequest
from tests.browsers import Watched
from tests.cases import make_request
from tests.evidence import evidence_folder, give
from tests.people import Cast
from tests.portal.tools import url
from tests.refunds.hostile.parts import pdf, png

from .conftest import url_of

__all__ = ["evidence_folder"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("evidence_folder"),
]
LOADED = (
    "Array.from(document.querySelectorAll('img[src^=\"/evidence/\"]')).map(i => i.complete && i.naturalWidth)"
)
WIDTH = "document.documentElement.scrollWidth"


@pytest.fixture
def case(transactional_db: None, cast: Cast) -> RefundRequest:
    request = make_request(cast, state="manual_review", decided=True)
    other = make_request(cast, state="manual_review")
    give(request, cast.support, png())
    give(request, cast.support, pdf(), kind="payment_proof", side="seller")
    give(other, cast.support, png())
    return request


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("screen", ["desk", "portal"])
def test_case_shows_its_files(
    browser: Browser, live_server: LiveServer, cast: Cast, case: Any, screen: str, width: int, scheme: Any
) -> None:
    who, path = (cast.reviewer, url_of(case)) if screen == "desk" else (cast.seller_user, url(case))
    watched = Watched(
        browser, live_server, who, viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = watched.page
    for place in (path, f"{path}evidence/"):
        page.goto(live_server.url + place)
        page.wait_for_load_state("networkidle")
        assert page.evaluate(WIDTH) <= width
        if place == path:
            thumbnail = page.locator('img[src^="/evidence/"]')
            thumbnail.scroll_into_view_if_needed()
            # It loads once it is in sight, and the network was idle before: that state does not come again.
            expect(thumbnail).to_have_js_property("complete", True)
            assert page.evaluate(LOADED) == [160]
    assert (watched.complaints, watched.outside) == ([], [])


def test_file_is_chosen_and_goes_in(
    browser: Browser, live_server: LiveServer, cast: Cast, case: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png(3))
    for who, path in ((cast.reviewer, url_of(case)), (cast.seller_user, url(case))):
        page = Watched(browser, live_server, who).page
        page.goto(f"{live_server.url}{path}evidence/")
        page.get_by_role("combobox").last.select_option("other")
        page.locator("input[type=file]").set_input_files(tmp_path / "a.png")
        page.locator("form[enctype] button").click()
        page.wait_for_url(f"{live_server.url}{path}*")
    assert list(Evidence.objects.filter(request=case, kind="other").values_list("by", flat=True)) == [
        "buyer",
        "seller",
    ]
