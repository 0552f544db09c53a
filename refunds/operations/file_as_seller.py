"""A seller asks that an order of theirs be paid back, before the buyer does (requirement C4).

It is judged like any other: what the rules leave to the seller waits for their agreement, one press away.
"""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.idempotency import Key, Outcome
from marketplace.orders.models import Order

from ..filing_channels import FilingChannel
from ..machine import Party
from ..permissions import Actor
from .file import Filing, Source, file_request, number_alone
from .file_for_buyer import refuse_card_numbers

# What a seller can know and answer for. That the buyer's card was stolen, or that the seller cheats, is not theirs to say.
SELLERS_REASONS = (
    "not_delivered", "short_delivered", "invalid_code", "not_as_described", "wrong_recharge", "not_activated",
    "no_fault", "other",
)  # fmt: skip


class NotASellersReason(Refusal):
    code = "not_a_sellers_reason"
    status = 422
    title = _("A seller cannot give this reason. Choose one of those listed.")


def file_as_seller(*, user: User, filing: Filing, key: Key, now: datetime) -> Outcome:
    """Units go back whole: the amount is what is left of them. The answer holds the request's `number`.

    Raises NotFound (also for another seller's order), NotASellersReason, CardNumber, and as file_request.
    """
    order = sellers_order(user, filing.order_no)
    if filing.reason not in SELLERS_REASONS:
        raise NotASellersReason(pointer="/reason", reasons=list(SELLERS_REASONS))
    refuse_card_numbers(order, description=filing.description)
    return file_request(
        buyer_id=order.buyer_id,
        filing=filing._replace(remedy="refund", amount=None),
        key=key,
        present=number_alone,
        now=now,
        source=Source(FilingChannel.PORTAL, Actor(Party.SELLER, user.pk)),
    )


def sellers_order(user: User, no: str) -> Order:
    """Raises NotFound, also for another seller's order: orders are not announced."""
    order = Order.objects.filter(no=no, seller__members__user=user).first() if user.is_active else None
    if order is None:
        raise NotFound()
    return order
