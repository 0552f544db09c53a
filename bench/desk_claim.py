"""claim_next_1m: cases taken in hand one after the other, out of the queue of a million cases."""

import time

import psycopg
from django.utils import timezone

from . import desk, report
from .crew import interleave
from .server import Server

NAME = "claim_next_1m"
UNIT = "cases/s"
TARGET = report.at_least(0.5)
CLAIMS = 100  # a round


def run(server: Server, scale: float) -> report.Figure:
    stand = desk.opened(server, scale)
    if scale >= 1.0:
        explain(stand)

    def ours() -> float:
        return _rate(stand, _by_program(stand))

    def floor() -> float:
        return _rate(stand, lambda: _by_hand(stand.bare, stand.user.pk))

    ours(), floor()
    return interleave(NAME, ours, floor, UNIT)


def _rate(stand: desk.Desk, claim: desk.Call) -> float:
    begun = time.perf_counter()
    for _ in range(CLAIMS):
        claim()
    rate = CLAIMS / (time.perf_counter() - begun)
    desk.put_back(stand)
    return rate


def _by_program(stand: desk.Desk) -> desk.Call:
    from refunds.desk_queries import QUEUES, UNASSIGNED
    from refunds.operations.hold import claim_next

    def claim() -> None:
        now = timezone.now()
        if claim_next(user=stand.user, now=now, among=QUEUES[UNASSIGNED].picks(now, stand.user)) is None:
            raise RuntimeError("nothing waits")

    return claim


def explain(stand: desk.Desk) -> None:
    from refunds.desk_queries import QUEUES
    from refunds.models import RefundRequest
    from refunds.operations.hold import waiting

    for queue in QUEUES.values():
        if queue.claims:
            picked = queue.picks(timezone.now(), stand.user)
            free = waiting(stand.user, picked, queue.claims)[:1]
            desk.explained(*free.query.sql_with_params(), [RefundRequest])


_NEXT = """
SELECT r.id, r.number FROM refunds_refundrequest r
WHERE r.state = 'manual_review' AND r.holder_id IS NULL AND r.proposer_id IS DISTINCT FROM %(user)s
    AND NOT EXISTS (SELECT 1 FROM refunds_judgement j WHERE j.request_id = r.id AND j.by_id = %(user)s)
    AND NOT EXISTS (SELECT 1 FROM refunds_panelmember p WHERE p.request_id = r.id AND p.left_at IS NULL)
ORDER BY r.due_at, r.id LIMIT 1 FOR UPDATE OF r SKIP LOCKED
"""
_HOLD = """
UPDATE refunds_refundrequest SET holder_id = %s, held_at = now(), held_until = now() + interval '20 minutes' WHERE id = %s
"""


def _by_hand(connection: psycopg.Connection, user: int) -> None:
    with connection.transaction():
        row = connection.execute(_NEXT, {"user": user}).fetchone()
        assert row is not None
        connection.execute(_HOLD, [user, row[0]])
