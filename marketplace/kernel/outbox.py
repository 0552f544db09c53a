"""Jobs written as rows with the change that needs them, handed to the broker after the commit."""

import json
from collections.abc import Callable
from typing import Any

from django.db import connection

BATCH = 500


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
            " (SELECT id FROM kernel_outboxjob ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id, task, args",
            [BATCH],
        )
        jobs = sorted(cursor.fetchall())
    for _id, task, args in jobs:
        send(task, json.loads(args))
    return len(jobs)
