"""What a seller reads of the clocks: all that run, how they were put off, an outage, and a peak."""

from typing import Any

from django.test import Client
from django.utils import timezone

from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations import outage as outages
from refunds.operations import timetable as days
from refunds.operations.extend import extend
from tests.cases import bring
from tests.factories import hours
from tests.people import Api, Cast

from .tools import Asked, url, words


def put_off(request: RefundRequest, cast: Cast, later: int = 12) -> None:
    request.refresh_from_db()
    extend(
        number=request.number,
        user=cast.supervisor,
        until=request.due_at + hours(later),
        note="The mail was down.",
        now=timezone.now(),
    )


def test_the_seller_sees_the_clocks_the_buyer_sees(
    seller: Client, asked: Asked, cast: Cast, api: Api
) -> None:
    request = bring(asked(), State.MANUAL_REVIEW, cast)
    shown = words(seller.get(url(request)))
    assert "Decision by a reviewer" in shown
    assert "First word of a person" in shown
    buyers = api.sign_in(cast.buyer).get(f"/api/v1/refund-requests/{request.number}/").json()["deadlines"]
    assert {clock["kind"] for clock in buyers} == {"review", "first_reply"}


def test_the_seller_reads_how_a_clock_was_put_off_and_not_by_whom(
    seller: Client, asked: Asked, cast: Cast
) -> None:
    request = asked()
    put_off(request, cast)
    shown = words(seller.get(url(request)))
    assert "Seller's answer: put off from" in shown
    assert shown.count("The mail was down.") >= 2  # beside the clock, and in the time-line
    assert cast.supervisor.username not in shown


def test_the_seller_reads_that_an_outage_put_a_clock_off(seller: Client, asked: Asked, cast: Cast) -> None:
    request, now = asked(), timezone.now()
    outage = outages.declare_outage(
        user=cast.supervisor, started_at=now - hours(5), note="Power cut.", now=now
    )
    assert "no deadline is held against anybody" in words(seller.get("/portal/"))
    assert "no deadline is held against anybody" in words(
        Client().get("/portal/login/", headers={"accept-language": "en"})
    )
    later = timezone.now() + hours(1)
    outages.end_outage(outage_id=outage.pk, user=cast.supervisor, ended_at=later, now=later)
    outages.apply_outages(later)
    assert "The platform was out from" in words(seller.get(url(request)))
    assert "Power cut." not in words(seller.get("/portal/"))


def test_a_peak_is_announced_in_the_portal(seller: Client, cast: Cast) -> None:
    now = timezone.now()
    days.announce_peak(
        user=cast.supervisor, starts_at=now + hours(1), ends_at=now + hours(9), percent=150, note="Sale.", now=now
    )  # fmt: skip
    shown = words(seller.get("/portal/"))
    assert "Peak ahead" in shown
    assert "run at 150 % of their length. Sale." in shown


def test_extensions_take_no_more_queries(
    seller: Client, asked: Asked, cast: Cast, django_assert_num_queries: Any
) -> None:
    request = asked()
    for later in (1, 2, 3):
        put_off(request, cast, later)
    seller.get(url(request))
    with django_assert_num_queries(22):
        seller.get(url(request))
