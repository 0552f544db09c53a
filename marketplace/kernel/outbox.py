"""Jobs written as rows with the change that needs them, handed to the broker after the commit."""

import json
from collections.abc import Callable
from typing import Any

from django.db import connection

BATCH = 500


# A task named so is no message of its own: somebody takes those that wait together, because there are many of them and
# nobody waits for one. A message each would keep the others waiting.
TOGETHER = "batch."
# The rows are picked once, whatever the plan: a subquery in the WHERE may be run again for each row, skips then those
# that this statement has deleted already, and takes more than the limit.
_TAKE = """
WITH picked AS MATERIALIZED (
    SELECT id FROM kernel_outboxjob WHERE {which} ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
)
DELETE FROM kernel_outboxjob j USING picked WHERE j.id = picked.id RETURNING j.id, j.task, j.args
"""


def enqueue(task: str, *args: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kernel_outboxjob (task, args) VALUES (%s, %s::jsonb)", [task, json.dumps(args)]
        )


def publish(send: Callable[[str, list[Any]], object]) -> int:
    """Take waiting jobs, oldest first, and hand them to `send`; return how many.

    The rows are gone before the broker is called, because no transaction stays open over the network: a crash
    in between loses hints, and the sweeps find the work they stood for.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE.format(which="NOT starts_with(task, %s)"),
            [TOGETHER, BATCH],
        )
        jobs = sorted(cursor.fetchall())
    for _id, task, args in jobs:
        send(task, json.loads(args))
    return len(jobs)


def take(task: str, limit: int) -> list[list[Any]]:
    """Take up to `limit` waiting jobs of a task done in batches, oldest first; their arguments.

    They are gone when the caller's transaction commits, and wait again if it does not: none is lost or done twice.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE.format(which="task = %s"),
            [task, limit],
        )
        return [json.loads(args) for _id, _task, args in sorted(cursor.fetchall())]
