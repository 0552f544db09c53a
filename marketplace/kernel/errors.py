"""Refusals: what could not be done, as exceptions that every interface can show.

An operation raises a subclass named for what it refuses; the API turns it into RFC 9457 problem details,
the portal and the admin into a message.
"""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Refusal(Exception):
    """Base of all refusals. `extra` holds JSON members for the problem document."""

    code = "refused"
    status = 409
    title: Text = _("This cannot be done.")

    def __init__(self, detail: Text = "", **extra: Any) -> None:
        super().__init__(str(detail or self.title))
        self.detail = detail or self.title
        self.extra = extra


class NotFound(Refusal):
    """Not there, or not the caller's: the two look the same on purpose."""

    code = "not_found"
    status = 404
    title = _("Not found.")


class NotPermitted(Refusal):
    code = "permission_denied"
    status = 403
    title = _("You may not do this.")


class SecondPersonNeeded(Refusal):
    """Maker is not checker: what one person proposed waits for another."""

    code = "second_person_needed"
    title = _("You proposed this. Another person must decide it.")
