"""Paying back: each transfer is sent with no transaction open, and written down before and after.

Transaction A marks the transfer as sent and the request as being paid. The channel is called under the
transfer's own number. Transaction B books the money and closes the request when all its transfers are through.
A crash between any two lines leaves a row that the sweep finds; the next try begins with a query.
"""

from datetime import datetime

from django.db import transaction

from marketplace.payments.models import Transfer
from marketplace.payments.operations import Attempt, begin, call_channel, record

from ..machine import State
from ..models import RefundRequest
from ..permissions import SYSTEM
from ..transitions import apply_transition
from .locking import lock


def pay(number: str, now: datetime) -> int:
    """Send every due transfer of the request; return how many were tried. Safe to call at any time, twice too."""
    due = Transfer.objects.filter(reference=number, state__in=Transfer.OPEN_STATES, next_try_at__lte=now)
    tried = 0
    for transfer_id in list(due.order_by("id").values_list("id", flat=True)):
        attempt = _mark_sent(number, transfer_id, now)
        if attempt is not None:
            result = call_channel(attempt)
            with transaction.atomic(durable=True):
                request = lock(number)
                record(attempt, result, now)
                _close_when_through(request, now)
            tried += 1
    return tried


def _mark_sent(number: str, transfer_id: int, now: datetime) -> Attempt | None:
    with transaction.atomic(durable=True):
        request = lock(number)
        attempt = begin(transfer_id, now)
        if attempt is not None and request.state == State.APPROVED:
            apply_transition(request, "pay", actor=SYSTEM, now=now)
        return attempt


def _close_when_through(request: RefundRequest, now: datetime) -> None:
    open_ones = Transfer.objects.filter(reference=request.number).exclude(state=Transfer.State.SUCCEEDED)
    if request.state == State.REFUNDING and not open_ones.exists():
        apply_transition(request, "settle", actor=SYSTEM, now=now)
