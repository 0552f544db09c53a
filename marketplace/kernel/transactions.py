"""The transaction of an operation: durable by itself, or part of a larger one that was opened around it on purpose.

An operation ends with its commit: nothing it said can be taken back by a caller. Two callers need more than that. A
result that must never part from the move it tells of is written in the same transaction, and a rehearsal makes the
move and takes it back. They say so with `around_operations`; whoever opens a plain transaction around an operation
still gets an error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction
from django.db.transaction import Atomic

_around: ContextVar[bool] = ContextVar("around_operations", default=False)


def durable() -> Atomic:
    """What an operation opens that may run inside `around_operations`; else as `atomic(durable=True)`."""
    return transaction.atomic(durable=not _around.get())


@contextmanager
def around_operations() -> Iterator[None]:
    """One durable transaction, of which the operations called in it become parts."""
    with transaction.atomic(durable=True):
        token = _around.set(True)
        try:
            yield
        finally:
            _around.reset(token)
