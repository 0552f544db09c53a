"""The virus scanner: clamd's INSTREAM over TCP or a Unix socket (requirement D3).

Configured by CLAMD_URL. Where it is configured and gives no clear answer, the file is not taken: it fails closed.
https://docs.clamav.net/manual/Usage/Scanning.html#clamd
"""

import socket
import struct
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

CHUNK = 64 * 1024
LONGEST_ANSWER = 4096


class Infected(Exception):
    """The scanner knows it; the argument is the name it gives."""


class Unanswered(Exception):
    """No scanner, no answer in time, or one that is neither yes nor no."""


def scan(path: Path, url: str, timeout: float) -> None:
    """Return when the file is clean. `timeout` in seconds holds for the whole. Raises Infected, Unanswered."""
    try:
        answer = _ask(path, url, time.monotonic() + timeout)
    except (OSError, ValueError) as error:
        raise Unanswered(f"{url}: {error}") from error
    if answer.endswith(" FOUND"):
        raise Infected(answer.removeprefix("stream: ").removesuffix(" FOUND"))
    if answer != "stream: OK":
        raise Unanswered(f"{url}: {answer or 'closed the connection'}")


def _ask(path: Path, url: str, until: float) -> str:
    with closing(_connect(url, _left(until))) as connection:
        connection.sendall(b"zINSTREAM\0")
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                connection.settimeout(_left(until))
                connection.sendall(struct.pack("!I", len(chunk)) + chunk)
        connection.sendall(struct.pack("!I", 0))
        return _answer(connection, until)


def _answer(connection: socket.socket, until: float) -> str:
    """What is said before the NUL; an answer cut short is none, even where it began as a good one."""
    answer = b""
    while len(answer) < LONGEST_ANSWER:
        connection.settimeout(_left(until))
        part = connection.recv(LONGEST_ANSWER)
        answer += part
        if b"\0" in part:
            return answer.partition(b"\0")[0].decode("utf-8", "replace").strip()
        if not part:
            break
    return ""


def _connect(url: str, timeout: float) -> socket.socket:
    """`tcp://host:3310` or `unix:///run/clamav/clamd.ctl`. Raises ValueError for another."""
    parts = urlsplit(url)
    if parts.scheme == "tcp" and parts.hostname:
        return socket.create_connection((parts.hostname, parts.port or 3310), timeout)
    if parts.scheme == "unix" and parts.path:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            connection.connect(parts.path)
        except OSError:
            connection.close()
            raise
        return connection
    raise ValueError("CLAMD_URL is tcp://host:port or unix:///path")


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left
