"""Reserving money and moving it out. The caller owns the transaction where one is needed."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.utils.translation import gettext_lazy as _

from marketplace.kernel import ids
from marketplace.kernel.errors import Refusal
from marketplace.kernel.money import Money
from marketplace.ledger.operations import book

from . import gateways
from .gateways.base import ChannelUnreachable, Instruction, NoGateway, Result, Status
from .models import Capture, Transfer

# Waits between tries; the last repeats. After GIVE_UP_AFTER a person takes over (retry, query, give up: G6).
RETRY_AFTER = tuple(timedelta(seconds=s) for s in (2, 10, 60, 300, 600, 1200, 1800))
GIVE_UP_AFTER = timedelta(hours=24)
# A transfer left in `sending` this long lost its worker; the next try begins with a query.
STUCK_AFTER = timedelta(seconds=30)


class NotEnoughCaptured(Refusal):
    code = "amount_not_available"
    status = 422
    title = _("More than what is left of the payment.")


class Part(NamedTuple):
    capture: Capture
    amount: int


class Attempt(NamedTuple):
    """A transfer marked as sent, with what the channel and the books need to hear."""

    transfer_id: int
    instruction: Instruction
    channel: str
    seller: str
    attempts: int
    created_at: datetime
    query_first: bool


def lock_captures(order_id: int) -> list[Capture]:
    """The order's captures, oldest first, locked."""
    sql = "SELECT * FROM payments_capture WHERE order_id = %s ORDER BY captured_at, id FOR UPDATE"
    return list(Capture.objects.raw(sql, [order_id]))


def allocate(captures: Iterable[Capture], amount: int) -> list[Part]:
    """Take amount from the captures in the order given (original route). Raises NotEnoughCaptured."""
    parts = []
    left = amount
    for capture in captures:
        take = min(left, capture.available)
        if take > 0:
            parts.append(Part(capture, take))
            left -= take
    if left or not parts:
        raise NotEnoughCaptured(amount=amount, available=amount - left)
    return parts


# Claims and their transfers in one round trip.
_RESERVE = """
WITH part AS (
    SELECT * FROM unnest(%(captures)s::bigint[], %(amounts)s::bigint[], %(numbers)s::text[]) AS p(capture, amount, number)
), claim AS (
    INSERT INTO payments_claim (capture_id, kind, reference, amount, created_at)
    SELECT capture, 'refund', %(reference)s, amount, %(now)s FROM part RETURNING id, capture_id
)
INSERT INTO payments_transfer
    (claim_id, number, reference, state, attempts, next_try_at, channel_refund_no, error_code, error_detail, created_at)
SELECT claim.id, part.number, %(reference)s, 'queued', 0, %(now)s, '', '', '', %(now)s
FROM claim JOIN part ON part.capture = claim.capture_id
"""


def reserve(parts: Sequence[Part], *, reference: str, now: datetime) -> None:
    """Claim the parts and queue one transfer each. The captures are locked by the caller."""
    with connection.cursor() as cursor:
        cursor.execute(
            _RESERVE,
            {
                "captures": [part.capture.pk for part in parts],
                "amounts": [part.amount for part in parts],
                "numbers": [ids.number("RT", now) for _part in parts],
                "reference": reference,
                "now": now,
            },
        )


# Compare-and-set: only one of two workers finds the transfer due.
_BEGIN = """
UPDATE payments_transfer t
SET state = 'sending', attempts = t.attempts + 1, sent_at = coalesce(t.sent_at, %(now)s), next_try_at = %(again)s
FROM payments_claim k JOIN payments_capture c ON c.id = k.capture_id
JOIN orders_order o ON o.id = c.order_id JOIN sellers_seller s ON s.id = o.seller_id
WHERE t.id = %(id)s AND k.id = t.claim_id AND t.next_try_at <= %(now)s AND t.state IN ('queued', 'sending', 'pending')
RETURNING t.id, t.number, t.attempts, t.created_at, k.amount, c.currency, c.channel, c.channel_no, s.code
"""


def begin(transfer_id: int, now: datetime) -> Attempt | None:
    """Mark a due transfer as being sent; None when it is not due or another worker has it."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, {"id": transfer_id, "now": now, "again": now + STUCK_AFTER})
        row = cursor.fetchone()
    if row is None:
        return None
    pk, number, attempts, created_at, amount, currency, channel, channel_no, seller = row
    instruction = Instruction(number, channel_no, Money(amount, currency))
    return Attempt(pk, instruction, channel, seller, attempts, created_at, query_first=attempts > 1)


def call_channel(attempt: Attempt) -> Result:
    """Talk to the channel: a query first wherever an earlier try may have arrived.

    No transaction is open: the caller's, before and after, are durable, and so refuse to run inside another.
    """
    try:
        gateway = gateways.for_channel(attempt.channel)
        if attempt.query_first:
            known = gateway.query(attempt.instruction)
            if known.status is not Status.UNKNOWN:
                return known
        return gateway.refund(attempt.instruction)
    except ChannelUnreachable as error:
        return Result(Status.RETRY, error_code="unreachable", error_detail=str(error))
    except NoGateway:
        return Result(
            Status.RETRY,
            error_code="no_gateway",
            error_detail=f"No keys for {attempt.channel}: set them, or name it in SANDBOX_ANSWERS_FOR.",
        )


_RECORD = """
UPDATE payments_transfer
SET state = %(state)s, error_code = %(code)s, error_detail = %(detail)s,
    channel_refund_no = coalesce(nullif(%(refund_no)s, ''), channel_refund_no),
    next_try_at = coalesce(%(next_try_at)s::timestamptz, next_try_at),
    settled_at = %(settled_at)s::timestamptz
WHERE id = %(id)s AND state IN ('queued', 'sending', 'pending')
"""


def record(attempt: Attempt, result: Result, now: datetime) -> None:
    """Write down what the channel said, and book the money when it went. A second worker's same news is dropped."""
    state, next_try_at = _next(attempt, result, now)
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "id": attempt.transfer_id,
                "state": str(state),
                "code": result.error_code,
                "detail": result.error_detail[:500],
                "refund_no": result.channel_refund_no,
                "next_try_at": next_try_at,
                "settled_at": now if state == Transfer.State.SUCCEEDED else None,
            },
        )
        is_news = cursor.rowcount == 1
    if is_news and state == Transfer.State.SUCCEEDED:
        money = attempt.instruction.money
        book(
            recipe="refund",
            reference=f"refund:{attempt.instruction.number}",
            amount=money.amount,
            currency=money.currency,
            occurred_at=now,
            channel=attempt.channel,
            seller=attempt.seller,
        )


def _next(attempt: Attempt, result: Result, now: datetime) -> tuple[str, datetime | None]:
    """The transfer's state after this answer, and when it is tried again, if it is."""
    if result.status is Status.SUCCEEDED:
        return Transfer.State.SUCCEEDED, None
    if result.status is Status.REFUSED or now - attempt.created_at > GIVE_UP_AFTER:
        return Transfer.State.MANUAL, None
    wait = RETRY_AFTER[min(attempt.attempts, len(RETRY_AFTER)) - 1]
    is_pending = result.status is Status.PENDING
    return Transfer.State.PENDING if is_pending else Transfer.State.QUEUED, now + wait
