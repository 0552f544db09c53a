"""Databases for the simulator on the test cluster: one migrated template, and a copy of it for each worker.

Tables are append-only, so a worker takes a new copy every so many seeds instead of emptying the old one.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import psycopg
from django.core.management import call_command
from django.db import connection

from tests import testbed

TEMPLATE = "simulation"


def prepare_template() -> str:
    """The name of a database with today's migrations, made where it is missing; leftovers of killed runs go."""
    _test, migrations, *_slot = testbed.database_name().split("_")
    name = f"{TEMPLATE}_{migrations}"
    with _server() as server:
        server.execute("SELECT pg_advisory_lock(7307)")  # two runs that start at once
        _drop_all(server, rf"^{TEMPLATE}_[0-9a-f]+_\d+_\d+$", unless=_is_in_use)
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            _drop_all(server, rf"^{TEMPLATE}_[0-9a-f]+$")
            _make(server, name)
    return name


def _make(server: psycopg.Connection, name: str) -> None:
    """Under another name until it is whole: a run killed here leaves nothing that looks ready."""
    unfinished = f"{name}_unfinished"
    _drop(server, unfinished)
    server.execute(f'CREATE DATABASE "{unfinished}"'.encode())
    _use(unfinished)
    call_command("migrate", interactive=False, verbosity=0)
    connection.close()
    server.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"'.encode())


class Copies:
    """A worker's database, thrown away and made anew on demand."""

    def __init__(self, template: str, worker: int) -> None:
        self.template = template
        self.name = f"{template}_{os.getppid()}_{worker}"  # of the process that started it, which cleans up

    def renew(self) -> None:
        connection.close()
        with _server() as server:
            _drop(server, self.name)
            server.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.template}"'.encode())
        _use(self.name)
        testbed.forget_cached_rows()


def drop_copies(template: str) -> None:
    """Those of the workers this process started."""
    with _server() as server:
        _drop_all(server, rf"^{template}_{os.getpid()}_\d+$")


def _use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


@contextmanager
def _server() -> Iterator[psycopg.Connection]:
    url = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/postgres"
    with psycopg.connect(url, autocommit=True) as server:
        yield server


def _drop(server: psycopg.Connection, name: str) -> None:
    server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def _is_in_use(copy: str) -> bool:
    _template, _migrations, pid, _worker = copy.split("_")
    return psutil.pid_exists(int(pid))


def _drop_all(
    server: psycopg.Connection, pattern: str, unless: Callable[[str], bool] = lambda _name: False
) -> None:
    rows = server.execute("SELECT datname FROM pg_database WHERE datname ~ %s", [pattern]).fetchall()
    for (name,) in rows:
        if not unless(name):
            _drop(server, name)
