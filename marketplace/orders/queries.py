"""A buyer's orders."""

from django.db.models import Prefetch, QuerySet

from marketplace.kernel.errors import NotFound

from .models import Order, Unit, UnitEvent


def of_buyer(buyer_id: int) -> QuerySet[Order]:
    events = Prefetch("events", UnitEvent.objects.order_by("at", "id"))
    units = Prefetch("units", Unit.objects.defer("sealed_secret").prefetch_related(events).order_by("id"))
    orders = Order.objects.filter(buyer_id=buyer_id).select_related("seller")
    return orders.prefetch_related(units).order_by("-id")


def buyers_order(buyer_id: int, no: str) -> Order:
    """Raises NotFound."""
    order = of_buyer(buyer_id).filter(no=no).first()
    if order is None:
        raise NotFound()
    return order
