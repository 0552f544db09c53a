"""Lists and conditional reads of the buyer's API: filters, pages, ETag."""

import base64

import pytest
from django.core.cache import cache

from refunds.machine import State
from refunds.operations.say import say_as_staff
from tests.cases import make_request
from tests.evidence import evidence_folder, give
from tests.factories import hours, make_order
from tests.people import Api, Cast

__all__ = ["evidence_folder"]

CASES = "/api/v1/refund-requests/"


@pytest.fixture
def buyer(api: Api, cast: Cast) -> Api:
    return api.sign_in(cast.buyer)


def test_requests_are_found_by_each_filter(buyer: Api, cast: Cast) -> None:
    open_one = make_request(cast, state=State.AWAITING_SELLER, reason="not_as_described")
    closed = make_request(cast, state=State.REJECTED)
    wanted = {
        "state=rejected": [closed],
        "state=withdrawn": [],
        "reason=not_as_described": [open_one],
        "open=true": [open_one],
        "open=false": [closed],
        f"order={closed.order.no}": [closed],
        f"external_no={open_one.order.external_no}": [open_one],
        "open=true&state=rejected": [],
        "": [closed, open_one],
    }
    for query, found in wanted.items():
        rows = buyer.get(f"{CASES}?{query}").json()["results"]
        assert [row["number"] for row in rows] == [each.number for each in found], query


def test_filters_stay_within_the_buyers_own(api: Api, cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    stranger = api.sign_in(cast.stranger)
    for query in (f"order={request.order.no}", f"external_no={request.order.external_no}", "open=true"):
        assert stranger.get(f"{CASES}?{query}").json()["results"] == []
    assert stranger.get(f"/api/v1/orders/?external_no={request.order.external_no}").json()["results"] == []


def test_orders_are_found_by_the_shops_number(buyer: Api, cast: Cast) -> None:
    orders = [make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller) for _n in range(2)]
    rows = buyer.get(f"/api/v1/orders/?external_no={orders[0].external_no}").json()["results"]
    assert [row["no"] for row in rows] == [orders[0].no]


def _cursor(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("path", "query", "pointer"),
    [
        (CASES, "state=lost", "/state"),
        (CASES, "state=", "/state"),
        (CASES, "reason=because", "/reason"),
        (CASES, "open=yes", "/open"),
        (CASES, "open=1", "/open"),
        (CASES, "colour=red", "/colour"),
        (CASES, "state=rejected&state=approved", "/state"),
        (CASES, "page_size=many", "/page_size"),
        (CASES, "page_size=0", "/page_size"),
        (CASES, "page_size=-1", "/page_size"),
        (CASES, "cursor=nonsense", "/cursor"),
        (CASES, f"cursor={_cursor('p=abc')}", "/cursor"),
        (CASES, f"cursor={_cursor('p=' + '9' * 30)}", "/cursor"),
        (CASES, f"order={'x' * 21}", "/order"),
        (CASES, "order=%00", "/order"),
        ("/api/v1/orders/", "goods_type=socks", "/goods_type"),
        ("/api/v1/orders/", f"external_no={'x' * 129}", "/external_no"),
        ("/api/v1/notifications/", "unread=perhaps", "/unread"),
    ],
)
def test_wrong_query_is_refused_by_pointer(buyer: Api, path: str, query: str, pointer: str) -> None:
    refused = buyer.get(f"{path}?{query}")
    assert (refused.status_code, refused.json()["code"]) == (400, "validation_error")
    assert refused["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


def test_unchanged_case_is_not_sent_again(buyer: Api, cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    path = f"{CASES}{request.number}/"
    read = buyer.get(path)
    assert (read["Cache-Control"], read["ETag"][0], read["ETag"][-1]) == ("private, no-cache", '"', '"')
    for had in (read["ETag"], f'"other", {read["ETag"]}', f"W/{read['ETag']}", "*"):
        again = buyer.get(path, headers={"If-None-Match": had})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", read["ETag"])
    assert buyer.get(path, headers={"If-None-Match": '"other"'}).json() == read.json()


def test_whatever_changes_in_a_case_changes_its_tag(buyer: Api, cast: Cast, evidence_folder: None) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    path = f"{CASES}{request.number}/"
    tags = [buyer.get(path)["ETag"]]

    def note(changed: bool) -> None:
        tag = buyer.get(path)["ETag"]
        assert (tag != tags[-1]) == changed
        tags.append(tag)

    say_as_staff(
        number=request.number, user=cast.support, text="Doubtful.", now=request.filed_at, is_internal=True
    )
    note(changed=False)  # nothing of it is the buyer's to read
    say_as_staff(number=request.number, user=cast.support, text="We look into it.", now=request.filed_at)
    note(changed=True)
    give(request, cast.support)
    note(changed=True)
    buyer.post(f"{path}withdraw/", {})
    note(changed=True)


def test_tag_of_one_language_is_not_the_others(buyer: Api, cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER, decided=True)
    path = f"{CASES}{request.number}/"
    tags = {buyer.get(path, headers={"Accept-Language": each})["ETag"] for each in ("en", "zh-hans")}
    assert len(tags) == 2


def test_strangers_tag_is_no_key_to_a_case(api: Api, buyer: Api, cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    path = f"{CASES}{request.number}/"
    tag = buyer.get(path)["ETag"]
    cache.clear()
    foreign = api.sign_in(cast.stranger).get(path, headers={"If-None-Match": tag})
    unknown = api.sign_in(cast.stranger).get(f"{CASES}RF000000AAAAAAAA/", headers={"If-None-Match": tag})
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content


def test_link_in_a_case_opens_its_file(api: Api, buyer: Api, cast: Cast, evidence_folder: None) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, events=[("delivered", hours(-3))])
    give(request, cast.support)
    [file] = buyer.get(f"{CASES}{request.number}/").json()["evidence"]
    assert api.get(file["url"]).status_code == 200
