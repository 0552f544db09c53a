"""Search by any number at the desk."""

from django.db.models import Q, QuerySet

from marketplace.orders.models import Order
from marketplace.payments.models import Capture, Transfer

from .models import RefundRequest

FOUND_AT_MOST = 200


def find(term: str) -> QuerySet[RefundRequest]:
    """Requests by any number: refund, order (ours or the shop's), payment or transfer. Whole, or as ours begin."""
    term = term.strip()
    both = {term, term.upper()}
    ours = term.upper()
    orders = Order.objects.filter(Q(no__startswith=ours) | Q(external_no__in=both))
    requests = RefundRequest.objects.order_by()
    ways = [
        requests.filter(number__startswith=ours),
        requests.filter(order__in=orders.values("pk")),
        requests.filter(order__in=Capture.objects.filter(channel_no__in=both).values("order")),
        requests.filter(
            number__in=Transfer.objects.filter(Q(number__in=both) | Q(channel_refund_no__in=both)).values(
                "reference"
            )
        ),
    ]
    found = [way.values_list("pk", flat=True)[:FOUND_AT_MOST] for way in ways]
    return RefundRequest.objects.filter(pk__in=list(found[0].union(*found[1:])))
