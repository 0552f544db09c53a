"""Failure after success (requirement G6): a refund that had arrived comes back, and the channel says so."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import NotFound, Refusal
from marketplace.payments.gateways.base import Result
from marketplace.payments.operations.reserve import lock_captures
from marketplace.payments.operations.send import Attempt, ask_channel, attempt_of, undo

from ..machine import State
from ..permissions import SYSTEM
from ..transitions import OpenRequestExists, apply_transition
from .charged_back import take_over
from .locking import lock_alone
from .pay import close_when_through


class UnitsHeldElsewhere(Refusal):
    code = "units_held_elsewhere"
    title = _(
        "The refund came back, but another request is open for its units. Close that one, then ask again."
    )


def recheck(number: str, now: datetime) -> bool:
    """Ask the channel about a transfer that has succeeded. True where the money came back, and the books say so now.

    Then its booking is reversed, its claim stands, and the request is being paid back again: by hand (G7). Raises
    NotFound (no such transfer, or never sent), UnitsHeldElsewhere, ChannelUnreachable, NoGateway.
    """
    attempt = attempt_of(number)
    if attempt is None:
        raise NotFound()
    result = ask_channel(attempt)
    try:
        return _take_back(attempt, result, now)
    except OpenRequestExists as held:
        raise UnitsHeldElsewhere(**held.extra) from held


def _take_back(attempt: Attempt, result: Result, now: datetime) -> bool:
    number = attempt.instruction.number
    with transaction.atomic(durable=True):
        request = lock_alone("r.number = (SELECT reference FROM payments_transfer WHERE number = %s)", number)
        if request is None:
            raise NotFound()
        lock_captures(request.order_id)  # before the seller's accounts, which a reversal locks
        is_news = undo(attempt, result, now)
        # With another of its transfers still under way the request is being paid back anyway.
        if is_news and request.state == State.REFUNDED:
            note = f"{number}: {result.error_code}"
            apply_transition(request, "come_back", actor=SYSTEM, now=now, note=note)
        if is_news:
            take_over(request, now)
            close_when_through(request, now)
        return is_news
