"""What an offer comes to, in one line of the reader's language, for every screen."""

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from marketplace.kernel.templatetags.recourse import money

from .models import Offer, OfferKind


def offer_words(offer: Offer, currency: str) -> str:
    """A replacement's units are read from memory: queries.offers() brings them."""
    if offer.amount is not None:
        return _("A part: %(amount)s") % {"amount": money(offer.amount, currency)}
    if offer.kind == OfferKind.REPLACEMENT:
        return _("New goods: unit %(units)s") % {
            "units": ", ".join(each.new.ref for each in offer.units.all())
        }
    by = date_format(timezone.localtime(offer.promised_for), "Y-m-d H:i")
    return _("Promised by %(at)s") % {"at": by}
