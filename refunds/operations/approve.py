"""Approving: whoever does it, the money is reserved in the same transaction. Not called by interfaces."""

from datetime import datetime

from django.db import IntegrityError, connection
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal
from marketplace.kernel.money import split
from marketplace.kernel.outbox import enqueue
from marketplace.payments.models import Capture
from marketplace.payments.operations.reserve import NotEnoughCaptured, allocate, lock_captures, reserve

from ..models import RefundItem, RefundRequest
from ..permissions import Actor
from ..transitions import Approval, apply_transition, edge_for
from .disputed import reserve_beside_disputes


class AmountOutOfRange(Refusal):
    code = "amount_out_of_range"
    status = 422
    title = _("The amount must be more than nothing and no more than was asked.")


class UnitReplaced(Refusal):
    code = "unit_replaced"
    title = _("A unit of this request was replaced. Its replacement stands in its place: file for that one.")


def approve(
    request: RefundRequest,
    *events: str,
    actor: Actor,
    now: datetime,
    amount: int,
    clause: str = "",
    note: str = "",
    maker_id: int | None = None,
    checker_id: int | None = None,
) -> None:
    """Move the locked request to approved and reserve `amount` minor units from its captures.

    Raises AmountOutOfRange, DisputeOpen, NotEnoughCaptured, UnitReplaced, and what apply_transition raises.
    """
    edge_for(
        request.state, events[0], actor.party
    )  # who comes too late hears that, not that the money is gone
    if not 0 < amount <= request.amount:
        raise AmountOutOfRange(amount=amount, at_most=request.amount)
    _reserve(request, amount, actor, now)
    try:
        _share(request, amount)
    except IntegrityError as error:
        if "paid_in_place" not in str(error):
            raise
        raise UnitReplaced() from error
    enqueue("refunds.pay", request.number)
    apply_transition(
        request,
        *events,
        actor=actor,
        now=now,
        clause=clause,
        note=note,
        approval=Approval(amount, maker_id, checker_id),
    )


def _reserve(request: RefundRequest, amount: int, actor: Actor, now: datetime) -> None:
    captures = _captures(request)
    try:
        parts = allocate(captures, amount)
    except NotEnoughCaptured:
        reserve_beside_disputes(captures, amount, actor=actor, reference=request.number, now=now)
    else:
        reserve(parts, reference=request.number, now=now)


def _captures(request: RefundRequest) -> list[Capture]:
    """Oldest first; for a duplicate charge the latest, which is the one that should not have been."""
    captures = lock_captures(request.order_id)
    return captures[::-1] if request.reason == "duplicate_charge" else captures


def _share(request: RefundRequest, amount: int) -> None:
    """Write down what each unit gets back, exactly."""
    if amount == request.amount:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE refunds_refunditem SET approved_amount = amount WHERE request_id = %s", [request.pk]
            )
        return
    rows = list(RefundItem.objects.filter(request=request).order_by("id"))
    if any(row.amount for row in rows):
        for row, part in zip(rows, split(amount, [row.amount for row in rows]), strict=True):
            row.approved_amount = part
        RefundItem.objects.bulk_update(rows, ["approved_amount"])
