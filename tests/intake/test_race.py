"""Pushes at the same moment. Each race comes with a control that shows what it would do unguarded."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection

from marketplace.intake import known, operations
from marketplace.kernel.errors import Refusal
from marketplace.orders.models import Order, Shop
from marketplace.payments.models import Capture
from tests.factories import ShopFactory

from . import rows
from .races import after, amid, take, together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def meet(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """meet(n): the first n transactions wait for one another after they looked for the order."""

    def arrange(parties: int) -> None:
        barrier = threading.Barrier(parties, timeout=3)
        monkeypatch.setattr(operations, "locked", after(barrier, operations.locked))

    return arrange


def test_concurrent_pushes_make_one_order(meet: Callable[[int], None]) -> None:
    shop = ShopFactory(code="djk")
    meet(4)
    outcomes = together(*[take(shop)] * 4)
    assert sorted(outcome.status for outcome in outcomes) == [200, 200, 200, 201]
    assert (Order.objects.count(), Capture.objects.count(), rows.unbalanced()) == (1, 1, 0)


def test_a_push_that_comes_in_between_two_looks_is_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is not there yet, its payment is: the payment is no other order's for that."""
    shop = ShopFactory(code="djk")
    monkeypatch.setattr(operations, "locked", amid(take(shop), operations.locked))
    outcome = take(shop)()
    assert (outcome.status, outcome.answer["created"]) == (200, False)
    assert (Order.objects.count(), Capture.objects.count(), rows.unbalanced()) == (1, 1, 0)


def test_control_without_the_constraints_there_are_two_orders(meet: Callable[[int], None]) -> None:
    shop = ShopFactory(code="djk")
    meet(2)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders_order DROP CONSTRAINT order_once_per_shop")
        cursor.execute("ALTER TABLE payments_capture DROP CONSTRAINT capture_once")
    try:
        together(*[take(shop)] * 2)
        assert Order.objects.count() == 2
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("DELETE FROM payments_capture")
            cursor.execute("DELETE FROM orders_order")
            cursor.execute("SET session_replication_role = origin")
            cursor.execute(
                "ALTER TABLE orders_order ADD CONSTRAINT order_once_per_shop UNIQUE (shop_id, external_no)"
            )
            cursor.execute(
                "ALTER TABLE payments_capture ADD CONSTRAINT capture_once UNIQUE (merchant, channel, channel_no)"
            )


def test_of_two_claims_about_one_field_one_is_refused(meet: Callable[[int], None]) -> None:
    shop = ShopFactory(code="djk")
    take(shop, paid_at=None)()
    meet(2)
    first, second = sorted(
        together(
            take(shop, paid_at="2026-11-10T09:30:00+08:00"), take(shop, paid_at="2026-11-10T09:45:00+08:00")
        ),
        key=lambda outcome: isinstance(outcome, Refusal),
    )
    assert first.status == 200
    assert isinstance(second, known.OrderConflict)
    assert second.extra["errors"][0]["pointer"] == "/paid_at"


def test_control_without_the_lock_both_claims_pass(
    meet: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = ShopFactory(code="djk")
    take(shop, paid_at=None)()

    def unlocked(shop: Shop, external_no: str) -> Order | None:
        return (
            Order.objects.select_related("seller", "buyer").filter(shop=shop, external_no=external_no).first()
        )

    monkeypatch.setattr(operations, "locked", unlocked)
    meet(2)
    outcomes = together(
        take(shop, paid_at="2026-11-10T09:30:00+08:00"), take(shop, paid_at="2026-11-10T09:45:00+08:00")
    )
    assert [outcome.status for outcome in outcomes] == [200, 200]
    assert Order.objects.get().paid_at in (
        datetime(2026, 11, 10, 1, 30, tzinfo=UTC),
        datetime(2026, 11, 10, 1, 45, tzinfo=UTC),
    )


def test_one_payment_pushed_for_two_orders_at_once_counts_for_one(meet: Callable[[int], None]) -> None:
    shop = ShopFactory(code="djk")
    meet(2)
    outcomes = together(take(shop), take(shop, external_no="DJ-2"))
    assert sum(isinstance(outcome, known.PaymentKnown) for outcome in outcomes) == 1
    assert (Order.objects.count(), Capture.objects.count()) == (1, 1)
