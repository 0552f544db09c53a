"""One effect per Idempotency-Key: the key is inserted once, with its answer, in the effect's transaction.

A second call with the key waits for the first on the unique index, rolls back, and gets the first answer.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _
from psycopg.errors import LockNotAvailable

from .errors import Refusal
from .models import IdempotencyKey

Answer = dict[str, Any]


class Key(NamedTuple):
    scope: str
    value: str
    fingerprint: bytes


class Outcome(NamedTuple):
    answer: Answer
    status: int
    replayed: bool


class KeyReused(Refusal):
    code = "idempotency_key_reused"
    status = 422
    title = _("This Idempotency-Key was used for another request. Use a new key for a new request.")


class InProgress(Refusal):
    code = "idempotency_in_progress"
    status = 409
    title = _("The first request with this Idempotency-Key is still running. Try again in a moment.")


class KeyTaken(Exception):
    """Internal: the key has its answer already; the caller's work is rolled back."""


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    return hashlib.sha256(b"\n".join([method.encode(), path.encode(), body])).digest()


def once(key: Key, effect: Callable[[], tuple[Answer, int]]) -> Outcome:
    """Run effect in one durable transaction unless key has its answer; effect calls `keep` or its SQL.

    A refusal is not kept: nothing happened, so the next try is judged anew. A second call waits for the first as
    long as the database's lock_timeout lets it. Raises KeyReused, InProgress.
    """
    try:
        with transaction.atomic(durable=True):
            answer, status = effect()
        return Outcome(answer, status, replayed=False)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise InProgress() from error
        raise
    except (KeyTaken, Refusal, IntegrityError):
        known = IdempotencyKey.objects.filter(scope=key.scope, key=key.value).first()
        if known is None:
            raise
        return replay(key, known)


def replay(key: Key, known: IdempotencyKey) -> Outcome:
    if bytes(known.fingerprint) != key.fingerprint:
        raise KeyReused()
    return Outcome(known.answer, known.status, replayed=True)


def keep(key: Key, answer: Answer, status: int) -> None:
    """Insert the key with its answer; raises KeyTaken when another transaction did so first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kernel_idempotencykey (scope, key, fingerprint, answer, status) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (scope, key) DO NOTHING",
            [key.scope, key.value, key.fingerprint, json.dumps(answer), status],
        )
        if cursor.rowcount == 0:
            raise KeyTaken()
