"""The main job over the real API: a buyer asks, the policy decides, money goes back, the books balance."""

import pytest

from marketplace.ledger.queries import balance
from marketplace.payments.models import Capture, Transfer
from refunds.models import Decision, RefundRequest, Transition
from refunds.operations.decide import precheck
from tests.cases import work
from tests.factories import days, hours, make_order
from tests.people import Api, Cast


@pytest.fixture
def buyer(api: Api, cast: Cast) -> Api:
    return api.sign_in(cast.buyer)


def small_order(cast: Cast, **kwargs: object):
    defaults = {
        "total": 4900,
        "events": [("delivered", hours(-3))],
        "paid": hours(-3),
        "completed": hours(-3),
    }
    return make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller, **{**defaults, **kwargs})


def test_small_unused_order_is_paid_back_without_a_person(buyer: Api, cast: Cast) -> None:
    order = small_order(cast)
    filed = buyer.post("/api/v1/refund-requests/", {"order": order.no, "reason": "not_activated"})
    assert filed.status_code == 201, filed.json()
    body = filed.json()
    assert body["state"] == "submitted"
    assert body["decision"] is None
    work()
    after = buyer.get(f"/api/v1/refund-requests/{body['number']}/").json()
    assert after["state"] == "refunded"
    assert after["decision"]["outcome"] == "approve"
    assert after["decision"]["policy"] == "card_code@1"
    assert after["refund"]["state"] == "succeeded"
    assert [move["to"] for move in after["timeline"]] == [
        "submitted", "prechecking", "approved", "refunding", "refunded",
    ]  # fmt: skip
    assert Capture.objects.get().claimed == 4900
    assert balance("escrow", cast.seller.code, "CNY") == 0
    assert balance("clearing", "alipay", "CNY") == 0


def test_one_click_refunds_with_no_form(buyer: Api, cast: Cast) -> None:
    order = small_order(cast)
    filed = buyer.post(f"/api/v1/orders/{order.no}/one-click-refund/")
    assert filed.status_code == 201, filed.json()
    work()
    assert RefundRequest.objects.get().state == "refunded"


def test_one_click_on_a_seen_code_is_refused_with_findings(buyer: Api, cast: Cast) -> None:
    order = small_order(cast, events=[("delivered", hours(-3)), ("revealed", hours(-2))])
    refused = buyer.post(f"/api/v1/orders/{order.no}/one-click-refund/")
    assert refused.status_code == 422
    assert refused.json()["code"] == "not_one_click"
    assert any(f["rule"] == "usage" and f["result"] != "met" for f in refused.json()["findings"])
    assert not RefundRequest.objects.exists()


def test_late_request_is_rejected_with_clause_and_date(buyer: Api, cast: Cast) -> None:
    order = small_order(cast, paid=days(-20), completed=days(-20), events=[("delivered", days(-20))])
    number = buyer.post("/api/v1/refund-requests/", {"order": order.no, "reason": "not_activated"}).json()[
        "number"
    ]
    work()
    body = buyer.get(f"/api/v1/refund-requests/{number}/").json()
    assert body["state"] == "rejected"
    window = next(f for f in body["decision"]["findings"] if f["rule"] == "window")
    assert (window["result"], window["clause"]) == ("unmet", "B6")
    assert window["facts"]["closes_at"]
    assert not Transfer.objects.exists()


def test_second_request_for_the_same_unit_is_refused_with_the_first_number(buyer: Api, cast: Cast) -> None:
    order = small_order(cast)
    body = {"order": order.no, "reason": "not_activated"}
    first = buyer.post("/api/v1/refund-requests/", body).json()["number"]
    second = buyer.post("/api/v1/refund-requests/", body)
    assert (second.status_code, second.json()["code"]) == (409, "open_request_exists")
    assert second.json()["number"] == first
    assert RefundRequest.objects.count() == 1


def test_replay_gives_the_first_answer(buyer: Api, cast: Cast) -> None:
    order = small_order(cast)
    body = {"order": order.no, "reason": "not_activated"}
    first = buyer.post("/api/v1/refund-requests/", body, key="k1")
    work()
    again = buyer.post("/api/v1/refund-requests/", body, key="k1")
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    other = buyer.post("/api/v1/refund-requests/", {**body, "reason": "other"}, key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_too_early_says_when_and_can_be_filed_for_then(buyer: Api, cast: Cast) -> None:
    order = small_order(
        cast,
        total=10000,
        goods_type="direct_topup",
        channel="card",
        paid=hours(-1 / 6),
        completed=None,
        events=[],
    )
    body = {"order": order.no, "reason": "not_delivered"}
    early = buyer.post("/api/v1/refund-requests/", body)
    assert (early.status_code, early.json()["code"]) == (422, "too_early")
    filed = buyer.post("/api/v1/refund-requests/", {**body, "file_when_allowed": True})
    assert filed.status_code == 201
    assert filed.json()["deadlines"][0]["kind"] == "arrival_wait"
    work()
    assert RefundRequest.objects.get().state == "submitted"
    request = RefundRequest.objects.get()
    precheck(request.pk, request.due_at)
    request.refresh_from_db()
    assert request.state == "awaiting_seller"


def test_duplicate_charge_pays_the_second_capture_and_leaves_the_goods(buyer: Api, cast: Cast) -> None:
    order = small_order(cast, total=9900, captures=2)
    number = buyer.post("/api/v1/refund-requests/", {"order": order.no, "reason": "duplicate_charge"}).json()[
        "number"
    ]
    work()
    assert buyer.get(f"/api/v1/refund-requests/{number}/").json()["state"] == "refunded"
    assert [c.claimed for c in Capture.objects.order_by("captured_at", "id")] == [0, 9900]
    again = buyer.post("/api/v1/refund-requests/", {"order": order.no, "reason": "not_as_described"})
    assert again.status_code == 201


def test_history_has_a_row_per_move_and_decision_is_kept_whole(buyer: Api, cast: Cast) -> None:
    order = small_order(cast)
    buyer.post("/api/v1/refund-requests/", {"order": order.no, "reason": "not_activated"})
    work()
    assert list(Transition.objects.order_by("sequence").values_list("sequence", flat=True)) == [1, 2, 3, 4, 5]
    decision = Decision.objects.get()
    assert decision.facts["amount"] == 4900
    assert decision.findings
