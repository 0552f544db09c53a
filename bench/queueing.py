"""queue_page_1m: a page from the middle of a reviewers' queue of a million, against the same statement bare.

Read twice: with a tenth of the rows, and with all. A page that is found by its place in the index costs the same.
"""

import time
from collections.abc import Callable
from datetime import datetime
from statistics import median
from typing import Any

import psycopg
from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.lookups import GreaterThan
from django.utils import timezone

from . import report, rows
from .crew import interleave
from .server import Server, connect, point_django_at

NAME = "queue_page_1m"
UNIT = "ms"
TARGET = report.flat(1.5)
QUEUED = 1_000_000
PAGE = 50
READS = 60  # a round


def run(server: Server, scale: float) -> report.Figure:
    count = int(QUEUED * scale)
    begun = timezone.now()
    with server.database(NAME) as url, connect(url) as connection:
        with rows.Loader(url) as load:
            rows.orders(load, count // 4 + 1)
            _queue(load, count // 10, begun)
            point_django_at(url)
            small = _measure(connection, f"{NAME} (a tenth)", 3)
            _queue(load, count, begun, first=count // 10 + 1)
        whole = _measure(connection, NAME, 7)
        growth = whole.ours / small.ours
        report.say(
            f"{NAME}: {small.ours:.2f} ms with {count // 10:,} in the queue, {whole.ours:.2f} ms with {count:,}"
        )
        return whole._replace(growth=growth)


def _queue(load: rows.Loader, count: int, begun: datetime, first: int = 1) -> None:
    """Due dates repeat, as working days end at the same minute: the key decides between them."""
    due = f"'{begun.isoformat()}'::timestamptz + (hashint8(n) % 100000) * interval '1 minute'"
    rows.requests(
        load, count, first=first, state="manual_review", units_each_order=4, due_kind="'review'", due_at=due
    )
    load.done()


def _measure(connection: psycopg.Connection, name: str, rounds: int) -> report.Figure:
    row = connection.execute(
        "SELECT due_at, id FROM refunds_refundrequest WHERE state = 'manual_review' ORDER BY due_at, id"
        " OFFSET (SELECT count(*) / 2 FROM refunds_refundrequest) LIMIT 1"
    ).fetchone()
    assert row is not None
    after = (row[0], row[1])

    def ours() -> float:
        return _milliseconds(lambda: list(page(after)))

    def floor() -> float:
        return _milliseconds(lambda: connection.execute(_PAGE, [*after, PAGE]).fetchall())

    ours(), floor()
    return interleave(name, ours, floor, UNIT, rounds=rounds, times=True)


def page(after: tuple[datetime, int]) -> QuerySet[Any]:
    """The queue's own choice and order of rows, from a place on: by row comparison, which an index answers."""
    from refunds.models import RefundRequest

    here = Func(F("due_at"), F("id"), function="ROW", output_field=TextField())
    there = Func(Value(after[0]), Value(after[1]), function="ROW", output_field=TextField())
    return (
        RefundRequest.objects.filter(GreaterThan(here, there), state="manual_review")
        .select_related("order", "buyer", "seller")
        .defer("description", "details")
        .order_by("due_at", "id")[:PAGE]
    )


_PAGE = """
SELECT r.id, r.number, r.reason, r.amount, r.currency, r.state, r.due_kind, r.due_at, o.no, o.goods_type, o.snapshot,
    b.source, b.external_id, s.code, s.name
FROM refunds_refundrequest r JOIN orders_order o ON o.id = r.order_id JOIN identity_buyer b ON b.id = r.buyer_id
    JOIN sellers_seller s ON s.id = r.seller_id
WHERE r.state = 'manual_review' AND (r.due_at, r.id) > (%s, %s)
ORDER BY r.due_at, r.id LIMIT %s
"""


def _milliseconds(read: Callable[[], list[Any]]) -> float:
    """The median of READS reads."""
    taken = []
    for _ in range(READS):
        begun = time.perf_counter()
        found = read()
        taken.append(time.perf_counter() - begun)
        if len(found) != PAGE:
            raise RuntimeError(f"{len(found)} rows on the page instead of {PAGE}")
    return median(taken) * 1000
