"""Reserving money of an order's captures, and giving it free again. The caller owns the transaction.

Locks are taken in one order: order, request, captures by age. Whoever reserves has locked the captures first.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils.translation import gettext_lazy as _

from marketplace.kernel import ids
from marketplace.kernel.errors import Refusal

from ..models import Capture, Claim


class NotEnoughCaptured(Refusal):
    code = "amount_not_available"
    status = 422
    title = _("More than what is left of the payment.")


class Part(NamedTuple):
    """So much of a capture; `from_settled` of it comes from the seller's own money, because it has left escrow."""

    capture: Capture
    amount: int
    from_settled: int


def lock_captures(order_id: int) -> list[Capture]:
    """The order's captures, oldest first, locked."""
    sql = "SELECT * FROM payments_capture WHERE order_id = %s ORDER BY captured_at, id FOR UPDATE"
    return list(Capture.objects.raw(sql, [order_id]))


def allocate(captures: Iterable[Capture], amount: int) -> list[Part]:
    """Take amount from the captures in the order given (original route), from escrow where it still is.

    Raises NotEnoughCaptured.
    """
    parts = []
    left = amount
    for capture in captures:
        take = min(left, capture.available)
        if take > 0:
            parts.append(Part(capture, take, max(0, take - capture.in_escrow)))
            left -= take
    if left or not parts:
        raise NotEnoughCaptured(amount=amount, available=amount - left)
    return parts


# Claims and their transfers in one round trip.
_RESERVE = """
WITH part AS (
    SELECT * FROM unnest(%(captures)s::bigint[], %(amounts)s::bigint[], %(from_settled)s::bigint[], %(numbers)s::text[])
        AS p(capture, amount, from_settled, number)
), claim AS (
    INSERT INTO payments_claim (capture_id, kind, reference, amount, from_settled, created_at)
    SELECT capture, 'refund', %(reference)s, amount, from_settled, %(now)s FROM part RETURNING id, capture_id
)
INSERT INTO payments_transfer
    (claim_id, number, reference, state, attempts, next_try_at, channel_refund_no, error_code, error_detail, created_at)
SELECT claim.id, part.number, %(reference)s, 'queued', 0, %(now)s, '', '', '', %(now)s
FROM claim JOIN part ON part.capture = claim.capture_id
"""


def reserve(parts: Sequence[Part], *, reference: str, now: datetime) -> None:
    """Claim the parts for a refund and queue one transfer each. The captures are locked by the caller."""
    with connection.cursor() as cursor:
        cursor.execute(
            _RESERVE,
            {
                "captures": [part.capture.pk for part in parts],
                "amounts": [part.amount for part in parts],
                "from_settled": [part.from_settled for part in parts],
                "numbers": [ids.number("RT", now) for _part in parts],
                "reference": reference,
                "now": now,
            },
        )


def claim(part: Part, *, kind: Claim.Kind, reference: str, now: datetime) -> Claim:
    """Claim a part for what moves no money of ours: a chargeback, a complaint, a replacement on offer.

    The capture is locked by the caller.
    """
    return Claim.objects.create(
        capture=part.capture,
        kind=kind,
        reference=reference,
        amount=part.amount,
        from_settled=part.from_settled,
        created_at=now,
    )


def release(claim: Claim, now: datetime) -> None:
    """Give a claim's money free. Raises the database's error where it was released before."""
    claim.released_at = now
    claim.save(update_fields=["released_at"])


_LOCK_CLAIMED = """
SELECT c.id FROM payments_capture c JOIN payments_claim k ON k.capture_id = c.id
WHERE k.reference = ANY(%(references)s) AND k.kind = %(kind)s AND k.released_at IS NULL
ORDER BY c.captured_at, c.id FOR UPDATE OF c
"""
_RELEASE_ALL = """
UPDATE payments_claim SET released_at = %(now)s
WHERE reference = ANY(%(references)s) AND kind = %(kind)s AND released_at IS NULL
"""


def release_all(references: Sequence[str], kind: Claim.Kind, now: datetime) -> None:
    """Give free what these references hold by claims of this kind; their captures are locked first, by age."""
    parameters: dict[str, Any] = {"references": list(references), "kind": kind.value, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_CLAIMED, parameters)
        cursor.execute(_RELEASE_ALL, parameters)


def call_off(reference: str, now: datetime) -> bool:
    """Call off a refund none of whose transfers was ever sent, and release its claims. False where one was.

    The request and the captures are locked by the caller.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CALL_OFF, {"reference": reference, "now": now})
        return bool(cursor.rowcount)


_CALL_OFF = """
WITH mine AS (
    SELECT id, claim_id, state, sent_at FROM payments_transfer WHERE reference = %(reference)s AND state <> 'cancelled'
    ORDER BY id FOR UPDATE
), off AS (
    UPDATE payments_transfer SET state = 'cancelled'
    WHERE id IN (SELECT id FROM mine) AND NOT EXISTS (SELECT 1 FROM mine WHERE sent_at IS NOT NULL)
    RETURNING claim_id
)
UPDATE payments_claim SET released_at = %(now)s WHERE id IN (SELECT claim_id FROM off)
"""
