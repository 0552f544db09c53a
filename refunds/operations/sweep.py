"""What was lost is found again, and what is overdue acts: set-based, in batches, safe to run twice at once."""

import logging
from collections import defaultdict
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from marketplace.kernel.outbox import enqueue
from marketplace.payments.models import Transfer

from .. import clocks
from ..machine import ON_OVERDUE, ON_OVERDUE_OF_CLOCK, State
from ..models import OfferAnswer, RefundRequest
from ..policies import Policy, in_force
from ..transitions import apply_transition_in_bulk
from .offered import end
from .outage import is_out

log = logging.getLogger(__name__)
BATCH = 5000
# How an offer ends whose clock has run out.
UNANSWERED = {"buyer_silent": OfferAnswer.LAPSED, "promise_broken": OfferAnswer.BROKEN}
FEW = 500  # each is a job of its own
# A pre-check takes well under a second; one not done by now has lost its message.
LOST_AFTER = timedelta(seconds=10)


def sweep_prechecks(now: datetime) -> int:
    """Queue requests whose message was lost, and those filed for a time that has come; return how many.

    Each is a job of its own, so that one that fails keeps nobody else waiting. Where one waits longer than the terms
    promise (E2, `precheck_seconds`), the log says so: the workers are down, or too few.
    """
    waiting = RefundRequest.objects.filter(state=State.SUBMITTED).filter(
        Q(due_at__isnull=True, filed_at__lte=now - LOST_AFTER) | Q(due_at__lte=now)
    )
    columns = ("id", "number", "order__goods_type", "filed_at", "due_at")
    rows = list(waiting.order_by("id").values_list(*columns)[:FEW])
    late = []
    for request_id, number, goods_type, filed_at, due_at in rows:
        enqueue("refunds.precheck", request_id)
        promised = timedelta(seconds=in_force(goods_type, filed_at).terms.clocks.precheck_seconds)
        if now > (due_at or filed_at) + promised:
            late.append(number)
    if late:
        log.warning("%d pre-checks are later than promised, the first %s", len(late), late[0])
    return len(rows)


def sweep_transfers(now: datetime) -> int:
    """Queue the payer for transfers whose time has come: retries, pending ones, and those a crash left behind."""
    due = Transfer.objects.filter(state__in=Transfer.OPEN_STATES, next_try_at__lte=now)
    numbers = list(due.order_by("next_try_at").values_list("reference", flat=True)[:FEW])
    for number in dict.fromkeys(numbers):
        enqueue("refunds.pay", number)
    return len(numbers)


def sweep_deadlines(now: datetime) -> int:
    """Move every overdue request on: a side's silence or a broken promise takes it to a reviewer (E3, E9, F2).

    While the platform cannot be used, and until that time has been added to the clocks, silence says nothing.
    """
    if is_out():
        return 0
    moved = 0
    for source, event in ON_OVERDUE.items():
        while batch := _move_batch(source, event, now):
            moved += batch
    return moved


def _move_batch(source: str, event: str, now: datetime) -> int:
    with transaction.atomic(durable=True):
        overdue = RefundRequest.objects.filter(state=source, due_at__lte=now)
        rows = overdue.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "id")
        # One clock is worked out for all that are alike, and not for each.
        alike: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        policies: dict[str, Policy] = {}
        columns = ("id", "due_kind", "order__goods_type", "reason", "filed_at")
        for request_id, clock, goods_type, reason, filed_at in rows.values_list(*columns)[:BATCH]:
            move = ON_OVERDUE_OF_CLOCK.get(clock, event)
            policy = in_force(goods_type, filed_at)
            policies[policy.ref] = policy
            alike[move, reason, policy.ref].append(request_id)
        moved = 0
        for (move, reason, ref), ids in alike.items():
            if move in UNANSWERED:
                end(ids, UNANSWERED[move], now)
            due = clocks.after(move, policies[ref].terms.clocks, reason, now)
            moved += apply_transition_in_bulk(ids, source, move, now=now, due=due)
        return moved
