"""The pages of the clocks in a real browser: quiet, local, no wider than the screen, and worked by hand."""

import pytest
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from refunds.machine import State
from refunds.models import Extension, Outage, RefundRequest
from refunds.operations import outage as outages
from refunds.operations import timetable as days
from tests.browsers import Watched
from tests.cases import make_request
from tests.factories import hours
from tests.people import Cast

from .conftest import url_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(transactional_db: None, cast: Cast) -> RefundRequest:
    """With an outage behind it, another that goes on, and a peak ahead."""
    now = timezone.now()
    request = make_request(cast, state=State.AWAITING_SELLER)
    make_request(cast, state=State.MANUAL_REVIEW, now=now - hours(200))
    first = outages.declare_outage(
        user=cast.supervisor, started_at=now - hours(9), note="Power cut.", now=now
    )
    later = timezone.now()
    outages.end_outage(outage_id=first.pk, user=cast.supervisor, ended_at=later, now=later)
    outages.apply_outages(later)
    outages.declare_outage(
        user=cast.supervisor, started_at=now - hours(1), note="The payment page does not open.", now=now
    )
    days.announce_peak(
        user=cast.supervisor,
        starts_at=timezone.now() + hours(1),
        ends_at=now + hours(99),
        percent=150,
        note="Double eleven.",
        now=timezone.now(),
    )
    days.mark_day(
        user=cast.supervisor, day=timezone.localdate(), is_working=False, note="Notice 7 of the State Council"
    )
    return request


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_the_clocks_are_quiet_local_and_fit(
    width: int,
    scheme: str,
    browser: Browser,
    live_server: LiveServer,
    cast: Cast,
    case: RefundRequest,
) -> None:
    tables = [f"/admin/refunds/{table}/" for table in ("outage", "peak", "calendarday")]
    going_on = Outage.objects.get(ended_at__isnull=True)
    pages = [
        *tables,
        *(f"{table}add/" for table in tables),
        f"{tables[0]}{going_on.pk}/change/",
        "/admin/refunds/deadline/",
        url_of(case),
    ]
    for who, paths in ((cast.supervisor, pages), (cast.seller_user, [f"/portal/cases/{case.number}/"])):
        watched = Watched(
            browser,
            live_server,
            who,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            locale="en",
        )
        for path in paths:
            watched.page.goto(live_server.url + path)
            watched.page.wait_for_load_state("networkidle")
            assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert (watched.complaints, watched.outside) == ([], [])


def test_a_clock_is_put_off_by_hand(
    browser: Browser,
    live_server: LiveServer,
    cast: Cast,
    case: RefundRequest,
) -> None:
    watched = Watched(
        browser, live_server, cast.reviewer, locale="en", viewport={"width": 1440, "height": 900}
    )
    page = watched.page
    page.goto(live_server.url + url_of(case))
    page.focus(".desk-panel-clocks summary")
    page.keyboard.press("Enter")
    page.fill("#extend-until", timezone.localtime(timezone.now() + hours(72)).strftime("%Y-%m-%dT%H:%M"))
    page.fill("#extend-note", "The seller's mail was down.")
    page.click(".desk-panel-clocks button[type=submit]")
    page.wait_for_load_state("networkidle")
    assert "The deadline is put off" in page.content()
    assert Extension.objects.filter(user=cast.reviewer).count() == 1
    assert (watched.complaints, watched.outside) == ([], [])
