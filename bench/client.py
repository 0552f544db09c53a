"""A keep-alive HTTP/1.1 client that costs next to nothing, since it runs on the cores it measures."""

import json
import socket
from typing import Any


class UnexpectedAnswer(RuntimeError):
    """Not the status wanted; the message carries the answer."""


class Client:
    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self._socket = socket.create_connection(self._address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def post(self, path: str, token: str, key: str, body: dict[str, Any], wanted: int = 201) -> bytes:
        payload = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
            f"Content-Length: {len(payload)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + payload)
        status, answer = self._answer()
        if status != wanted:
            raise UnexpectedAnswer(f"{status} instead of {wanted}: {answer[:2000]!r}")
        return answer

    def _answer(self) -> tuple[int, bytes]:
        while (end := self._rest.find(b"\r\n\r\n")) < 0:
            self._read()
        head, self._rest = self._rest[:end].lower(), self._rest[end + 4 :]
        _before, _name, after = head.partition(b"content-length:")
        length = int(after.split(b"\r\n", 1)[0])
        while len(self._rest) < length:
            self._read()
        body, self._rest = self._rest[:length], self._rest[length:]
        return int(head[9:12]), body

    def _read(self) -> None:
        chunk = self._socket.recv(65536)
        if not chunk:
            raise UnexpectedAnswer("the server closed the connection")
        self._rest += chunk
