"""A recharge partner over HTTP: one POST, signed both ways with HMAC-SHA256 under a shared secret.

    POST <PROVIDER_URL>/v1/credits/query
    X-Provider-Key, X-Provider-Timestamp (seconds), X-Provider-Nonce
    X-Provider-Signature: hex HMAC of "POST\\n<path>\\n<timestamp>\\n<nonce>\\n" + body
    {"number": "PC…", "goods_type": "…", "sku": "…", "target": {…}, "code": "…" or null}

    200, X-Provider-Timestamp
    X-Provider-Signature: hex HMAC of "200\\n<path>\\n<timestamp>\\n<nonce of the question>\\n" + body
    {"number": "PC…", "status": "credited" | "not_credited" | "unknown", "credited_at": RFC 3339 or null, "reference": "…"}

The answer is bound to its question by the nonce, so that an old answer cannot be played again.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from .base import Answered, Asked, NoProvider, ProviderRefuses, ProviderUnreachable

PATH = "/v1/credits/query"
TOLERANCE_SECONDS = 300
LONGEST_ANSWER = 64 * 1024
ANSWERS = ("credited", "not_credited", "unknown")
LATER = frozenset({408, 425, 429})  # and all of 5xx
NEAR = ("127.0.0.1", "::1", "localhost")


def _now() -> datetime:
    return datetime.now(UTC)


class HttpProvider:
    def __init__(
        self,
        *,
        name: str,
        url: str,
        key_id: str,
        secret: str,
        timeout: float,
        now: Callable[[], datetime] = _now,
    ) -> None:
        if not (url and key_id and secret):
            raise NoProvider("PROVIDER_URL, PROVIDER_KEY_ID and PROVIDER_SECRET are not all set")
        parts = urlsplit(url)
        # A signature hides nothing: the code in the body is safe on its way only where the way is encrypted.
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in NEAR):
            raise NoProvider("PROVIDER_URL must begin with https://")
        self.name = name or parts.hostname or ""
        self._url = url.rstrip("/") + PATH
        self._path = urlsplit(self._url).path
        self._key_id, self._secret, self._timeout, self._now = key_id, secret.encode(), timeout, now

    def ask(self, asked: Asked) -> Answered:
        body = json.dumps({**asked._asdict(), "target": dict(asked.target)}, ensure_ascii=False).encode()
        nonce, timestamp = secrets.token_hex(16), str(int(self._now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "X-Provider-Key": self._key_id,
            "X-Provider-Timestamp": timestamp,
            "X-Provider-Nonce": nonce,
            "X-Provider-Signature": self._sign("POST", timestamp, nonce, body),
        }
        status, answer_headers, raw = self._post(body, headers)
        if status >= 500 or status in LATER:
            raise ProviderUnreachable(f"http_{status}")
        if status != 200:
            raise ProviderRefuses(f"http_{status}")
        self._verify(status, answer_headers, nonce, raw)
        return _read(asked, raw)

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        ends = time.monotonic() + self._timeout
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy of the machine's reads along
                with session.post(
                    self._url,
                    data=body,
                    headers=headers,
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    raw = b""
                    for part in answer.iter_content(4096):
                        raw += part
                        if time.monotonic() > ends:  # a byte now and then would go on for ever
                            raise ProviderUnreachable("timeout")
                        if len(raw) > LONGEST_ANSWER:
                            raise ProviderUnreachable("unreadable")
                    return answer.status_code, answer.headers, raw
        except requests.Timeout:
            raise ProviderUnreachable("timeout") from None
        except requests.RequestException:
            # The library's error may quote the address, never the body; kept out all the same.
            raise ProviderUnreachable("connection") from None

    def _verify(self, status: int, headers: Mapping[str, str], nonce: str, raw: bytes) -> None:
        timestamp = headers.get("X-Provider-Timestamp", "")
        wanted = self._sign(str(status), timestamp, nonce, raw)
        given = headers.get("X-Provider-Signature", "")
        if not hmac.compare_digest(wanted.encode(), given.encode()):
            raise ProviderUnreachable("signature")
        if not timestamp.isdecimal() or abs(int(timestamp) - self._now().timestamp()) > TOLERANCE_SECONDS:
            raise ProviderUnreachable("stale")

    def _sign(self, first: str, timestamp: str, nonce: str, body: bytes) -> str:
        head = "\n".join([first, self._path, timestamp, nonce, ""]).encode()
        return hmac.new(self._secret, head + body, hashlib.sha256).hexdigest()


def _read(asked: Asked, raw: bytes) -> Answered:
    try:
        data: Any = json.loads(raw)
        status, at, reference = data["status"], data.get("credited_at"), data.get("reference") or ""
        credited_at = datetime.fromisoformat(at) if at is not None else None
        is_sound = (
            data["number"] == asked.number
            and status in ANSWERS
            and isinstance(reference, str)
            and len(reference) <= 128
            and "\x00" not in reference
            and not (asked.code and asked.code in reference)
            and (credited_at is None or (status == "credited" and credited_at.tzinfo is not None))
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        is_sound = False
    if not is_sound:
        raise ProviderUnreachable("unreadable")
    return Answered(status, credited_at, reference, hashlib.sha256(raw).hexdigest())
