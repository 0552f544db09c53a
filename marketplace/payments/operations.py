"""Reserving money and moving it out. The caller owns the transaction where one is needed."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.kernel import ids
from marketplace.kernel.errors import Refusal
from marketplace.ledger.operations import book

from . import gateways
from .gateways.base import ChannelUnreachable, Instruction, NoGateway, Result, Status
from .models import Capture, Claim, Transfer

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
    """A transfer marked as sent, with what the channel needs to hear."""

    transfer: Transfer
    instruction: Instruction
    query_first: bool


def lock_captures(order_id: int) -> list[Capture]:
    """The order's captures, oldest first, locked."""
    captures = Capture.objects.select_for_update().filter(order_id=order_id)
    return list(captures.order_by("captured_at", "id"))


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


def reserve(parts: Iterable[Part], *, reference: str, now: datetime) -> list[Transfer]:
    """Claim the parts and queue one transfer each. The captures are locked by the caller."""
    claims = Claim.objects.bulk_create(
        Claim(
            capture=part.capture,
            kind=Claim.Kind.REFUND,
            reference=reference,
            amount=part.amount,
            created_at=now,
        )
        for part in parts
    )
    return Transfer.objects.bulk_create(
        Transfer(
            claim=claim, number=ids.number("RT", now), reference=reference, next_try_at=now, created_at=now
        )
        for claim in claims
    )


def begin(transfer_id: int, now: datetime) -> Attempt | None:
    """Mark a due transfer as being sent; None when it is not due or another worker holds it."""
    transfer = (
        Transfer.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("claim__capture__order__seller")
        .filter(pk=transfer_id, state__in=Transfer.OPEN_STATES, next_try_at__lte=now)
        .first()
    )
    if transfer is None:
        return None
    query_first = transfer.attempts > 0
    transfer.state = Transfer.State.SENDING
    transfer.attempts += 1
    transfer.sent_at = transfer.sent_at or now
    transfer.next_try_at = now + STUCK_AFTER
    transfer.save(update_fields=["state", "attempts", "sent_at", "next_try_at"])
    instruction = Instruction(transfer.number, transfer.claim.capture.channel_no, transfer.money)
    return Attempt(transfer, instruction, query_first)


def call_channel(attempt: Attempt) -> Result:
    """Talk to the channel, with no transaction open: a query first wherever an earlier try may have arrived."""
    with transaction.atomic(durable=True):
        pass  # raises where a transaction is open: no lock is ever held across the network
    channel = attempt.transfer.claim.capture.channel
    try:
        gateway = gateways.for_channel(channel)
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
            error_detail=f"No keys for {channel}: set them, or name it in SANDBOX_ANSWERS_FOR.",
        )


def record(transfer: Transfer, result: Result, now: datetime) -> None:
    """Write down what the channel said, and book the money when it went. Idempotent per transfer."""
    transfer = (
        Transfer.objects.select_for_update(of=("self",))
        .select_related("claim__capture__order__seller")
        .get(pk=transfer.pk)
    )
    if transfer.state not in Transfer.OPEN_STATES:
        return  # a slower worker comes second with the same news
    transfer.error_code, transfer.error_detail = result.error_code, result.error_detail[:500]
    transfer.channel_refund_no = result.channel_refund_no or transfer.channel_refund_no
    if result.status is Status.SUCCEEDED:
        transfer.state, transfer.settled_at = Transfer.State.SUCCEEDED, now
        _book(transfer, now)
    elif result.status is Status.REFUSED or now - transfer.created_at > GIVE_UP_AFTER:
        transfer.state = Transfer.State.MANUAL
    else:
        pending = result.status is Status.PENDING
        transfer.state = Transfer.State.PENDING if pending else Transfer.State.QUEUED
        transfer.next_try_at = now + RETRY_AFTER[min(transfer.attempts, len(RETRY_AFTER)) - 1]
    transfer.save()


def _book(transfer: Transfer, now: datetime) -> None:
    capture = transfer.claim.capture
    book(
        recipe="refund",
        reference=f"refund:{transfer.number}",
        amount=transfer.claim.amount,
        currency=capture.currency,
        occurred_at=now,
        channel=capture.channel,
        seller=capture.order.seller.code,
    )
