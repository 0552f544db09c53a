"""Staff file for a buyer who phones, writes a ticket or stands before them (requirement C4)."""

import re
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, NotPermitted, Refusal
from marketplace.kernel.idempotency import Key, Outcome
from marketplace.orders.models import Order

from ..filing_channels import FOR_A_CALLER, FilingChannel
from ..masking import CARD_NUMBER
from ..permissions import may_file, staff
from .file import Filing, Source, file_request, number_alone
from .say import CardNumber

MAX_TICKET = 64  # characters
MAX_CALLER_CHECK = 500


class UnknownFilingChannel(Refusal):
    code = "unknown_filing_channel"
    status = 422
    title = _("Say how the buyer reached you: by phone, by ticket, or otherwise.")


class CallerNotIdentified(Refusal):
    code = "caller_not_identified"
    status = 422
    title = _("Write how you made sure that the caller is the buyer, in at most 500 characters.")


class TicketNeeded(Refusal):
    code = "ticket_needed"
    status = 422
    title = _("Give the number of the ticket, in at most 64 characters.")


def file_for_buyer(
    *,
    user: User,
    filing: Filing,
    channel: str,
    ticket: str,
    caller_check: str,
    key: Key,
    now: datetime,
) -> Outcome:
    """The answer holds the request's `number`.

    Raises NotPermitted, NotFound, UnknownFilingChannel, TicketNeeded, CallerNotIdentified, CardNumber, and as
    file_request.
    """
    actor = staff(user)
    if not may_file(user):
        raise NotPermitted()
    order = Order.objects.filter(no=filing.order_no).only("no", "external_no", "buyer_id").first()
    if order is None:
        raise NotFound()
    if channel not in FOR_A_CALLER:
        raise UnknownFilingChannel(pointer="/channel", channels=[each.value for each in FOR_A_CALLER])
    ticket, caller_check = ticket.strip(), caller_check.strip()
    if len(ticket) > MAX_TICKET or (channel == FilingChannel.TICKET and not ticket):
        raise TicketNeeded(pointer="/ticket")
    if not 0 < len(caller_check) <= MAX_CALLER_CHECK:
        raise CallerNotIdentified(pointer="/caller_check")
    refuse_card_numbers(order, description=filing.description, caller_check=caller_check)
    return file_request(
        buyer_id=order.buyer_id,
        filing=filing,
        key=key,
        present=number_alone,
        now=now,
        source=Source(FilingChannel(channel), actor, ticket, caller_check),
    )


def refuse_card_numbers(order: Order, **texts: str) -> None:
    """What is written down for somebody else is read for card numbers (C7); the order's own numbers are none.

    Raises CardNumber.
    """
    own = re.compile("|".join(re.escape(number) for number in (order.no, order.external_no)), re.IGNORECASE)
    for name, text in texts.items():
        if CARD_NUMBER.search(own.sub("", text)):
            raise CardNumber(pointer=f"/{name}")
