"""What the sides have offered each other: read without codes or sealed numbers, and said in one line on every screen."""

from typing import Any

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from marketplace.kernel.templatetags.recourse import money

from ..models import Offer, OfferedUnit, OfferKind, SealedOffer


def offers() -> list[Any]:
    """What the sides have offered each other, without codes and without a sealed number: three queries at most."""
    units = OfferedUnit.objects.select_related("new").order_by("id")
    units = units.defer("new__sealed_secret", "new__secret_fingerprint")
    return [
        Prefetch("offers", Offer.objects.prefetch_related(Prefetch("units", units)).order_by("sequence")),
        Prefetch("sealed_offers", SealedOffer.objects.defer("sealed_amount").order_by("id")),
    ]


def offer_words(offer: Offer, currency: str) -> str:
    """A replacement's units are read from memory: offers() brings them."""
    if offer.amount is not None:
        return _("A part: %(amount)s") % {"amount": money(offer.amount, currency)}
    if offer.kind == OfferKind.REPLACEMENT:
        return _("New goods: unit %(units)s") % {
            "units": ", ".join(each.new.ref for each in offer.units.all())
        }
    by = date_format(timezone.localtime(offer.promised_for), "Y-m-d H:i")
    return _("Promised by %(at)s") % {"at": by}
