"""Webhooks out, as Standard Webhooks 1.0.0 has them: one POST, signed, to an address judged before."""

import http.client
import json
import socket
import ssl
import threading
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from standardwebhooks import Webhook

from ..addresses import BadAddress, Resolve, Target, resolve, target_of
from ..topics import TOPICS
from .base import Outcome, Parcel, Result

MAX_PAYLOAD = 20_000  # bytes
GONE = 410


def send(parcel: Parcel, now: datetime, resolver: Resolve = resolve) -> Result:
    """One try. Only 2xx is success; a redirect is none, and is not followed."""
    body = payload(parcel)
    try:
        target = target_of(parcel.to, resolver)
        status = _post(target, headers(parcel, body, now), body)
    except BadAddress as error:
        return Result(Outcome.REFUSED, str(error.detail))
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return Result(Outcome.RETRY, f"{type(error).__name__}: {error}")
    if 200 <= status < 300:
        return Result(Outcome.SENT, status=status)
    return Result(Outcome.GONE if status == GONE else Outcome.RETRY, f"HTTP {status}", status)


def payload(parcel: Parcel) -> bytes:
    """`{"type": "refund_request.approved", "timestamp": …, "data": {…}}`; the same bytes at every try."""
    about = "account" if TOPICS[parcel.topic].group == "technical" else "refund_request"
    content = {
        "type": f"{about}.{parcel.topic}",
        "timestamp": parcel.told_at.astimezone(UTC).isoformat(timespec="seconds"),
        "data": {"recipient": parcel.recipient_kind, **parcel.data},
    }
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    assert len(body) < MAX_PAYLOAD, f"{len(body)} bytes in a notice"
    return body


def headers(parcel: Parcel, body: bytes, now: datetime) -> dict[str, str]:
    """The id is the notice's at every try and replay: a receiver that has seen it does nothing again."""
    message_id = f"msg_{parcel.notice_id}"
    at = now.astimezone(UTC)  # the library takes the digits of a time for UTC, whatever its zone
    signatures = [Webhook(secret).sign(message_id, at, body.decode()) for secret in parcel.secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
        "Content-Type": "application/json",
        "User-Agent": "Recourse-Webhooks/1.0",
    }


class _Connection(http.client.HTTPConnection):
    """To the address that was judged, whatever the name says by now; TLS is with the name."""

    def __init__(self, target: Target, timeout: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout)
        self._target = target
        self.is_late = False

    def connect(self) -> None:
        self.sock: Any = socket.create_connection((self._target.ip, self._target.port), self.timeout)
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._target.host)

    def hang_up(self) -> None:
        self.is_late = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended by itself


def _post(target: Target, sent: dict[str, str], body: bytes) -> int:
    """The status. A timer ends the try: against a receiver that sends a byte a second no read ever times out."""
    connection = _Connection(target, settings.WEBHOOK_TIMEOUT_SECONDS)
    timer = threading.Timer(settings.WEBHOOK_TIMEOUT_SECONDS, connection.hang_up)
    timer.daemon = True
    try:
        connection.connect()
        timer.start()
        connection.request("POST", target.path, body, sent)
        status = connection.getresponse().status
        if connection.is_late:  # headers cut short would pass for whole ones
            raise TimeoutError("no whole answer in time")
        return status
    finally:
        timer.cancel()
        connection.close()
