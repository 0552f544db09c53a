"""Rows for tests. `make_order` makes what the shop's ingestion would: units, events, captures, balanced books."""

import itertools
from collections import abc
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from marketplace.identity.models import Buyer, User
from marketplace.identity.roles import Role
from marketplace.kernel import crypto, ids, money
from marketplace.ledger import operations as ledger
from marketplace.orders import secrets
from marketplace.orders.models import Order, Product, Shop, Unit, UnitEvent
from marketplace.payments.models import Capture
from sellers.models import Membership, Seller

When = datetime | timedelta | None  # an instant, or how far from now: hours(-3)
Event = tuple[Any, ...]  # (type, When) or (type, When, {"unit": "1", "data": {...}, "ref": "..."})

SHOP_SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_numbers = itertools.count(1)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def days(number: float) -> timedelta:
    return timedelta(days=number)


class ShopFactory(DjangoModelFactory[Shop]):
    class Meta:
        model = Shop

    code = Sequence(lambda n: f"shop-{n}")
    name = LazyAttribute(lambda shop: f"Shop {shop.code}")
    sealed_secret = LazyAttribute(lambda shop: crypto.seal(SHOP_SECRET, f"shop:{shop.code}"))


class SellerFactory(DjangoModelFactory[Seller]):
    class Meta:
        model = Seller

    code = Sequence(lambda n: f"S-{n:04}")
    name = LazyAttribute(lambda seller: f"Seller {seller.code}")
    verified_at = LazyFunction(timezone.now)


class BuyerFactory(DjangoModelFactory[Buyer]):
    class Meta:
        model = Buyer

    source = "shop"
    external_id = Sequence(lambda n: f"u-{n}")
    email = LazyAttribute(lambda buyer: f"{buyer.external_id}@example.com")


class ProductFactory(DjangoModelFactory[Product]):
    class Meta:
        model = Product

    seller = SubFactory(SellerFactory)
    sku = Sequence(lambda n: f"sku-{n}")
    title = "Game card 50"
    goods_type = "card_code"


class StaffFactory(DjangoModelFactory[User]):
    """Somebody in the admin: StaffFactory(role=Role.REVIEWER). Sign in with client.force_login(user)."""

    class Meta:
        model = User

    username = Sequence(lambda n: f"staff-{n}")
    role = Role.REVIEWER
    is_staff = True


def make_member(seller: Seller, username: str = "") -> User:
    """A person who acts for `seller` in the portal."""
    user = User.objects.create(username=username or f"seller-person-{next(_numbers)}")
    Membership.objects.create(user=user, seller=seller)
    return user


def make_order(
    *,
    total: int = 4900,
    currency: str = "CNY",
    fx_rate: Any = None,
    quantity: int = 1,
    goods_type: str = "card_code",
    events: Iterable[Event] = (),
    captures: int | abc.Sequence[int] = 1,
    channel: str = "alipay",
    placed: When = None,
    paid: When = hours(-3),
    completed: When = hours(-3),
    buyer: Buyer | None = None,
    seller: Seller | None = None,
    shop: Shop | None = None,
    terms: dict[str, Any] | None = None,
    consent: dict[str, Any] | None = None,
    page_text: str = "",
    coins: tuple[int, int] | None = None,
    now: datetime | None = None,
    **fields: Any,
) -> Order:
    """An order as ingestion leaves it, ledger included.

    `captures` is how often the whole total was taken (2: charged twice), or the amounts taken one by one. Times are
    instants or distances from `now`; an unpaid order has paid=None and captures=0. An event without a unit happens
    to every unit. `terms` is what the product page promised. `coins` is (paid, promo) of each unit.
    """
    now = now or timezone.now()
    number = next(_numbers)
    buyer = buyer or BuyerFactory.create()
    seller = seller or SellerFactory.create()
    shop = shop or Shop.objects.filter(code=buyer.source).first() or ShopFactory.create(code=buyer.source)
    product = ProductFactory.create(seller=seller, goods_type=goods_type)
    paid_at = _instant(paid, now)
    order = Order.objects.create(
        **{
            "no": ids.number("RO", now),
            "shop": shop,
            "external_no": f"DJ-{number}",
            "buyer": buyer,
            "seller": seller,
            "product": product,
            "goods_type": goods_type,
            "snapshot": {
                "sku": product.sku,
                "title": product.title,
                "page_text": page_text,
                "terms": terms or {},
            },
            "quantity": quantity,
            "total": total,
            "currency": currency,
            "fx_rate": fx_rate,
            "region": buyer.region,
            "consent": consent,
            "placed_at": _instant(placed, now) or paid_at or now,
            "paid_at": paid_at,
            "completed_at": _instant(completed, now),
            **fields,
        }
    )
    for ref, amount in enumerate(money.split(total, [1] * quantity), start=1):
        _make_unit(order, str(ref), amount, goods_type, coins)
    for index, event in enumerate(events, start=1):
        add_event(
            order, event[0], event[1], now=now, **{"ref": f"evt-{index}", **(event[2] if event[2:] else {})}
        )
    amounts = [total] * captures if isinstance(captures, int) else captures
    for amount in amounts:
        add_capture(order, amount, channel=channel, at=paid_at or now)
    return order


def add_event(
    order: Order,
    type: str,
    at: When,
    *,
    unit: str | None = None,
    data: dict[str, Any] | None = None,
    ref: str = "",
    now: datetime | None = None,
) -> list[UnitEvent]:
    """Something that happened to one unit, or to all of them."""
    units = order.units.order_by("id")
    now = now or timezone.now()
    instant = _instant(at, now) or now
    return UnitEvent.objects.bulk_create(
        UnitEvent(unit=each, type=type, at=instant, ref=ref or f"evt-x{next(_numbers)}", data=data or {})
        for each in (units.filter(ref=unit) if unit else units)
    )


def add_capture(order: Order, amount: int, *, channel: str = "alipay", at: datetime | None = None) -> Capture:
    """A payment and its ledger booking."""
    capture = Capture.objects.create(
        order=order,
        merchant=order.shop.code,
        channel=channel,
        channel_no=f"{channel}-{next(_numbers)}",
        amount=amount,
        currency=order.currency,
        captured_at=at or timezone.now(),
    )
    ledger.book(
        recipe="capture",
        reference=f"capture:{capture.pk}",
        amount=amount,
        currency=order.currency,
        occurred_at=capture.captured_at,
        channel=channel,
        seller=order.seller.code,
    )
    return capture


def _make_unit(order: Order, ref: str, amount: int, goods_type: str, coins: tuple[int, int] | None) -> Unit:
    sealed, fingerprint = None, None
    if goods_type == "card_code":
        sealed, fingerprint = secrets.seal(f"CARD-{order.no}-{ref}", order.no, ref)
    paid_coins, promo_coins = coins or (None, None)
    return Unit.objects.create(
        order=order,
        ref=ref,
        amount=amount,
        sealed_secret=sealed,
        secret_fingerprint=fingerprint,
        paid_coins=paid_coins,
        promo_coins=promo_coins,
    )


def _instant(when: When, now: datetime) -> datetime | None:
    return now + when if isinstance(when, timedelta) else when
