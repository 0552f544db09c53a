"""How an offer ends, whoever ends it (requirement F2). Not called by interfaces.

A replacement on offer holds its units' worth of the payment, so that nothing else can promise the money while the
buyer has the new code at hand (G2). When it ends that is free again: confirmed, the worth is the new unit's, which may
be refunded in its turn and stands where the old one stood; otherwise the new unit is taken back.
"""

from collections.abc import Sequence
from datetime import datetime

from marketplace.orders import replacing
from marketplace.orders.models import Order
from marketplace.payments.models import Claim
from marketplace.payments.operations.reserve import release_all

from ..models import Offer, OfferAnswer, OfferedUnit, OfferKind, RefundRequest


def lock_order_of(number: str) -> Order | None:
    """Before the request, as everybody locks them: units are offered, shown and taken back under the order's lock."""
    orders = Order.objects.select_for_update(of=("self",), no_key=True)
    return orders.filter(refund_requests__number=number).order_by("pk").first()


def standing(request: RefundRequest) -> Offer | None:
    """The offer that waits for the buyer. The request is locked."""
    return Offer.objects.filter(request=request, answered_at__isnull=True).first()


def confirm(request: RefundRequest, offer: Offer, now: datetime) -> None:
    """The buyer has what was offered: new units take their places, a promise was kept, a part was accepted."""
    kept = offer.kind == OfferKind.PROMISE
    _answer([offer], OfferAnswer.KEPT if kept else OfferAnswer.ACCEPTED, now)
    if offer.kind == OfferKind.REPLACEMENT:
        release_all([request.number], Claim.Kind.REPLACEMENT, now)
        replacing.put_in_place([(row.old, row.new) for row in _units([offer])], now)


def end(requests: Sequence[int], answer: OfferAnswer, now: datetime) -> None:
    """End what these requests (by id, locked) have on offer without it; nothing where nothing is."""
    offers = list(
        Offer.objects.filter(request_id__in=requests, answered_at__isnull=True).select_related("request")
    )
    if not offers:
        return
    _answer(offers, answer, now)
    replacements = [offer for offer in offers if offer.kind == OfferKind.REPLACEMENT]
    if replacements:
        release_all([offer.request.number for offer in replacements], Claim.Kind.REPLACEMENT, now)
        replacing.take_back([row.new_id for row in _units(replacements)], now)


def _answer(offers: Sequence[Offer], answer: OfferAnswer, now: datetime) -> None:
    Offer.objects.filter(pk__in=[offer.pk for offer in offers]).update(answer=answer, answered_at=now)


def _units(offers: Sequence[Offer]) -> list[OfferedUnit]:
    rows = OfferedUnit.objects.filter(offer__in=offers).select_related("old", "new")
    return list(rows.defer("old__sealed_secret", "new__sealed_secret").order_by("id"))
