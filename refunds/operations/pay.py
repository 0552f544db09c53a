"""Paying back: each transfer is sent with no transaction open, and written down before and after.

Transaction A marks the transfer as sent and the request as being paid. The channel is called under the
transfer's own number. Transaction B books the money and closes the request when all its transfers are through.
A crash between any two lines leaves a row that the sweep finds; the next try begins with a query.
"""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from marketplace.kernel.errors import NotFound
from marketplace.payments.models import Transfer
from marketplace.payments.operations.send import Attempt, begin, call_channel, hold_unidentified, record

from .. import clocks
from ..machine import State
from ..models import RefundRequest
from ..permissions import SYSTEM
from ..policies import in_force
from ..transitions import apply_transition
from .charged_back import take_over
from .locking import lock_alone

_DUE = (
    "SELECT id FROM payments_transfer WHERE reference = %s AND next_try_at <= %s"
    " AND state IN ('queued', 'sending', 'pending') ORDER BY id"
)
_IS_THROUGH = (
    "SELECT bool_and(state IN ('succeeded', 'charged_back')), bool_or(state = 'charged_back')"
    " FROM payments_transfer WHERE reference = %s AND state <> 'cancelled'"
)


def pay(number: str, now: datetime) -> int:
    """Send every due transfer of the request; return how many were tried. Safe to call at any time, twice too."""
    tried = 0
    for (transfer_id,) in _rows(_DUE, number, now):
        attempt = _mark_sent(number, transfer_id, now)
        if attempt is not None:
            result = call_channel(attempt, now)
            with transaction.atomic(durable=True):
                request = _lock(number)
                if record(attempt, result, now) in Transfer.BY_HAND_STATES:
                    take_over(request, now)
                close_when_through(request, now)
            tried += 1
    return tried


def _mark_sent(number: str, transfer_id: int, now: datetime) -> Attempt | None:
    with transaction.atomic(durable=True):
        request = _lock(number)
        attempt = begin(transfer_id, now)
        if attempt is None:
            hold_unidentified(transfer_id, now)
        elif request.state == State.APPROVED:
            terms = in_force(request.goods_type, request.filed_at).terms.clocks
            due = clocks.payout(attempt.channel, terms, now)
            apply_transition(request, "pay", actor=SYSTEM, now=now, due=due)
        return attempt


def close_when_through(request: RefundRequest, now: datetime) -> None:
    """The buyer has the money of all transfers, by us or by a chargeback: the locked request is paid back."""
    if request.state == State.REFUNDING:
        [(is_through, by_chargeback)] = _rows(_IS_THROUGH, request.number)
        if is_through:
            apply_transition(request, "charged_back" if by_chargeback else "settle", actor=SYSTEM, now=now)


def _lock(number: str) -> RefundRequest:
    request = lock_alone("r.number = %s", number)
    if request is None:
        raise NotFound()
    return request


def _rows(sql: str, *values: str | datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
