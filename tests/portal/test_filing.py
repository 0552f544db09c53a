"""A seller refunds an order of theirs first: own orders alone, by reasons they can give, and the agreement that follows (C4)."""

from typing import Any

import pytest
from django.test import Client

from marketplace.orders.models import Order
from refunds.models import RefundRequest
from refunds.operations.file_as_seller import SELLERS_REASONS
from refunds.policy import REASONS
from tests.cases import work
from tests.factories import hours, make_order
from tests.filers import form, portal_path
from tests.people import Cast

from .tools import words


def order_of(cast: Cast, **fields: Any) -> Order:
    events = [("delivered", hours(-3)), ("revealed", hours(-2))]
    parties = {"shop": cast.shop, "buyer": cast.buyer, "seller": cast.seller}
    return make_order(**{"total": 9900, "events": events, **parties, **fields})


@pytest.fixture
def order(cast: Cast) -> Order:
    return order_of(cast)


def test_filing_leads_to_the_case_where_agreeing_is_next(seller: Client, order: Order, cast: Cast) -> None:
    page = seller.post(portal_path(order), form(seller, portal_path(order)), follow=True)
    request = RefundRequest.objects.get()
    assert page.redirect_chain[-1][0] == f"/portal/cases/{request.number}/"
    assert "your agreement is the next step here" in words(page)
    work()
    request.refresh_from_db()
    assert request.state == "awaiting_seller"
    page = seller.get(f"/portal/cases/{request.number}/")
    assert "You filed this refund yourself. Agree, and the money goes back." in words(page)
    assert "You filed the request for the buyer" in words(page)
    seller.post(f"/portal/cases/{request.number}/agree/", {"note": ""})
    request.refresh_from_db()
    assert request.state == "approved"
    moves = list(request.transitions.order_by("sequence").values_list("event", "actor", "user_id"))
    assert moves[0] == ("file", "seller", cast.seller_user.pk)
    assert moves[-1] == ("agree", "seller", cast.seller_user.pk)


def test_buyer_may_withdraw_what_the_seller_filed(seller: Client, order: Order, cast: Cast, api: Any) -> None:
    seller.post(portal_path(order), form(seller, portal_path(order)))
    number = RefundRequest.objects.get().number
    answer = api.sign_in(cast.buyer).post(f"/api/v1/refund-requests/{number}/withdraw/", {})
    assert answer.json()["state"] == "withdrawn"


def test_another_sellers_order_is_not_there(order: Order, cast: Cast, client: Client) -> None:
    client.force_login(cast.other_seller_user)
    for page in (
        client.get(portal_path(order)),
        client.post(portal_path(order), {"reason": "invalid_code", "action": "check"}),
        client.post(portal_path(order), {"reason": "invalid_code", "action": "file"}),
        client.get("/portal/orders/RO404/refund/"),
    ):
        assert page.status_code == 404
    found = client.get("/portal/orders/", {"number": order.external_no})
    assert found.status_code == 200
    assert portal_path(order) not in found.content.decode()
    assert not RefundRequest.objects.exists()


def test_staff_and_strangers_do_not_file_here(order: Order, cast: Cast, client: Client) -> None:
    assert client.post(portal_path(order), {"reason": "other"}).status_code == 302
    client.force_login(cast.reviewer)
    assert client.post(portal_path(order), {"reason": "other"}).status_code == 403
    assert not RefundRequest.objects.exists()


@pytest.mark.parametrize("reason", sorted(set(REASONS) - set(SELLERS_REASONS)))
def test_reasons_that_are_not_a_sellers_to_give(reason: str, seller: Client, order: Order) -> None:
    page = seller.post(portal_path(order), form(seller, portal_path(order), reason=reason))
    assert page.status_code == 422
    assert not RefundRequest.objects.exists()


def test_pressing_twice_files_once(seller: Client, order: Order) -> None:
    filled = form(seller, portal_path(order))
    pages = [seller.post(portal_path(order), filled) for _ in range(2)]
    number = RefundRequest.objects.get().number
    assert [page["Location"] for page in pages] == [f"/portal/cases/{number}/"] * 2


def test_what_was_not_checked_is_not_filed(seller: Client, order: Order) -> None:
    page = seller.post(portal_path(order), {**form(seller, portal_path(order)), "reason": "other"})
    assert page.status_code == 409
    assert not RefundRequest.objects.exists()


def test_units_go_back_whole_and_a_smuggled_amount_is_nothing(seller: Client, cast: Cast) -> None:
    order = order_of(cast, quantity=3)
    seller.post(portal_path(order), form(seller, portal_path(order), units=["1", "3"], amount="0.01"))
    assert RefundRequest.objects.get().amount == 6600


def test_doubts_about_the_buyer_stay_with_staff(seller: Client, order: Order, cast: Cast) -> None:
    cast.buyer.signals.create(kind="other", note="Two accounts, one device")
    page = seller.post(portal_path(order), {"reason": "invalid_code", "action": "check"})
    assert page.status_code == 200
    assert {each["rule"] for _look, each in page.context["findings"]}.isdisjoint({"risk", "identity"})
    assert "Two accounts" not in words(page)
    assert cast.buyer.email not in page.content.decode()


def test_order_is_found_by_either_number(seller: Client, order: Order) -> None:
    for number in (order.no, order.no.lower(), order.external_no):
        assert seller.get("/portal/orders/", {"number": number})["Location"] == portal_path(order)
    page = seller.get("/portal/orders/", {"number": "<script>alert(1)</script>"})
    assert "None of your orders has the number" in words(page)
    assert "<script>alert(1)" not in page.content.decode()
