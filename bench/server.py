"""A PostgreSQL of the benchmark's own, in a directory that is gone afterwards, and a fresh database a benchmark."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

TEMPLATE = "recourse"
PORTS = range(8120, 8130)
# What must hold for a figure to mean anything; asked of the server, not assumed.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class NotDurable(RuntimeError):
    """The server would not survive a crash: its figures would flatter both sides."""


class Server:
    def __init__(self, data_dir: Path, url: str) -> None:
        self.data_dir, self.url = data_dir, url
        self._shared: dict[str, str] = {}

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """The URL of a copy of the migrated database, dropped at the end."""
        name = f"bench_{name}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            yield self.url.rsplit("/", 1)[0] + f"/{name}"
        finally:
            point_django_at(self.url)
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def shared(self, name: str, fill: Callable[[str], None]) -> str:
        """The URL of a database that `fill` has filled for all figures that ask for it; it is gone with the server."""
        if name not in self._shared:
            self._execute(f"CREATE DATABASE bench_{name} TEMPLATE {TEMPLATE}")
            self._shared[name] = self.url.rsplit("/", 1)[0] + f"/bench_{name}"
            fill(self._shared[name])
        return self._shared[name]

    def setting(self, name: str) -> str:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(f"SHOW {name}".encode()).fetchone()
        return str(row[0]) if row else ""

    def _execute(self, statement: str) -> None:
        url = self.url.rsplit("/", 1)[0] + "/postgres"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def data_dir(prefix: str) -> Iterator[Path]:
    """A temporary DATA_DIR with an embedded PostgreSQL that ends with the block, however it ends."""
    from marketplace.kernel import embedded

    path = Path(tempfile.mkdtemp(prefix=f"recourse-{prefix}-"))
    path.chmod(0o755)  # a server started by root runs as a user of its own
    try:
        yield path
    finally:
        embedded.leave(path)
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def started() -> Iterator[Server]:
    """The server with the project's migrations applied, and Django set up to use it."""
    from marketplace.kernel import embedded

    with data_dir("bench") as path:
        url = embedded.start(path)
        os.environ.update(environment(path, url))
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", interactive=False, verbosity=0)
        server = Server(path, url)
        for name, wanted in DURABLE.items():
            if server.setting(name) != wanted:
                raise NotDurable(f"{name} is {server.setting(name)}")
        point_django_at(url)
        yield server


def environment(path: Path, url: str) -> dict[str, str]:
    """As embedded production, but with a channel that does not wait and no limits for a caller in a hurry."""
    return {
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "DATA_DIR": str(path),
        "DATABASE_URL": url,
        "EMBEDDED": "1",
        "SANDBOX_DELAY_SECONDS": "0",
        "THROTTLE_USER": "100000000/min",
        "THROTTLE_ADDRESS": "100000000/min",
    }


def point_django_at(url: str) -> None:
    """Let this process's Django use another database of the same settings."""
    import dj_database_url
    from django.db import connections

    connection = connections["default"]
    connection.close()
    found = dj_database_url.parse(url)
    connection.settings_dict.update({key: found[key] for key in ("NAME", "HOST", "USER", "PORT")})


def connect(url: str) -> psycopg.Connection:
    """As somebody who writes their SQL by hand would: psycopg's defaults, and jit off as for the program."""
    return psycopg.connect(url, options="-c jit=off", autocommit=True)


def free_port() -> int:
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port in {PORTS.start}-{PORTS.stop - 1}")
