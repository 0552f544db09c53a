"""What the local channels have in common: a real HTTP server over TCP that keeps its own books and can be told to fail.

Each channel beside this file speaks its channel's own protocol, checks the real signatures with real keys and
refuses what the real one refuses. `faults` are taken one a call, oldest first; with none left it behaves.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Fault(StrEnum):
    ERROR = "error"  # a system error, in the channel's own words; nothing happens
    ERROR_AFTER = "error_after"  # it happens, and then a system error is answered
    DROP = "drop"  # the connection closes; nothing happened
    DROP_AFTER = "drop_after"  # it happens, and the connection closes before the answer
    SLOW = "slow"  # the answer takes `delay` seconds
    GARBLED = "garbled"  # an answer whose signature is wrong, or that cannot be read


class Request(NamedTuple):
    method: str
    path: str  # with the query string
    headers: Mapping[str, str]  # case-insensitive
    body: bytes


class Response(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class LocalChannel:
    """A channel on 127.0.0.1. Subclasses answer `respond`, and say what a system error and a garbled answer look like."""

    def __init__(self) -> None:
        self.faults: deque[Fault] = deque()
        self.delay = 0.5
        self.settles_after = timedelta(0)  # how long a refund stays pending; twice as long is "twice as slow"
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.calls: list[str] = []  # "METHOD path" of every request received
        self.lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def respond(self, request: Request) -> Response:
        raise NotImplementedError

    def system_error(self) -> Response:
        raise NotImplementedError

    def garbled(self, answer: Response) -> Response:
        raise NotImplementedError

    @contextmanager
    def running(self) -> Iterator[Any]:
        thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(5)

    def _answer(self, request: Request) -> Response | None:
        """None: close the connection without a word."""
        with self.lock:
            self.calls.append(f"{request.method} {request.path}")
            fault = self.faults.popleft() if self.faults else None
        if fault is Fault.SLOW:
            threading.Event().wait(self.delay)
        if fault is Fault.ERROR:
            return self.system_error()
        if fault is Fault.DROP:
            return None
        with self.lock:
            answer = self.respond(request)
        if fault is Fault.DROP_AFTER:
            return None
        if fault is Fault.ERROR_AFTER:
            return self.system_error()
        return self.garbled(answer) if fault is Fault.GARBLED else answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        channel = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # headers and body are two writes: else the second waits 40 ms

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(self.command, self.path, self.headers, self.rfile.read(length))
                answer = channel._answer(request)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = _serve  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet: a failing test shows `calls`."""

        return Handler
