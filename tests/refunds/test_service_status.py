"""What anybody may ask of the service: an outage and a peak, with no token and in one query (requirements E6, E7)."""

from typing import Any

from django.utils import timezone

from marketplace.kernel.serializers import instant
from refunds.announcements import announced
from refunds.operations import outage as outages
from refunds.operations import timetable as days
from tests.factories import hours
from tests.people import Api, Cast

URL = "/api/v1/service-status/"


def announce(cast: Cast, start: float, end: float, note: str = "Sale.") -> Any:
    now = timezone.now()
    return days.announce_peak(
        user=cast.supervisor, starts_at=now + hours(start), ends_at=now + hours(end), percent=150, note=note, now=now
    )  # fmt: skip


def test_nothing_is_announced_on_a_usual_day(cast: Cast, api: Api, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        answer = api.get(URL)
    assert (answer.status_code, answer.json()) == (200, {"outage": None, "peak": None})


def test_an_outage_is_announced_until_its_time_is_given_back(
    cast: Cast, api: Api, django_assert_num_queries: Any
) -> None:
    now = timezone.now()
    outage = outages.declare_outage(
        user=cast.supervisor, started_at=now - hours(2), note="Power cut.", now=now
    )
    announce(cast, 5, 9)
    with django_assert_num_queries(1):
        found = api.get(URL).json()["outage"]
    assert found == {"started_at": instant(outage.started_at), "ended_at": None, "note": "Power cut."}
    outages.end_outage(outage_id=outage.pk, user=cast.supervisor, ended_at=now, now=now)
    assert api.get(URL).json()["outage"]["ended_at"] == instant(now)
    outages.apply_outages(now)
    assert api.get(URL).json()["outage"] is None


def test_an_outage_that_goes_on_speaks_before_one_that_is_over(cast: Cast) -> None:
    now = timezone.now()
    first = outages.declare_outage(user=cast.supervisor, started_at=now - hours(9), note="First.", now=now)
    outages.end_outage(outage_id=first.pk, user=cast.supervisor, ended_at=now - hours(2), now=now)
    outages.declare_outage(user=cast.supervisor, started_at=now - hours(1), note="Second.", now=now)
    found = announced(now).outage
    assert found is not None
    assert found.note == "Second."


def test_the_nearest_peak_is_announced_until_it_ends(cast: Cast, api: Api) -> None:
    announce(cast, 50, 60, "Later.")
    peak = announce(cast, 5, 9)
    assert api.get(URL).json()["peak"] == {
        "starts_at": instant(peak.starts_at),
        "ends_at": instant(peak.ends_at),
        "percent": 150,
        "note": "Sale.",
    }
    at = peak.starts_at
    for now, note, has_begun in (
        (at - hours(1), "Sale.", False),
        (at, "Sale.", True),
        (peak.ends_at, "Later.", False),
        (at + hours(99), None, None),
    ):
        found = announced(now).peak
        assert (found and found.note, found and found.has_begun) == (note, has_begun)


def test_the_status_takes_no_post(cast: Cast, api: Api) -> None:
    assert api.post(URL, {}).status_code == 405
