"""A desk of a million cases, filled once for its four figures, and how a page is set against its own statements.

A tenth waits for a reviewer; of those some are overdue, of high value, proposed, flagged, or in somebody's hands. The
rest is over. Before anything is timed every queue is explained: one that reads the requests whole stops the run.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

import psycopg
from django.db import connection as django_connection
from django.db.models import Model

from . import report, rows
from .crew import interleave
from .server import Server, connect, point_django_at

CASES = 1_000_000
READS = 20  # a round
HELD = 40
Statement = tuple[str, Any]
Call = Callable[[], Any]


class Desk(NamedTuple):
    client: Any  # django.test.Client, signed in
    user: Any
    bare: psycopg.Connection
    cases: int

    @property
    def waiting(self) -> int:
        """Cases 1 to this wait for a reviewer."""
        return self.cases // 10


def opened(server: Server, scale: float) -> Desk:
    from django.test import Client

    from marketplace.identity.models import User

    cases = int(CASES * scale)
    url = server.shared("desk", lambda url: _fill(url, cases))
    point_django_at(url)
    user = User.objects.get(username="reviewer-1")
    client = Client()
    client.force_login(user, backend="marketplace.identity.backends.RoleBackend")
    return Desk(client, user, connect(url), cases)


def page_against_its_statements(
    name: str, desk: Desk, pages: Sequence[Call], rounds: int = 7
) -> report.Figure:
    """The median of the pages in seconds, beside what their own statements take without the program around them."""
    statements = [asked(page) for page in pages]

    def bare(statements: list[Statement]) -> Call:
        def ask() -> None:
            for sql, parameters in statements:
                cursor = desk.bare.execute(sql.encode(), parameters, prepare=False)  # as the desk does
                if cursor.description:
                    cursor.fetchall()

        return ask

    floors = [bare(each) for each in statements]
    for warm in (*pages, *floors):
        warm()
    report.say(f"{name}: {', '.join(str(len(each)) for each in statements)} statements")
    return interleave(name, lambda: _median(pages), lambda: _median(floors), "s", rounds=rounds, times=True)


def asked(call: Call) -> list[Statement]:
    """What `call` asks of the database once it is warm."""
    found: list[Statement] = []

    def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        found.append((sql, parameters))
        return execute(sql, parameters, many, context)

    call()
    with django_connection.execute_wrapper(note):
        call()
    return found


def _median(calls: Sequence[Call]) -> float:
    """Of READS calls, in turn."""
    taken = []
    for number in range(READS):
        begun = time.perf_counter()
        calls[number % len(calls)]()
        taken.append(time.perf_counter() - begun)
    return median(taken)


def explained(sql: str, parameters: Any, whole: Sequence[type[Model]]) -> str:
    """The plan. Raises RuntimeError where it reads one of these tables from end to end."""
    with django_connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    for model in whole:
        if f"Seq Scan on {model._meta.db_table}" in plan:
            raise RuntimeError(f"reads {model._meta.db_table} whole:\n{sql}\n{plan}")
    return plan


def put_back(stand: Desk) -> None:
    """Out of all hands, without a trace, for the next round."""
    with stand.bare.transaction():
        stand.bare.execute("SET LOCAL session_replication_role = replica")
        stand.bare.execute(
            "UPDATE refunds_refundrequest SET holder_id = NULL, held_at = NULL, held_until = NULL"
            " WHERE holder_id IS NOT NULL AND held_until < now() + interval '1 hour'"
        )


def _fill(url: str, cases: int) -> None:
    from marketplace.identity.models import User

    waiting, paid = cases // 10, cases // 10
    buyers = max(cases // 5, rows.BUYERS)
    point_django_at(url)
    User.objects.bulk_create(
        [User(username=f"reviewer-{n}", role="reviewer", is_staff=True) for n in range(1, 21)]
    )
    with rows.Loader(url) as load:
        rows.orders(load, cases, buyers)
        rows.goods_and_money(load, waiting)
        rows.captures(load, cases, first=waiting + 1)
        due = "now() - interval '30 minutes' + n * interval '3 seconds'"
        rows.requests(load, waiting, state="manual_review", buyers=buyers, due_kind="'review'", due_at=due)
        rows.items(load, waiting)
        rows.requests(load, cases, first=waiting + 1, state="withdrawn", buyers=buyers, ticket="'TK-' || n")
        rows.transfers(load, waiting + paid, first=waiting + 1)
        load.execute(_SHAPE)
        load.done()


# One in a hundred is of high value, one in a thousand proposed or flagged; HELD are in somebody's hands.
_SHAPE = f"""
UPDATE refunds_refundrequest SET two_person_above = 1000 WHERE state = 'manual_review' AND id % 100 = 0;
UPDATE refunds_refundrequest SET proposer_id = (SELECT max(id) FROM identity_user)
    WHERE state = 'manual_review' AND id % 1000 = 0;
INSERT INTO refunds_flag (request_id, kind, words, said_in, which, at, note)
    SELECT id, 'legal', 'court', 'description', 0, now(), '' FROM refunds_refundrequest WHERE state = 'manual_review' AND id % 1000 = 1;
UPDATE refunds_refundrequest r SET holder_id = u.id, held_at = now(), held_until = now() + interval '1 day'
    FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM identity_user) u
    WHERE r.id <= {HELD} AND u.place = r.id % 20;
ANALYZE refunds_flag;
"""
