"""Filing for a caller at the desk: who may, what must be said, what the rules show first, and pressing twice (C1, C3, C4, C7)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from marketplace.identity.models import User
from marketplace.identity.roles import PERMISSIONS, Role
from marketplace.kernel.models import IdempotencyKey
from marketplace.orders.models import Order
from refunds.api.serializers import DetailsField
from refunds.filing_form import DETAILS
from refunds.machine import BY_MOVE, NEW
from refunds.models import RefundItem, RefundRequest
from tests.factories import hours, make_order
from tests.filers import desk_path, form
from tests.people import Cast

from .conftest import QUEUE, staff, url_of

SignIn = Callable[[User], Client]
CALLER = {"channel": "phone", "ticket": "", "caller_check": "Order number, and phone end 4711."}
MAY_FILE = (Role.SUPPORT, Role.REVIEWER, Role.SUPERVISOR)


@pytest.fixture
def support(cast: Cast, signed_in: SignIn) -> Client:
    client = signed_in(cast.support)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def order(cast: Cast) -> Order:
    return order_of(cast)


def order_of(cast: Cast, **fields: Any) -> Order:
    events = [("delivered", hours(-3)), ("revealed", hours(-2))]
    parties = {"shop": cast.shop, "buyer": cast.buyer, "seller": cast.seller}
    return make_order(**{"total": 9900, "events": events, **parties, **fields})


def nothing_filed() -> bool:
    return not (
        RefundRequest.objects.exists() or RefundItem.objects.exists() or IdempotencyKey.objects.exists()
    )


def test_caller_is_filed_for_and_the_case_says_how(support: Client, order: Order, cast: Cast) -> None:
    told = {"channel": "ticket", "ticket": "T-77", "caller_check": CALLER["caller_check"]}
    page = support.post(desk_path(order), form(support, desk_path(order), **told), follow=True)
    request = RefundRequest.objects.get()
    assert page.redirect_chain[-1][0] == url_of(request)
    assert (request.channel, request.ticket, request.buyer_id) == ("ticket", "T-77", cast.buyer.pk)
    move = request.transitions.get()
    assert (move.actor, move.user_id) == ("support", cast.support.pk)
    body = page.content.decode()
    assert all(
        words in body for words in ("T-77", "phone end 4711", f"Filed for the buyer as {request.number}")
    )


def test_rules_are_shown_before_and_checking_files_nothing(support: Client, order: Order) -> None:
    asked = {"reason": "not_activated", "action": "check", "description": "Changed my mind"}
    before = support.get(desk_path(order)).content.decode()
    page = support.post(desk_path(order), asked)
    body = page.content.decode()
    assert page.status_code == 200
    assert 'value="file"' not in before
    assert 'value="file"' in body
    assert all(badge in body for badge in ("Met", "Unknown", "What would change this"))
    assert "Not said yet: ask the caller" in body
    assert nothing_filed()


def test_what_was_not_checked_is_not_filed(support: Client, order: Order) -> None:
    filled = form(support, desk_path(order), **CALLER)
    page = support.post(desk_path(order), {**filled, "reason": "not_as_described"})
    assert page.status_code == 409
    assert "The choice changed since it was checked" in page.content.decode()
    assert nothing_filed()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"channel": ""}, "Say how the buyer reached you"),
        ({"channel": "api"}, "api is not one of the available choices"),
        ({"channel": "import"}, "import is not one of the available choices"),
        ({"caller_check": " "}, "how you made sure that the caller is the buyer"),
        ({"channel": "ticket", "ticket": " "}, "Give the number of the ticket"),
        ({"caller_check": "Card 6222 0212 3456 7890 123"}, "looks like a card number"),
        ({"description": "My card is 6222021234567890123"}, "looks like a card number"),
        ({"card_last4": "12345"}, "at most 4 characters"),
        ({"card_last4": "12a4"}, "Give the last four digits, and never more."),
        ({"reason": "because"}, "because is not one of the available choices"),
        ({"units": ["9"]}, "9 is not one of the available choices"),
        ({"amount": "1.234,5"}, "Amount: write a number"),
        ({"amount": "0"}, "more than nothing"),
        ({"amount": "99999"}, "This cannot be refunded"),
        ({"description": "x" * 4001}, "at most 4000 characters"),
        ({"description": "nul \0"}, "Null characters are not allowed"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_is_filed(
    fields: dict[str, Any], words: str, support: Client, order: Order
) -> None:
    filled = form(support, desk_path(order), **{**CALLER, **fields})
    page = support.post(desk_path(order), filled)
    assert page.status_code == 422
    assert words in page.content.decode()
    assert nothing_filed()


def test_orders_own_number_is_no_card_number(support: Client, cast: Cast) -> None:
    order = order_of(cast, external_no="2026112012345678")
    told = {**CALLER, "caller_check": "Named order 2026112012345678."}
    assert support.post(desk_path(order), form(support, desk_path(order), **told)).status_code == 302


def test_coins_details_are_kept(support: Client, cast: Cast) -> None:
    order = order_of(cast, goods_type="live_coins", coins=(100, 0))
    details = {
        "user_id": "u-1",
        "card_last4": "4711",
        "balance_before": "10",
        "troubleshooting": "Logged out",
    }
    page = support.post(desk_path(order), form(support, desk_path(order), **CALLER, **details))
    assert page.status_code == 302
    assert RefundRequest.objects.get().details == details


def test_part_of_the_units_and_of_the_amount(support: Client, cast: Cast) -> None:
    order = order_of(cast, quantity=3)
    asked = {"units": ["2"], "amount": "12.50"}
    page = support.post(desk_path(order), form(support, desk_path(order), **CALLER, **asked))
    assert page.status_code == 302
    request = RefundRequest.objects.get()
    assert (request.amount, [item.unit.ref for item in request.items.all()]) == (1250, ["2"])


def test_second_request_is_refused_with_a_link_to_the_first(support: Client, order: Order) -> None:
    support.post(desk_path(order), form(support, desk_path(order), **CALLER))
    first = RefundRequest.objects.get()
    page = support.post(desk_path(order), form(support, desk_path(order), **CALLER))
    assert page.status_code == 409
    assert f'href="{url_of(first)}"' in page.content.decode()
    assert RefundRequest.objects.get() == first


def test_pressing_twice_files_once_and_leads_to_the_same_case(support: Client, order: Order) -> None:
    filled = form(support, desk_path(order), **CALLER)
    pages = [support.post(desk_path(order), filled) for _ in range(3)]
    request = RefundRequest.objects.get()
    assert [page["Location"] for page in pages] == [url_of(request)] * 3
    assert request.transitions.count() == 1


def test_form_sent_again_with_other_words_files_nothing_by_itself(support: Client, order: Order) -> None:
    filled = form(support, desk_path(order), **CALLER)
    support.post(desk_path(order), filled)
    page = support.post(desk_path(order), {**filled, "description": "Other words"})
    assert page.status_code == 409
    assert RefundRequest.objects.get().number in page.content.decode()


def test_too_early_is_filed_later_where_that_is_asked(support: Client, cast: Cast) -> None:
    order = order_of(cast, events=(), paid=hours(-0.05), completed=None)
    asked = {**CALLER, "reason": "not_delivered"}
    assert support.post(desk_path(order), form(support, desk_path(order), **asked)).status_code == 422
    assert nothing_filed()
    filled = form(support, desk_path(order), **asked, file_when_allowed="on")
    assert support.post(desk_path(order), filled).status_code == 302
    assert RefundRequest.objects.get().due_kind == "arrival_wait"


@pytest.mark.parametrize("role", Role.values)
def test_roles_that_file_and_roles_that_do_not(
    role: str, cast: Cast, order: Order, signed_in: SignIn
) -> None:
    client, may = signed_in(staff(role)), role in MAY_FILE
    told = {"reason": "invalid_code", **CALLER}
    assert (role in BY_MOVE["file", NEW].by) == ("refunds.add_refundrequest" in PERMISSIONS[role]) == may
    assert client.get(desk_path(order)).status_code == (200 if may else 403)
    assert client.get(f"{QUEUE}add/").status_code == (200 if may else 403)
    filled = form(client, desk_path(order), **told)
    assert client.post(desk_path(order), filled).status_code == (302 if may else 403)
    assert RefundRequest.objects.exists() == may
    if "orders.view_order" in PERMISSIONS[role]:
        page = client.get(f"/admin/orders/order/{order.pk}/change/").content.decode()
        assert (desk_path(order) in page) == may


def test_nobody_and_a_sellers_person_are_sent_to_sign_in(cast: Cast, order: Order, signed_in: SignIn) -> None:
    for client in (Client(), signed_in(cast.seller_user)):
        page = client.post(desk_path(order), {"reason": "other", **CALLER, "action": "file"})
        assert page.status_code == 302
        assert "/login/" in page["Location"]
    assert nothing_filed()


def test_order_is_found_by_either_number(support: Client, cast: Cast, order: Order) -> None:
    for number in (order.no, order.no.lower(), order.external_no):
        assert support.get(f"{QUEUE}add/", {"number": number})["Location"] == desk_path(order)
    other = order_of(cast, external_no=order.external_no, shop=None, buyer=cast.buyer.__class__.objects.create(
        source="elsewhere", external_id="u-x"))  # fmt: skip
    page = support.get(f"{QUEUE}add/", {"number": order.external_no}).content.decode()
    assert desk_path(order) in page
    assert desk_path(other) in page
    assert "No order has the number" in support.get(f"{QUEUE}add/", {"number": "NONE-1"}).content.decode()


def test_order_that_is_not_there_leads_back(support: Client) -> None:
    page = support.get("/admin/refunds/refundrequest/file/RO404/")
    assert page["Location"] == f"{QUEUE}add/"


def test_queue_is_filtered_by_channel(support: Client, cast: Cast, order: Order) -> None:
    support.post(desk_path(order), form(support, desk_path(order), **CALLER))
    number = RefundRequest.objects.get().number
    assert number in support.get(QUEUE, {"queue": "all", "channel__exact": "phone"}).content.decode()
    assert number not in support.get(QUEUE, {"queue": "all", "channel__exact": "api"}).content.decode()


def test_details_are_those_of_the_api() -> None:
    api = {name: getattr(field, "max_length", None) for name, field in DetailsField().fields.items()}
    api["card_last4"] = 4  # a pattern there
    assert {name: most for name, _label, most in DETAILS} == api
