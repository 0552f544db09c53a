"""How a request came in (requirement C4). One open request per unit holds across all of them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .machine import Party


class FilingChannel(models.TextChoices):
    API = "api", _("Buyer's API")
    PORTAL = "portal", _("Seller portal")
    STAFF = "staff", _("Staff")
    PHONE = "phone", _("Phone")
    TICKET = "ticket", _("Ticket")
    IMPORT = "import", _("Import")
    SYSTEM = "system", _("System")


C, P = FilingChannel, Party
# What staff file for a buyer who reached them: they must have made sure who it is.
FOR_A_CALLER = (C.PHONE, C.TICKET, C.STAFF)
_DESK = frozenset({P.SUPPORT, P.REVIEWER, P.SUPERVISOR})

# Who files through which channel. Held by the one place that inserts requests (operations/file.py) and by `verify`.
FILED_BY: dict[str, frozenset[Party]] = {
    C.API: frozenset({P.BUYER}),
    C.PORTAL: frozenset({P.SELLER}),
    **dict.fromkeys(FOR_A_CALLER, _DESK),
    C.IMPORT: _DESK | {P.SYSTEM},
    C.SYSTEM: frozenset({P.SYSTEM}),
}
