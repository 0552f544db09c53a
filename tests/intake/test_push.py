"""Pushing orders: new, known, contradictory, replayed."""

from typing import Any

import pytest

from marketplace.identity.models import Buyer
from marketplace.kernel import crypto
from marketplace.ledger import queries
from marketplace.orders import secrets
from marketplace.orders.models import Order, Product, Shop, Unit, UnitEvent
from marketplace.payments.models import Capture
from sellers.models import Seller
from tests.factories import BuyerFactory, SellerFactory, ShopFactory

from . import bodies, rows
from .conftest import Push


def test_new_order_is_taken_whole(push: Push, shop: Shop) -> None:
    answer = push(bodies.order())

    order = Order.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "no": order.no,
        "external_no": "DJ-1",
        "seller": "S-0001",
        "seller_verified": False,
        "buyer": "u-77",
        "created": True,
        "units": 2,
        "captures": 1,
    }
    assert (order.shop, order.total, order.currency, order.quantity) == (shop, 4901, "CNY", 2)
    assert order.snapshot == {
        name: bodies.order()["product"][name] for name in ("sku", "title", "page_text", "terms")
    }
    assert order.consent == bodies.order()["consent"] | {"at": "2026-11-10T01:29:00+00:00"}
    assert (Order.objects.get().buyer.source, order.seller.verified_at) == ("djk", None)
    assert list(Unit.objects.order_by("id").values_list("ref", "amount")) == [("1", 2451), ("2", 2450)]
    unit = Unit.objects.get(ref="1")
    assert secrets.unseal(unit, order.no) == bodies.SECRET
    assert bytes(unit.secret_fingerprint or b"") == crypto.fingerprint(bodies.SECRET)
    assert list(UnitEvent.objects.order_by("id").values_list("type", "ref")) == [
        ("stocked", "evt-0"),
        ("delivered", "evt-1"),
    ]


def test_capture_is_booked_into_escrow(push: Push) -> None:
    push(bodies.order(payments=[bodies.payment("a", 4000), bodies.payment("b", 901)]))

    assert set(Capture.objects.values_list("merchant", "channel_no", "amount")) == {
        ("djk", "a", 4000),
        ("djk", "b", 901),
    }
    assert queries.balance("escrow", "S-0001", "CNY") == -4901
    assert queries.balance("clearing", "alipay", "CNY") == 4901
    assert rows.unbalanced() == 0


def test_seller_on_our_books_stays_as_it_is(push: Push) -> None:
    SellerFactory(code="S-0001", name="Verified Ltd")
    assert push(bodies.order()).json()["seller_verified"] is True
    assert Seller.objects.get().name == "Verified Ltd"


def test_leanest_order_is_taken(push: Push) -> None:
    lean = {
        "external_no": "L-1",
        "seller": "S-1",
        "buyer": {"external_id": "u"},
        "product": {"sku": "s", "title": "t", "goods_type": "membership"},
        "quantity": 3,
        "total": {"amount": 2, "currency": "CNY"},
        "created_at": "2026-11-10T00:00:00Z",
    }
    assert push(lean).status_code == 201
    order = Order.objects.get()
    assert (order.region, order.snapshot["terms"], order.consent, order.target) == ("CN", {}, None, {})
    assert list(order.units.order_by("id").values_list("ref", "amount")) == [("1", 1), ("2", 1), ("3", 0)]


def test_null_is_the_same_as_absent(push: Push) -> None:
    body = bodies.order(target=None, consent=None, payments=None, units=None, paid_at=None)
    body["buyer"] |= {"region": None, "email": None, "phone": None, "device": None, "ip": None}
    body["product"] |= {"page_text": None, "terms": {"window_days": None, "conditions": None}}
    assert push(body).status_code == 201
    assert Order.objects.get().snapshot["terms"] == {}


def test_units_not_listed_get_refs_around_the_given_ones(push: Push) -> None:
    push(bodies.order(quantity=4, units=[{"ref": "2"}, {"ref": "x"}]))
    assert list(Unit.objects.order_by("id").values_list("ref", flat=True)) == ["2", "x", "1", "3"]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("198.51.100.4, 10.0.0.1", "198.51.100.4"),
        ("198.51.100.4:55012", "198.51.100.4"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", None),
    ],
)
def test_address_is_read_as_shops_log_it(push: Push, told: str, kept: str | None) -> None:
    push(bodies.bent("/buyer/ip", told))
    assert Buyer.objects.get().ip == kept


def test_same_order_again_changes_nothing(push: Push) -> None:
    push(bodies.order())
    before = rows.contents() | {"kernel_idempotencykey": []}

    answer = push(bodies.order())

    assert (answer.status_code, answer.json()["created"]) == (200, False)
    assert rows.contents() | {"kernel_idempotencykey": []} == before


def test_known_order_takes_what_was_not_known(push: Push) -> None:
    push(bodies.order(payments=[], paid_at=None, units=[{"ref": "1"}]))
    later = bodies.order(completed_at="2026-11-10T10:00:00+08:00")
    later["units"].append({"ref": "2", "secret": bodies.OTHER_SECRET, "paid_coins": 5, "promo_coins": 1})
    later["buyer"]["email"] = "new@example.com"

    answer = push(later)

    order = Order.objects.get()
    assert (answer.status_code, answer.json()["captures"]) == (200, 1)
    assert order.paid_at is not None and order.completed_at is not None
    units = {unit.ref: unit for unit in order.units.all()}
    assert secrets.unseal(units["1"], order.no) == bodies.SECRET
    assert secrets.unseal(units["2"], order.no) == bodies.OTHER_SECRET
    assert (units["2"].paid_coins, units["2"].promo_coins) == (5, 1)
    assert UnitEvent.objects.count() == 2
    assert Buyer.objects.get().email == "new@example.com"
    assert queries.balance("escrow", "S-0001", "CNY") == -4901


def test_a_second_payment_is_a_second_capture(push: Push) -> None:
    push(bodies.order())
    first = bodies.order()["payments"][0]
    assert push(bodies.order(payments=[first, bodies.payment("second")])).json()["captures"] == 2
    assert queries.balance("escrow", "S-0001", "CNY") == -9802


BINDING: list[tuple[str, Any]] = [
    ("/seller", "S-0002"),
    ("/buyer/external_id", "u-78"),
    ("/buyer/region", "EU"),
    ("/product/sku", "game-51"),
    ("/product/title", "Game card 51"),
    ("/product/goods_type", "membership"),
    ("/product/page_text", "Shown otherwise."),
    ("/product/terms", {"window_days": 7}),
    ("/quantity", 3),
    ("/total/amount", 4902),
    ("/fx_rate", None),  # see below: in another currency
    ("/target", {"account": "hero-2"}),
    ("/consent/acknowledged", False),
    ("/consent/text", "Otherwise."),
    ("/created_at", "2026-11-10T09:29:31+08:00"),
    ("/paid_at", "2026-11-10T09:30:01+08:00"),
    ("/units/0/secret", bodies.OTHER_SECRET),
    ("/units/0/ref", "nine"),
    ("/units/0/events/0/at", "2026-11-02T00:00:00Z"),
    ("/units/0/events/1/type", "revealed"),
    ("/payments/0/amount/amount", 4900),
    ("/payments/0/captured_at", "2026-11-10T09:30:05+08:00"),
]
REPORTED_AT = {
    "/consent/acknowledged": "/consent",
    "/consent/text": "/consent",
    "/units/0/events/0/at": "/units/0/events/0/ref",
    "/units/0/events/1/type": "/units/0/events/1/ref",
    "/payments/0/amount/amount": "/payments/0",
    "/payments/0/captured_at": "/payments/0",
}


@pytest.mark.parametrize(("pointer", "value"), [row for row in BINDING if row[0] != "/fx_rate"])
def test_what_binds_cannot_be_changed(push: Push, pointer: str, value: Any) -> None:
    push(bodies.order())
    before = rows.contents()
    changed = bodies.bent(pointer, value)
    changed["buyer"]["email"] = "must-not-arrive@example.com"
    changed["payments"].append(bodies.payment("must-not-arrive"))

    answer = push(changed)

    assert (answer.status_code, answer.json()["code"]) == (409, "order_conflict")
    assert [error["pointer"] for error in answer.json()["errors"]] == [REPORTED_AT.get(pointer, pointer)]
    assert bodies.OTHER_SECRET not in answer.content.decode()
    assert rows.contents() == before


def test_rate_and_currency_bind(push: Push) -> None:
    foreign = bodies.order(total={"amount": 500, "currency": "USD"}, payments=[], fx_rate="7.1")
    assert push(foreign).status_code == 201
    changed = push(foreign | {"fx_rate": 7.2, "total": {"amount": 500, "currency": "EUR"}})
    assert {error["pointer"] for error in changed.json()["errors"]} == {"/fx_rate", "/total/currency"}
    assert push(foreign | {"fx_rate": 7.10}).status_code == 200


@pytest.mark.parametrize("rate", [1, 1.0, "1", "1.00000000"])
def test_rate_of_1_for_cny_is_taken_as_none(push: Push, rate: Any) -> None:
    assert push(bodies.order(fx_rate=rate)).status_code == 201
    assert Order.objects.get().fx_rate is None
    assert push(bodies.order(fx_rate=rate)).status_code == 200
    assert push(bodies.order()).status_code == 200


@pytest.mark.parametrize("name", ["consent", "target"])
def test_what_was_not_shown_at_purchase_cannot_be_added(push: Push, name: str) -> None:
    push(bodies.order(**{name: None}))
    answer = push(bodies.order())
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, f"/{name}")


def test_terms_cannot_be_added_after_purchase(push: Push) -> None:
    push(bodies.bent("/product/terms", None))
    assert push(bodies.order()).json()["errors"][0]["pointer"] == "/product/terms"


def test_payment_of_another_order_is_refused(push: Push) -> None:
    push(bodies.order())
    before = rows.contents()

    answer = push(
        bodies.order(external_no="DJ-2", payments=[bodies.payment("x"), *bodies.order()["payments"]])
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "payment_known")
    assert answer.json()["pointer"] == "/payments/1/channel_no"
    assert rows.contents() == before


def test_two_shops_may_use_the_same_numbers(push: Push) -> None:
    other = ShopFactory(code="other")
    assert push(bodies.order()).status_code == 201
    assert push(bodies.order(), shop=other).status_code == 201
    assert Order.objects.count() == Buyer.objects.count() == Capture.objects.count() == 2


def test_replay_gives_the_first_answer(push: Push) -> None:
    first = push(bodies.order(), message_id="msg_1")
    push(bodies.order(completed_at="2026-11-10T10:00:00+08:00"))

    again = push(bodies.order(), message_id="msg_1")

    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first


def test_message_id_of_another_payload_is_refused(push: Push) -> None:
    push(bodies.order(), message_id="msg_1")
    before = rows.contents()
    answer = push(bodies.order(external_no="DJ-2", payments=[]), message_id="msg_1")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert rows.contents() == before


def test_refusal_is_not_kept(push: Push) -> None:
    push(bodies.order())
    conflict = bodies.order(external_no="DJ-2")
    assert push(conflict, message_id="msg_9").status_code == 409
    assert push(conflict, message_id="msg_9")["Content-Type"] == "application/problem+json"
    fixed = conflict | {"payments": []}
    assert push(fixed, message_id="msg_9").status_code == 201


def test_shop_cannot_change_the_email_a_buyer_signs_in_with(push: Push) -> None:
    buyer = BuyerFactory(source="djk", external_id="u-77", email="mine@example.com")
    buyer.set_password("a long password")
    buyer.save()
    push(bodies.order())
    buyer.refresh_from_db()
    assert (buyer.email, buyer.phone) == ("mine@example.com", "13800000000")


def test_what_the_shop_leaves_out_of_a_buyer_stays(push: Push) -> None:
    push(bodies.order())
    push(bodies.order(external_no="DJ-2", payments=[], buyer={"external_id": "u-77", "region": "US"}))
    buyer = Buyer.objects.get()
    assert (buyer.email, buyer.device, buyer.ip, buyer.region) == (
        "a@example.com",
        "d-1",
        "203.0.113.7",
        "US",
    )
    assert Order.objects.get(external_no="DJ-1").region == "CN"


def test_product_is_as_last_seen_and_the_snapshot_as_bought(push: Push) -> None:
    push(bodies.order())
    later = bodies.bent("/product/title", "New title") | {"external_no": "DJ-2", "payments": []}
    push(later)
    assert Product.objects.get().title == "New title"
    assert Order.objects.get(external_no="DJ-1").title == "Game card 50"
