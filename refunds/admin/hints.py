"""What a refusal knows beyond its words, said on the page."""

from django.utils.translation import gettext as _

from marketplace.kernel.errors import Refusal
from refunds.machine import State
from refunds.transitions import OpenRequestExists


def hints(refusal: Refusal) -> list[str]:
    """Where the case moved on meanwhile, say where to; where another one is in the way, say which."""
    if "from" in refusal.extra:
        return [_("It is now: %(state)s.") % {"state": State(refusal.extra["from"]).label}]
    if isinstance(refusal, OpenRequestExists):
        return [_("It is %(number)s.") % {"number": refusal.extra["number"]}]
    return []
