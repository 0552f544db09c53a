"""The buyer's calls as a front end makes them."""

from typing import Any

import pytest
from django.utils import timezone

from marketplace.identity.models import BuyerSession
from marketplace.kernel.models import IdempotencyKey
from marketplace.orders.models import UnitEvent
from refunds.machine import State
from tests.cases import file, make_request, work
from tests.factories import hours, make_order
from tests.people import Api, Cast


@pytest.fixture
def buyer(api: Api, cast: Cast) -> Api:
    return api.sign_in(cast.buyer)


@pytest.fixture
def order(cast: Cast) -> Any:
    events = [("delivered", hours(-3))]
    return make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900, quantity=2, events=events
    )


def test_signing_in_by_email(api: Api, cast: Cast) -> None:
    cast.buyer.set_password("correct horse battery")
    cast.buyer.save()
    wrong = api.post("/api/v1/auth/login/", {"email": cast.buyer.email, "password": "x"}, key=None)
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_credentials")
    body = {"email": cast.buyer.email.upper(), "password": "correct horse battery"}
    token = api.post("/api/v1/auth/login/", body, key=None).json()["token"]
    assert api.get("/api/v1/orders/", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 200


def test_revoked_session_is_refused(api: Api, cast: Cast, buyer: Api) -> None:
    from django.core.cache import cache

    assert buyer.get("/api/v1/orders/").status_code == 200
    BuyerSession.objects.update(revoked_at=timezone.now())
    cache.clear()  # at the latest REVOCATION_SECONDS later
    assert buyer.get("/api/v1/orders/").status_code == 401


def test_signed_out_visitor_sees_nothing(api: Api, order: Any) -> None:
    for path in ("/api/v1/orders/", f"/api/v1/orders/{order.no}/", "/api/v1/refund-requests/"):
        assert api.get(path).status_code == 401


def test_orders_show_what_was_bought_and_never_a_code(buyer: Api, order: Any) -> None:
    listed = buyer.get("/api/v1/orders/").json()
    assert [row["no"] for row in listed["results"]] == [order.no]
    read = buyer.get(f"/api/v1/orders/{order.no}/").json()
    assert read == listed["results"][0]
    assert [unit["ref"] for unit in read["units"]] == ["1", "2"]
    assert "CARD-" not in str(read)
    assert (
        buyer.get(f"/api/v1/orders/?external_no={order.external_no}").json()["results"][0]["no"] == order.no
    )
    assert buyer.get("/api/v1/orders/?external_no=other").json()["results"] == []


def test_reveal_shows_the_code_and_is_recorded_once(buyer: Api, order: Any) -> None:
    path = f"/api/v1/orders/{order.no}/units/1/reveal/"
    first = buyer.post(path, key="one", HTTP_USER_AGENT="phone")
    assert first.json()["code"] == f"CARD-{order.no}-1"
    assert first["Cache-Control"] == "no-store"
    again, replayed = buyer.post(path), buyer.post(path, key="one")
    assert again.json() == first.json() == replayed.json()
    assert replayed["Idempotent-Replayed"] == "true"
    event = UnitEvent.objects.get(type="revealed")
    assert (event.data["ip"], event.data["device"]) == ("127.0.0.1", "phone")
    assert not any("CARD-" in str(kept.answer) for kept in IdempotencyKey.objects.all())


def test_nothing_is_revealed_before_delivery(buyer: Api, cast: Cast) -> None:
    order = make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller)
    refused = buyer.post(f"/api/v1/orders/{order.no}/units/1/reveal/")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_reveal")
    assert not UnitEvent.objects.exists()


def test_revealing_turns_one_click_off(buyer: Api, cast: Cast) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=4900, events=[("delivered", hours(-3))]
    )
    path = f"/api/v1/orders/{order.no}/refund-eligibility/?reason=not_activated"
    assert buyer.get(path).json()["one_click"] is True
    buyer.post(f"/api/v1/orders/{order.no}/units/1/reveal/")
    after = buyer.get(path).json()
    assert (after["one_click"], after["outcome"]) == (False, "ask_seller")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_preview_explains_every_rule_in_the_readers_language(buyer: Api, order: Any, language: str) -> None:
    path = f"/api/v1/orders/{order.no}/refund-eligibility/?reason=other"
    preview = buyer.get(path, headers={"Accept-Language": language}).json()
    assert preview["outcome"] == "review"
    assert preview["warning"]
    for finding in preview["findings"]:
        assert set(finding) == {"rule", "result", "clause", "facts", "text"}
        assert any("\u4e00" <= c <= "\u9fff" for c in finding["text"]) == (language == "zh-hans")


def test_preview_of_some_units(buyer: Api, order: Any) -> None:
    preview = buyer.get(f"/api/v1/orders/{order.no}/refund-eligibility/?reason=no_fault&units=2").json()
    assert (preview["outcome"], preview["one_click"], preview["amount"]["amount"]) == ("approve", True, 4950)


def test_units_can_be_filed_one_by_one(buyer: Api, order: Any) -> None:
    for ref in ("1", "2"):
        body = {"order": order.no, "reason": "invalid_code", "units": [ref]}
        filed = buyer.post("/api/v1/refund-requests/", body)
        assert (filed.status_code, filed.json()["amount"]["amount"]) == (201, 4950)
    whole = buyer.post("/api/v1/refund-requests/", {"order": order.no, "reason": "invalid_code"})
    assert whole.status_code == 409


def test_what_was_refunded_cannot_be_asked_for_again(buyer: Api, order: Any) -> None:
    body = {"order": order.no, "reason": "not_activated", "units": ["1"]}
    buyer.post("/api/v1/refund-requests/", body)
    work()
    again = buyer.post("/api/v1/refund-requests/", body)
    assert (again.status_code, again.json()["code"]) == (422, "not_refundable")
    rest = buyer.post("/api/v1/refund-requests/", {**body, "units": ["2"]})
    assert rest.status_code == 201


def test_case_carries_deadline_timeline_and_refund(api: Api, cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    read = api.sign_in(cast.buyer).get(f"/api/v1/refund-requests/{request.number}/").json()
    assert read["deadlines"][0]["kind"] == "seller_reply"
    assert [move["event"] for move in read["timeline"]] == ["file", "precheck", "policy_ask_seller"]
    assert read["refund"] is None
    assert all(time.endswith("+08:00") for time in (read["filed_at"], read["deadlines"][0]["due_at"]))


def test_money_on_its_way_names_channel_and_day(api: Api, cast: Cast) -> None:
    request = make_request(cast, state=State.APPROVED, channel="card")
    refund = api.sign_in(cast.buyer).get(f"/api/v1/refund-requests/{request.number}/").json()["refund"]
    assert (refund["state"], refund["channel"]) == ("queued", "card")
    assert refund["expected_by"] > timezone.localtime().isoformat()


def test_list_pages_by_cursor_and_filters_by_state(api: Api, cast: Cast, buyer: Api) -> None:
    numbers = [make_request(cast).number for _each in range(5)]
    page = buyer.get("/api/v1/refund-requests/?page_size=2").json()
    seen = [row["number"] for row in page["results"]]
    while page["next"]:
        page = buyer.get(page["next"]).json()
        seen += [row["number"] for row in page["results"]]
    assert seen == numbers[::-1]
    assert buyer.get("/api/v1/refund-requests/?state=rejected").json()["results"] == []
    assert api.sign_in(cast.stranger).get("/api/v1/refund-requests/").json()["results"] == []


def test_reading_a_page_costs_the_same_for_one_and_for_many(
    cast: Cast, buyer: Api, django_assert_num_queries: Any
) -> None:
    for _each in range(6):
        make_request(cast, state=State.AWAITING_SELLER)
    buyer.get("/api/v1/refund-requests/")  # the session is looked up once, then cached
    with django_assert_num_queries(13):
        buyer.get("/api/v1/refund-requests/?page_size=1")
    with django_assert_num_queries(13):
        buyer.get("/api/v1/refund-requests/")


def test_risk_signals_are_not_told_to_the_buyer(api: Api, cast: Cast, order: Any) -> None:
    from marketplace.risk.models import Signal

    Signal.objects.create(buyer=cast.buyer, kind=Signal.Kind.FORGED_EVIDENCE, note="doubt")
    file(order, reason="not_activated")
    preview = api.sign_in(cast.buyer).get("/api/v1/refund-requests/").content.decode()
    assert "forged" not in preview
