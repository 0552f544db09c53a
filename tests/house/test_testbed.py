"""The ground of the tests holds: books balance, flush works on append-only tables, seeds come back."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum

from marketplace.ledger.models import Posting
from marketplace.orders.models import UnitEvent
from refunds.models import PolicyVersion
from refunds.policy import DEFAULTS
from tests.factories import hours, make_order
from tests.people import Cast


def test_an_order_comes_with_units_events_captures_and_balanced_books(cast: Cast) -> None:
    order = make_order(
        total=4901,
        quantity=3,
        events=[("delivered", hours(-2))],
        captures=2,
        buyer=cast.buyer,
        seller=cast.seller,
    )

    assert [unit.amount for unit in order.units.order_by("id")] == [1634, 1634, 1633]
    assert UnitEvent.objects.count() == 3
    assert [capture.amount for capture in order.captures.order_by("id")] == [4901, 4901]
    assert Posting.objects.count() == 4
    assert Posting.objects.aggregate(sum=Sum("amount"))["sum"] == 0


@pytest.mark.parametrize("run", [1, 2])
@pytest.mark.django_db(transaction=True)
def test_committed_history_is_gone_for_the_next_test(run: int) -> None:
    assert UnitEvent.objects.count() == 0
    assert PolicyVersion.objects.count() == len(DEFAULTS)

    make_order(events=[("delivered", hours(-2))])

    with pytest.raises(DatabaseError, match="never changed or removed"), transaction.atomic():
        UnitEvent.objects.all().delete()
    with pytest.raises(DatabaseError, match="never changed or removed"), transaction.atomic():
        connection.cursor().execute("TRUNCATE orders_unitevent")
