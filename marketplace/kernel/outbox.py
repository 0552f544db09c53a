"""Jobs written as rows with the change that needs them, handed to the broker after the commit."""

import json
from collections.abc import Callable
from typing import Any

from django.db import connection

BATCH = 500


# A task named so is no message of its own: somebody takes those that wait together, because there are many of them and
# nobody waits for one. A message each would keep the others waiting.
TOGETHER = "batch."


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
            "DELETE FROM kernel_outboxjob WHERE id IN"
            " (SELECT id FROM kernel_outboxjob WHERE NOT starts_with(task, %s) ORDER BY id LIMIT %s"
            " FOR UPDATE SKIP LOCKED) RETURNING id, task, args",
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
            "DELETE FROM kernel_outboxjob WHERE id IN (SELECT id FROM kernel_outboxjob WHERE task = %s"
            " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id, args",
            [task, limit],
        )
        return [json.loads(args) for _id, args in sorted(cursor.fetchall())]
