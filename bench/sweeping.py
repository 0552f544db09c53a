"""sweep: overdue requests moved on among a million open ones, against batched set-based SQL by hand.

A fifth is overdue, in groups an hour apart: each round sweeps one group with the program and one by hand, in the
same table. Due dates follow the filing order roughly, as clocks of equal length do.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
from django.utils import timezone

from marketplace.orders.models import Unit

from . import report, rows
from .crew import ROUNDS, interleave
from .server import Server, connect, point_django_at

NAME = "sweep"
UNIT = "requests/s"
TARGET = report.at_least(0.6)
OPEN = 1_000_000
OVERDUE = 0.2
BATCH = 5000
SHUFFLED = 2000  # how far a due date may lie from its place in the filing order, in requests


def run(server: Server, scale: float) -> report.Figure:
    count = int(OPEN * scale)
    groups = 2 * (ROUNDS + 1)  # a round takes two; one pair to warm up
    size = int(count * OVERDUE / groups)
    first = timezone.now() - timedelta(hours=groups)
    with server.database(NAME) as url:
        with rows.Loader(url) as load:
            _load(load, count, size, first, groups)
        instants = iter([first + timedelta(hours=group) for group in range(groups)])
        point_django_at(url)
        with connect(url) as connection:

            def ours() -> float:
                return _rate(size, lambda at: by_program(at), next(instants))

            def floor() -> float:
                return _rate(size, lambda at: by_hand(connection, at), next(instants))

            ours(), floor()
            return interleave(NAME, ours, floor, UNIT)


def _load(load: rows.Loader, count: int, size: int, first: datetime, groups: int) -> None:
    units = 4  # an order: orders are wide, and the sweep reads one column of theirs
    rows.orders(load, count // units + 1)
    load.fill(
        Unit,
        count,
        order_id=f"(n - 1) / {units} + 1",
        ref=f"(n % {units})::text",
        amount=str(rows.TOTAL),
    )
    place = f"(n + hashint8(n) % {SHUFFLED})"
    group = f"greatest(0, {place} / {size})"
    # What is not overdue runs out in the days to come.
    due = (
        f"CASE WHEN {group} < {groups} THEN '{first.isoformat()}'::timestamptz + {group} * interval '1 hour'"
        f" - interval '30 minutes' ELSE now() + {place} * interval '1 second' + interval '1 day' END"
    )
    rows.requests(
        load, count, state="awaiting_seller", units_each_order=units, due_kind="'seller_reply'", due_at=due
    )
    rows.items(load, count)
    load.done()


def _rate(size: int, sweep: Callable[[datetime], int], at: datetime) -> float:
    begun = time.perf_counter()
    moved = sweep(at)
    elapsed = time.perf_counter() - begun
    if abs(moved - size) > 2 * SHUFFLED:
        raise RuntimeError(f"{moved} requests were overdue, not about {size}")
    return moved / elapsed


def by_program(at: datetime) -> int:
    from refunds.operations.sweep import sweep_deadlines

    return sweep_deadlines(at)


_SWEEP = """
WITH overdue AS (
    SELECT id FROM refunds_refundrequest WHERE state = 'awaiting_seller' AND due_at <= %(at)s
    ORDER BY due_at, id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE refunds_refundrequest r SET state = 'manual_review', sequence = r.sequence + 1, due_kind = 'review',
        due_at = %(due)s
    FROM overdue WHERE r.id = overdue.id RETURNING r.id, r.sequence
), closed AS (
    UPDATE refunds_deadline d SET closed_at = %(at)s FROM moved
    WHERE d.request_id = moved.id AND d.closed_at IS NULL
), started AS (
    INSERT INTO refunds_deadline (request_id, sequence, kind, started_at, due_at)
    SELECT id, sequence, kind, %(at)s, %(due)s FROM moved, unnest(ARRAY['review', 'first_reply']) AS kind
)
INSERT INTO refunds_transition
    (request_id, sequence, previous, event, from_state, to_state, at, actor, clause, note, due_at)
SELECT id, sequence, sequence - 1, 'seller_silent', 'awaiting_seller', 'manual_review', %(at)s, 'system', '', '',
    %(due)s FROM moved
"""


def by_hand(connection: psycopg.Connection, at: datetime) -> int:
    moved = 0
    while True:
        with connection.transaction():
            cursor = connection.execute(_SWEEP, {"at": at, "due": at + timedelta(days=1), "batch": BATCH})
        if not cursor.rowcount:
            return moved
        moved += cursor.rowcount
