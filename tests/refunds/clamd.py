"""A virus scanner that speaks clamd's INSTREAM over TCP or a Unix socket, and one that misbehaves on demand."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd:
    """`behaviour`: "answers", "hangs" (reads and never answers), "dies" (cuts its answer short), "errs"."""

    def __init__(self, listener: socket.socket, url: str) -> None:
        self.listener = listener
        self.url = url
        self.behaviour = "answers"
        self.received: list[bytes] = []
        self.held: list[socket.socket] = []  # connections that hang, until the end

    def serve(self) -> None:
        while True:
            try:
                connection, _peer = self.listener.accept()
            except OSError:  # closed: the test is over
                return
            self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        if self.behaviour == "hangs":
            self.held.append(connection)
            return
        with closing(connection), connection.makefile("rb") as stream:
            assert stream.read(10) == b"zINSTREAM\0"
            body = b""
            while size := struct.unpack("!I", stream.read(4))[0]:
                body += stream.read(size)
            self.received.append(body)
            if self.behaviour == "dies":
                connection.sendall(
                    b"stream: OK"
                )  # without its NUL: cut off in the middle of a word, for all we know
            elif self.behaviour == "errs":
                connection.sendall(b"INSTREAM size limit exceeded. ERROR\0")
            elif EICAR in body:
                connection.sendall(b"stream: Win.Test.EICAR_HDB-1 FOUND\0")
            else:
                connection.sendall(b"stream: OK\0")


@contextmanager
def running(path: Path | None = None) -> Iterator[Clamd]:
    """On a free port of 127.0.0.1, or on the socket at `path`."""
    if path is None:
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        url = f"unix://{path}"
    clamd = Clamd(listener, url)
    thread = threading.Thread(target=clamd.serve)
    thread.start()
    try:
        yield clamd
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in clamd.held:
            connection.close()
