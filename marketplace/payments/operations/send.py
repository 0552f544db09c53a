"""Moving money out by its channel: begin, call, record. The caller owns the transactions around each."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from marketplace.kernel.money import Money
from marketplace.ledger.models import Kind
from marketplace.ledger.operations import book, reverse
from marketplace.ledger.queries import posted

from .. import gateways
from ..channels import FACTS
from ..gateways.base import ChannelUnreachable, Instruction, NoGateway, Result, Status
from ..models import Transfer, TransferState
from .bearing import lock_funds, shares

# Waits between tries; the last repeats. After RESEND_WITHIN a refund is not asked for again unless a person says so:
# a channel may have forgotten its number by then (Stripe prunes its keys after 24 h), and would pay it anew (G6).
RETRY_AFTER = tuple(timedelta(seconds=s) for s in (2, 10, 60, 300, 600, 1200, 1800))
RESEND_WITHIN = timedelta(hours=24)
# A call nobody answered may have been held up on its way. Until the last one that can have been sent cannot arrive any
# more, "not known" means nothing: the channel is asked again, and nobody else pays.
ARRIVES_WITHIN = timedelta(hours=2)
# A transfer left in `sending` this long lost its worker; the next try begins with a query.
STUCK_AFTER = timedelta(seconds=30)

State = Transfer.State
# What an answer makes of a transfer. RETRY and TOP_UP become MANUAL once it cannot arrive any more.
BECOMES = {
    Status.SUCCEEDED: State.SUCCEEDED,
    Status.PENDING: State.PENDING,
    Status.RETRY: State.QUEUED,
    Status.TOP_UP: State.QUEUED,
    Status.REFUSED: State.FAILED,
    Status.ABNORMAL: State.ABNORMAL,
    Status.PERSON: State.MANUAL,
}


class Attempt(NamedTuple):
    """A transfer marked as sent, with what the channel and the books need to hear."""

    transfer_id: int
    instruction: Instruction
    channel: str
    seller: str
    attempts: int
    from_settled: int
    resend_until: datetime
    is_accepted: bool  # the channel said once that it has it: only a query is ever needed


# One row of a transfer with all that its channel and the books ask for.
_ATTEMPT = """
t.id, t.number, t.attempts, t.resend_until, t.accepted_at IS NOT NULL, k.amount, k.from_settled, c.amount, c.currency, c.channel, c.channel_no, s.code
"""
_JOINED = """
JOIN payments_capture c ON c.id = k.capture_id
JOIN orders_order o ON o.id = c.order_id JOIN sellers_seller s ON s.id = o.seller_id
"""
# Across a border nothing is paid to a buyer whose identity nobody has checked (requirement B9).
_IDENTIFIED = "(o.currency = 'CNY' AND o.fx_rate IS NULL OR b.identity_verified_at IS NOT NULL)"
# Compare-and-set: only one of two workers finds the transfer due. Channels want a while between two refunds of one
# payment; the second waits for the next sweep.
_BEGIN = f"""
UPDATE payments_transfer t
SET state = 'sending', attempts = t.attempts + 1, sent_at = coalesce(t.sent_at, %(now)s), next_try_at = %(again)s,
    resend_until = coalesce(t.resend_until, %(resend_until)s)
FROM payments_claim k {_JOINED} JOIN identity_buyer b ON b.id = o.buyer_id
WHERE t.id = %(id)s AND k.id = t.claim_id AND t.next_try_at <= %(now)s AND t.state IN ('queued', 'sending', 'pending')
AND {_IDENTIFIED} AND (t.sent_at IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM payments_claim other_k JOIN payments_transfer other ON other.claim_id = other_k.id
    WHERE other_k.capture_id = c.id AND other.id <> t.id
    AND other.sent_at > %(now)s - (%(apart)s::jsonb ->> c.channel)::interval))
RETURNING {_ATTEMPT}
"""
_APART = json.dumps({channel: f"{facts.apart.total_seconds()} seconds" for channel, facts in FACTS.items()})


def begin(transfer_id: int, now: datetime) -> Attempt | None:
    """Mark a due transfer as being sent; None when it is not due or another worker has it."""
    with connection.cursor() as cursor:
        cursor.execute(
            _BEGIN,
            {
                "id": transfer_id,
                "now": now,
                "again": now + STUCK_AFTER,
                "resend_until": now + RESEND_WITHIN,
                "apart": _APART,
            },
        )
        return _attempt(cursor.fetchone())


_HOLD = f"""
UPDATE payments_transfer t SET error_code = 'identity_needed', error_detail = '', next_try_at = %(later)s
FROM payments_claim k {_JOINED} JOIN identity_buyer b ON b.id = o.buyer_id
WHERE t.id = %(id)s AND k.id = t.claim_id AND t.next_try_at <= %(now)s AND t.state = 'queued' AND NOT {_IDENTIFIED}
"""
IDENTITY_AGAIN = timedelta(minutes=10)


def hold_unidentified(transfer_id: int, now: datetime) -> None:
    """Put a transfer that `begin` passed over aside for a while, where it waits for its buyer's identity."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, {"id": transfer_id, "now": now, "later": now + IDENTITY_AGAIN})


def attempt_of(number: str) -> Attempt | None:
    """What a query about this transfer needs; None where we have no such transfer, or it was never sent."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_ATTEMPT} FROM payments_transfer t JOIN payments_claim k ON k.id = t.claim_id {_JOINED}"
            " WHERE t.number = %s AND t.sent_at IS NOT NULL",
            [number],
        )
        return _attempt(cursor.fetchone())


def _attempt(row: tuple[Any, ...] | None) -> Attempt | None:
    if row is None:
        return None
    pk, number, attempts, resend_until, is_accepted, amount, from_settled, captured, *where = row
    currency, channel, channel_no, seller = where
    instruction = Instruction(number, channel_no, Money(amount, currency), Money(captured, currency))
    return Attempt(pk, instruction, channel, seller, attempts, from_settled, resend_until, is_accepted)


def call_channel(attempt: Attempt, now: datetime) -> Result:
    """Talk to the channel: a query first wherever an earlier try may have arrived.

    No transaction is open: the caller's, before and after, are durable, and so refuse to run inside another.
    """
    try:
        gateway = gateways.for_channel(attempt.channel)
        if attempt.attempts > 1:
            known = gateway.query(attempt.instruction)
            if known.status is not Status.UNKNOWN:
                return known
            if now >= attempt.resend_until + ARRIVES_WITHIN:
                return Result(Status.REFUSED, error_code="never_arrived", error_detail=_NEVER_ARRIVED)
            if now >= attempt.resend_until:
                return Result(Status.RETRY, error_code="may_still_arrive", error_detail=_MAY_STILL_ARRIVE)
        return gateway.refund(attempt.instruction)
    except ChannelUnreachable as error:
        return Result(Status.RETRY, error_code="unreachable", error_detail=str(error))
    except NoGateway as error:
        return Result(Status.RETRY, error_code="no_gateway", error_detail=_NO_GATEWAY.format(error))


_NEVER_ARRIVED = "The channel knows no refund of this number, and it is too late to send it again."
_MAY_STILL_ARRIVE = "The channel knows no refund of this number, but a call of ours may still be on its way."
_NO_GATEWAY = "No keys for {}: set them, or name the channel in SANDBOX_ANSWERS_FOR."


def ask_channel(attempt: Attempt) -> Result:
    """What the channel says of this refund now; nothing is sent. Raises ChannelUnreachable, NoGateway."""
    return gateways.for_channel(attempt.channel).query(attempt.instruction)


_RECORD = """
UPDATE payments_transfer
SET state = %(state)s, error_code = %(code)s, error_detail = %(detail)s,
    channel_refund_no = coalesce(nullif(%(refund_no)s, ''), channel_refund_no),
    next_try_at = coalesce(%(next_try_at)s::timestamptz, next_try_at),
    accepted_at = coalesce(accepted_at, %(accepted_at)s::timestamptz), settled_at = %(settled_at)s::timestamptz
WHERE id = %(id)s AND state = ANY(%(of)s::text[])
"""


def record(
    attempt: Attempt, result: Result, now: datetime, *, of: Sequence[TransferState] = Transfer.OPEN_STATES
) -> TransferState | None:
    """Write down what the channel said of a transfer in one of the states `of`, and book the money when it went.

    Returns the state it is in now; None where it was in another, because a second worker brings the same news.
    """
    state, next_try_at = _next(attempt, result, now)
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "id": attempt.transfer_id,
                "of": [str(each) for each in of],
                "state": str(state),
                "code": result.error_code[:64],
                "detail": result.error_detail[:500],
                "refund_no": result.channel_refund_no,
                "next_try_at": next_try_at,
                "accepted_at": now if result.status is Status.PENDING else None,
                "settled_at": now if state == State.SUCCEEDED else None,
            },
        )
        if not cursor.rowcount:
            return None
    if state == State.SUCCEEDED:
        money = attempt.instruction.money
        book(
            recipe="refund",
            reference=f"refund:{attempt.instruction.number}",
            amount=money.amount,
            currency=money.currency,
            occurred_at=now,
            shares=shares(
                amount=money.amount,
                from_settled=attempt.from_settled,
                seller=attempt.seller,
                currency=money.currency,
            ),
            channel=attempt.channel,
            seller=attempt.seller,
        )
    return state


def _next(attempt: Attempt, result: Result, now: datetime) -> tuple[TransferState, datetime | None]:
    """The transfer's state after this answer, and when it is tried again, if it is."""
    state = BECOMES[result.status]
    if state == State.QUEUED and attempt.is_accepted:
        state = State.PENDING  # a query that was not answered changes nothing
    if state == State.QUEUED and now >= attempt.resend_until + ARRIVES_WITHIN:
        return State.MANUAL, None
    if state not in (State.QUEUED, State.PENDING):
        return state, None
    waits = FACTS[attempt.channel].poll if state == State.PENDING else RETRY_AFTER
    return state, now + waits[min(attempt.attempts, len(waits)) - 1]


_UNDO = """
UPDATE payments_transfer t SET state = %(state)s, error_code = %(code)s, error_detail = %(detail)s, settled_at = NULL
WHERE t.id = %(id)s AND t.state = 'succeeded'
AND NOT EXISTS (SELECT 1 FROM payments_payout p WHERE p.transfer_id = t.id AND p.paid_at IS NOT NULL)
"""


def undo(attempt: Attempt, result: Result, now: datetime) -> bool:
    """Money that had arrived came back (the channel says so): the booking is reversed, the transfer waits for a person.

    False, and nothing done, where the answer says no such thing, or it is known already.
    """
    state = BECOMES.get(result.status)
    if state not in Transfer.BY_HAND_STATES:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            _UNDO,
            {
                "id": attempt.transfer_id,
                "state": str(state),
                "code": result.error_code[:64],
                "detail": result.error_detail[:500],
            },
        )
        if not cursor.rowcount:
            return False
    _reopen_repaid_debt(attempt, now)
    reverse(f"refund:{attempt.instruction.number}", now)
    return True


def _reopen_repaid_debt(attempt: Attempt, now: datetime) -> None:
    """A debt that the refund made and the seller has repaid since cannot be taken back from what is owed now: what is
    missing there becomes payable again, and the reversal finds the debt as it left it.
    """
    number, currency = attempt.instruction.number, attempt.instruction.money.currency
    made = posted(f"refund:{number}", Kind.DEBT)
    repaid = made - lock_funds(attempt.seller, currency)[Kind.DEBT] if made else 0
    if repaid > 0:
        book(
            recipe="debt_reopened",
            reference=f"debt_reopened:{number}",
            amount=repaid,
            currency=currency,
            occurred_at=now,
            seller=attempt.seller,
        )


def try_again(transfer: Transfer, now: datetime) -> None:
    """A person has seen to it (topped up, set keys, thawed the trade): ask and, if need be, send again for a day.

    The transfer is locked and in state `manual`.
    """
    transfer.state, transfer.next_try_at, transfer.resend_until = State.QUEUED, now, now + RESEND_WITHIN
    transfer.save(update_fields=["state", "next_try_at", "resend_until"])
