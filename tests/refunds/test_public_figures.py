"""Times and rates by type of goods, for anybody to read (J1)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from refunds.machine import State
from refunds.operations.roll_up import roll_up
from refunds.policy import GOODS_TYPES
from refunds.public_figures import DAYS, FLOOR
from tests.cases import bring, make_request
from tests.factories import days, hours
from tests.judged import approve, reject
from tests.people import Api, Cast

PATH = "/api/v1/figures/"


def decided(cast: Cast, number: int, at: datetime, *, for_the_buyer: int, **order: Any) -> None:
    for n in range(number):
        request = make_request(cast, state=State.MANUAL_REVIEW, now=at, **order)
        (approve if n < for_the_buyer else reject)(request, cast.reviewer, now=at + hours(5))
        if n < for_the_buyer:
            request.refresh_from_db()
            bring(request, State.REFUNDED, cast, now=at + hours(9))


def of_goods(api: Api, goods: str = "card_code") -> dict[str, Any]:
    rows: list[dict[str, Any]] = api.get(PATH, headers={"Accept-Language": "en"}).json()["results"]
    return next(row for row in rows if row["goods_type"] == goods)


def test_figures_are_what_happened(api: Api, cast: Cast, django_assert_num_queries: Any) -> None:
    decided(cast, FLOOR + 4, timezone.now() - days(3), for_the_buyer=FLOOR)
    roll_up(timezone.now())
    with django_assert_num_queries(1):
        read = api.get(PATH)
    assert [row["goods_type"] for row in read.json()["results"]] == list(GOODS_TYPES)
    row = of_goods(api)
    assert (row["name"], row["cases"]) == ("Game card code", FLOOR + 4)
    assert row["success_rate"] == round(FLOOR / (FLOOR + 4), 4)
    assert row["median_decision_hours"] == pytest.approx(5, rel=0.1)
    assert row["median_payment_hours"] == pytest.approx(9, rel=0.1)


def test_few_cases_are_not_told(api: Api, cast: Cast) -> None:
    decided(cast, FLOOR - 1, timezone.now() - days(3), for_the_buyer=FLOOR - 1)
    decided(cast, FLOOR, timezone.now() - days(3), for_the_buyer=1, goods_type="account")
    roll_up(timezone.now())
    nothing = dict.fromkeys(("cases", "success_rate", "median_decision_hours", "median_payment_hours"))
    assert of_goods(api) == {"goods_type": "card_code", "name": "Game card code", **nothing}
    assert of_goods(api, "account")["cases"] == FLOOR
    assert of_goods(api, "account")["median_payment_hours"] is None  # one arrival


def test_today_and_what_is_long_past_are_left_out(api: Api, cast: Cast) -> None:
    for at in (timezone.now() - hours(6), timezone.now() - days(DAYS + 2)):
        decided(cast, FLOOR, at, for_the_buyer=0)
    roll_up(timezone.now())
    found = of_goods(api)["cases"]
    read = api.get(PATH).json()
    assert datetime.fromisoformat(read["until"]) - datetime.fromisoformat(read["since"]) == timedelta(
        days=DAYS - 1
    )
    assert found in (None, FLOOR)  # just after midnight six hours ago was yesterday
    cache.clear()


def test_it_is_cached_and_asked_for_again_by_its_tag(
    api: Api, cast: Cast, django_assert_num_queries: Any
) -> None:
    read = api.get(PATH)
    assert read["Cache-Control"] == "public, max-age=600"
    with django_assert_num_queries(0):
        assert api.get(PATH, headers={"If-None-Match": read["ETag"]}).status_code == 304
