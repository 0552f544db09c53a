"""Refund requests for tests, brought to a state the way the program would: filed, then moved through the door."""

import itertools
from collections import deque
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from marketplace.kernel.idempotency import Key
from marketplace.kernel.models import OutboxJob
from marketplace.kernel.outbox import TOGETHER
from marketplace.notices.operations.deliver import deliver
from marketplace.orders.models import Order
from refunds import precedents
from refunds.machine import EDGES, Edge, Party, State
from refunds.models import RefundRequest
from refunds.operations import judging, provider_check, review
from refunds.operations.approve import approve
from refunds.operations.decide import precheck
from refunds.operations.file import Filing, file_request
from refunds.operations.judging import Ruling
from refunds.operations.locking import clock_after
from refunds.operations.news import take_notification
from refunds.operations.pay import pay
from refunds.operations.return_duplicates import return_duplicates
from refunds.operations.run_backtests import run_backtests
from refunds.operations.tell import tell_waiting
from refunds.permissions import Actor
from refunds.transitions import apply_transition

from .factories import hours, make_order
from .people import Cast

_keys = itertools.count(1)
# The moves by which a person decides.
JUDGED = {*review.APPROVES.values(), *review.REJECTS.values()}
DELIVERED = {"events": [("delivered", hours(-3))]}


def make_request(
    cast: Cast,
    *,
    state: str = State.SUBMITTED,
    reason: str = "invalid_code",
    order: Order | None = None,
    decided: bool = False,
    now: datetime | None = None,
    **order_fields: Any,
) -> RefundRequest:
    """A request in `state`, by the shortest way there; `decided` runs the real pre-check first."""
    now = now or timezone.now()
    order = order or make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, **{"total": 9900, **DELIVERED, **order_fields}
    )
    request = file(order, reason=reason, now=now)
    if decided:
        precheck(request.pk, now)
        request.refresh_from_db()
    return bring(request, state, cast, now=now)


def bring(request: RefundRequest, state: str, cast: Cast, *, now: datetime | None = None) -> RefundRequest:
    """Move the request to `state` by the shortest way, and read it anew."""
    for edge in _way(request.state, state):
        _move(request, edge, cast, now or timezone.now())
    return RefundRequest.objects.get(pk=request.pk)


_PUT_CLOCK = """
SET LOCAL session_replication_role = replica;
UPDATE refunds_deadline SET due_at = '{due_at}' WHERE request_id = {id} AND kind = '{kind}' AND closed_at IS NULL;
UPDATE refunds_refundrequest SET due_at = '{due_at}' WHERE id = {id};
SET LOCAL session_replication_role = origin;
"""


def put_clock(request: RefundRequest, due_at: datetime) -> None:
    """As if time had passed: the clock the request shows runs out at `due_at`, which the product never lets be sooner."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PUT_CLOCK.format(due_at=due_at.isoformat(), id=request.pk, kind=request.due_kind))


def file(
    order: Order, *, reason: str = "invalid_code", now: datetime | None = None, **filing: Any
) -> RefundRequest:
    """File through the operation, and forget the job it queued."""
    key = Key(f"buyer:{order.buyer_id}:file", f"test-{next(_keys)}", b"0" * 32)
    outcome = file_request(
        buyer_id=order.buyer_id,
        filing=Filing(order.no, reason, **filing),
        key=key,
        present=lambda request, _units: {"number": request.number},
        now=now or timezone.now(),
    )
    OutboxJob.objects.all().delete()
    return RefundRequest.objects.get(number=outcome.answer["number"])


def work(now: datetime | None = None) -> None:
    """What scheduler and worker do: take the outbox and run its jobs until it is empty."""
    tasks: dict[str, Any] = {
        "refunds.precheck": precheck,
        "refunds.pay": pay,
        "refunds.return_duplicates": return_duplicates,
        "refunds.take_notification": take_notification,
        "refunds.deliver": deliver,
        "refunds.ask_provider": provider_check.call,
        "refunds.run_backtests": lambda at: run_backtests(lambda: at),
    }
    while jobs := list(OutboxJob.objects.order_by("id")):
        for job in jobs:
            if job.task.startswith(TOGETHER):
                continue
            tasks[job.task](*job.args, now or timezone.now())
            job.delete()
        tell_waiting(now or timezone.now())


def _way(source: str, target: str) -> list[Edge]:
    """The shortest list of edges from source to target."""
    ways: deque[tuple[str, list[Edge]]] = deque([(source, [])])
    seen = {source}
    while ways:
        state, way = ways.popleft()
        if state == target:
            return way
        for edge in EDGES:
            if edge.source == state and edge.target not in seen:
                seen.add(edge.target)
                ways.append((edge.target, [*way, edge]))
    raise AssertionError(f"no way from {source} to {target}")


def _move(request: RefundRequest, edge: Edge, cast: Cast, now: datetime) -> None:
    people = {
        Party.SELLER: cast.seller_user.pk,
        Party.REVIEWER: cast.reviewer.pk,
        Party.SUPERVISOR: cast.supervisor.pk,
    }
    party = sorted(edge.by)[0]
    actor = Actor(party, people.get(party))
    with transaction.atomic():
        if edge.target == State.APPROVED:
            maker, checker = cast.reviewer.pk, cast.second_reviewer.pk
            approve(
                request,
                edge.event,
                actor=actor,
                now=now,
                amount=request.amount,
                maker_id=maker,
                checker_id=checker,
            )
        else:
            due = clock_after(edge.event, request, now)
            apply_transition(request, edge.event, actor=actor, now=now, due=due)
        if edge.event in JUDGED:
            amount = request.amount if edge.target == State.APPROVED else 0
            ruling = Ruling("none", "Decided.", "" if amount else "B3")
            question = precedents.question_of(request)
            judging.keep(request, question, ruling, user_id=actor.user_id, amount=amount, now=now)
    OutboxJob.objects.all().delete()
