"""Search at the desk by any number that a person may have before them (requirement K5)."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db.models import CharField, F, Q, QuerySet, Value
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import PHONE_BACKWARDS, Buyer, User
from marketplace.orders.models import Order
from marketplace.payments.models import Capture, Transfer
from marketplace.risk.models import Dispute

from .models import RefundRequest
from .permissions import reach

FOUND_AT_MOST = 200  # by each way
BEGINS_FROM = 10  # characters: "RF", the day, and two more; what is shorter begins too many numbers
ENDS_FROM = 4  # digits of a phone number, as people know each other by

Rows = QuerySet[RefundRequest, Any]


class Way(NamedTuple):
    """One kind of number: the requests it leads to, each step by an index, and the number that they have."""

    label: str | Promise
    leads_to: Callable[[str], Q]
    matched: F | None = None  # None: the number is what was typed


class Hit(NamedTuple):
    """A request found, by which kind of number, and whether that is the whole number."""

    request_id: int
    number: str
    way: str  # of WAYS
    is_whole: bool


def _both(term: str) -> set[str]:
    """As typed, and in capitals, as numbers mostly are."""
    return {term, term.upper()}


def _begins(field: str, term: str) -> Q:
    """One of our own numbers, whole or from its beginning on."""
    return Q(**{f"{field}__startswith" if len(term) >= BEGINS_FROM else field: term.upper()})


def _orders(term: str) -> Q:
    return Q(order__in=_some(Order.objects.filter(_begins("no", term)), "pk"))


def _shops_orders(term: str) -> Q:
    return Q(order__in=_some(Order.objects.filter(external_no__in=_both(term)), "pk"))


def _payments(term: str) -> Q:
    return Q(order__in=_some(Capture.objects.filter(channel_no__in=_both(term)), "order"))


def _transfers(term: str) -> Q:
    return Q(number__in=_some(Transfer.objects.filter(number__in=_both(term)), "reference"))


def _channel_refunds(term: str) -> Q:
    return Q(number__in=_some(Transfer.objects.filter(channel_refund_no__in=_both(term)), "reference"))


def _disputes(term: str) -> Q:
    named = Dispute.objects.filter(Q(number=term.upper()) | Q(channel_dispute_no__in=_both(term)))
    return Q(order__in=_some(named, "capture__order"))


def _buyers(term: str) -> Q:
    return Q(buyer__in=_some(Buyer.objects.filter(external_id=term), "pk"))


def _phones(term: str) -> Q:
    """Typed with or without spaces and the country's plus."""
    digits = term.removeprefix("+").replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) >= ENDS_FROM):
        return NOTHING
    ends = Buyer.objects.annotate(backwards=PHONE_BACKWARDS).filter(backwards__startswith=digits[::-1])
    return Q(buyer__in=_some(ends, "pk"))


def _some(rows: QuerySet[Any, Any], field: str) -> QuerySet[Any, Any]:
    """Few enough that what they lead to is found one by one, and never by reading a table."""
    return rows.order_by().values(field)[:FOUND_AT_MOST]


NOTHING = Q(pk__in=[])
WAYS: dict[str, Way] = {
    "refund": Way(_("refund number"), lambda term: _begins("number", term), F("number")),
    "order": Way(_("order number"), _orders, F("order__no")),
    "shop_order": Way(_("the shop's order number"), _shops_orders),
    "payment": Way(_("payment number"), _payments),
    "transfer": Way(_("transfer number"), _transfers),
    "channel_refund": Way(_("channel's refund number"), _channel_refunds),
    "dispute": Way(_("dispute number"), _disputes),
    "buyer": Way(_("buyer id"), _buyers),
    "phone": Way(_("end of the phone number"), _phones, F("buyer__phone")),
    "ticket": Way(_("ticket number"), lambda term: Q(ticket=term) & ~Q(ticket="")),
}


def find(term: str, user: User) -> list[Hit]:
    """The requests within this person's reach that have such a number; FOUND_AT_MOST of each kind, in one query."""
    term = term.strip()
    if not term:
        return []
    within: Rows = RefundRequest.objects.filter(reach(user)).order_by()
    parts = [
        within.filter(way.leads_to(term))
        .annotate(way=Value(key), matched=way.matched or Value(term, CharField()))
        .values_list("pk", "number", "way", "matched")[:FOUND_AT_MOST]
        for key, way in WAYS.items()
    ]
    found = parts[0].union(*parts[1:], all=True)
    return [Hit(pk, number, way, matched in _both(term)) for pk, number, way, matched in found]


def the_one(hits: list[Hit]) -> Hit | None:
    """The request that was meant beyond doubt: the only one found, by its whole number."""
    whole = [hit for hit in hits if hit.is_whole]
    return whole[0] if whole and len({hit.request_id for hit in hits}) == 1 else None
