"""Running an operation in a process that is really killed: SIGKILL to a forked child, at a commit or a network call.

The child has a database connection of its own, and reaches the channel by a socket to its parent, which answers
from the channel's books while it waits for the child to end. The parent then waits until the database has noticed.
"""

import gc
import os
import re
import signal
from collections.abc import Callable
from enum import StrEnum
from multiprocessing.connection import Connection, Pipe
from typing import Any, NamedTuple, NoReturn

from django.db import connection, connections

from marketplace.kernel.errors import Refusal
from marketplace.payments.gateways.base import ChannelUnreachable

from .gateway import Call, Wire

Operation = Callable[[], Any]

_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH)\b")
_LIFE_OF_CHILD = 7306  # advisory lock that the child's session holds as long as it lives
_inherited: list[Any] = []  # a forked child must never touch its parent's connection, not even to close it


class Point(StrEnum):
    BEFORE_COMMIT = "before commit"
    AFTER_COMMIT = "after commit"
    BEFORE_CALL = "before call"  # it never leaves
    AFTER_CALL = "after call"  # it arrived, and its answer is never used


class Ending(NamedTuple):
    """How an operation ended: killed at a point, refused, failed, or with a value."""

    value: Any = None
    killed: Point | None = None
    refused: str = ""
    error: str = ""


def run_here(operation: Operation) -> Ending:
    try:
        return Ending(operation())
    except Refusal as refusal:
        return Ending(refused=refusal.code)
    except Exception as error:
        connection.close()  # whatever state it was left in
        return Ending(error=f"{type(error).__name__}: {error}")


def run_and_kill(operation: Operation, wire: Wire, at: int) -> Ending:
    """Run it in a child that is killed at the `at`-th point it reaches; it lives if it reaches fewer."""
    ours, theirs = Pipe()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _child(operation, wire, theirs, at)
    theirs.close()
    ending = _serve(ours, wire.call)
    ours.close()
    _pid, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if killed != bool(ending.killed):
        return Ending(error=f"the child ended with status {status}: {ending}")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_unlock(%s) FROM pg_advisory_lock(%s)", [_LIFE_OF_CHILD, _LIFE_OF_CHILD]
        )
    return ending


def _serve(child: Connection, answer: Call) -> Ending:
    """Be the channel for the child until it is gone; its last words say how it ended."""
    ending = Ending(error="the child said nothing")
    while True:
        try:
            said, content = child.recv()
        except (EOFError, ConnectionResetError):
            return ending
        if said == "ending":
            ending = content
            continue
        try:
            reply = answer(said, content)
        except ChannelUnreachable as error:
            reply = error
        child.send(reply)


def _child(operation: Operation, wire: Wire, parent: Connection, at: int) -> NoReturn:
    gc.disable()  # a collection would touch, and so copy, every page the two share
    try:
        reach = _reach(parent, at)
        _own_connection(reach)
        wire.call = _over(parent, reach)
        parent.send(("ending", run_here(operation)))
    except BaseException as error:
        parent.send(("ending", Ending(error=f"in the child: {error!r}")))
    finally:
        os._exit(0)


def _reach(parent: Connection, at: int) -> Callable[[Point], None]:
    left = at

    def reach(point: Point) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            parent.send(("ending", Ending(killed=point)))
            os.kill(os.getpid(), signal.SIGKILL)

    return reach


def _own_connection(reach: Callable[[Point], None]) -> None:
    old = connections["default"]
    _inherited.append(old)
    new = old.copy()
    connections["default"] = new
    new.ensure_connection()
    with new.cursor() as cursor:
        # The seed of what the database orders at random is part of the history.
        cursor.execute("SELECT pg_advisory_lock(%s), setseed(0.5)", [_LIFE_OF_CHILD])
    commit = new.commit

    def commit_or_die() -> None:
        reach(Point.BEFORE_COMMIT)
        commit()
        reach(Point.AFTER_COMMIT)

    def execute_or_die(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """A statement outside any transaction is its own commit."""
        if new.in_atomic_block or not _WRITES.match(sql):
            return execute(sql, params, many, context)
        reach(Point.BEFORE_COMMIT)
        result = execute(sql, params, many, context)
        reach(Point.AFTER_COMMIT)
        return result

    new.commit = commit_or_die  # type: ignore[method-assign]
    new.execute_wrappers.append(execute_or_die)


def _over(parent: Connection, reach: Callable[[Point], None]) -> Call:
    def call(verb: str, content: Any) -> Any:
        assert not connection.in_atomic_block, "a network call inside a transaction"
        reach(Point.BEFORE_CALL)
        parent.send((verb, content))
        reply = parent.recv()
        reach(Point.AFTER_CALL)
        if isinstance(reply, ChannelUnreachable):
            raise reply
        return reply

    return call
