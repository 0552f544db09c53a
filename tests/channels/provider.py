"""A recharge partner on 127.0.0.1: checks the real signature, keeps its own book of credits, and can be told to fail."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from refunds.providers.http import PATH, TOLERANCE_SECONDS

from .server import LocalChannel, Request, Response

KEY_ID, SECRET = "recourse-1", "s3cret-of-the-partner"


class LocalProvider(LocalChannel):
    def __init__(self) -> None:
        super().__init__()
        self.credits: dict[str, Mapping[str, Any]] = {}  # by code or account
        self.asked: list[dict[str, Any]] = []
        self.nonces: set[str] = set()
        self.status = 200
        self.signs_with = SECRET
        self.reply: dict[str, Any] = {}  # laid over what is answered
        self.raw: bytes | None = None
        self.stamp = 0  # seconds the answer's time is off
        self.leads_to = ""  # with a status that redirects
        self.nonce: str | None = None  # signed instead of the question's

    def settings(self) -> dict[str, Any]:
        return {"name": "Recharge Co.", "url": self.url, "key_id": KEY_ID, "secret": SECRET, "timeout": 2.0}

    def respond(self, request: Request) -> Response:
        headers = request.headers
        nonce, timestamp = headers["X-Provider-Nonce"], headers["X-Provider-Timestamp"]
        wanted = _sign(SECRET, "POST", timestamp, nonce, request.body)
        is_ours = (
            request.path == PATH
            and headers["X-Provider-Key"] == KEY_ID
            and hmac.compare_digest(wanted, headers["X-Provider-Signature"])
            and abs(int(timestamp) - self.now().timestamp()) <= TOLERANCE_SECONDS
            and nonce not in self.nonces
        )
        if not is_ours:
            return Response(401, {}, b"{}")
        self.nonces.add(nonce)
        asked = json.loads(request.body)
        self.asked.append(asked)
        found = self.credits.get(asked["code"] or asked["target"].get("account", ""))
        answer = {"number": asked["number"], "status": "not_credited", "credited_at": None, "reference": ""}
        if found:
            answer |= {"status": "credited", **found}
        return self._signed({**answer, **self.reply}, nonce)

    def _signed(self, answer: dict[str, Any], nonce: str) -> Response:
        body = json.dumps(answer).encode() if self.raw is None else self.raw
        timestamp = str(int(self.now().timestamp()) + self.stamp)
        signature = _sign(self.signs_with, str(self.status), timestamp, self.nonce or nonce, body)
        headers = {"X-Provider-Timestamp": timestamp, "X-Provider-Signature": signature}
        if self.leads_to:
            headers["Location"] = self.leads_to
        return Response(self.status, headers, body)

    def system_error(self) -> Response:
        return Response(503, {}, b"busy")

    def garbled(self, answer: Response) -> Response:
        return answer._replace(body=answer.body + b" ")


def _sign(secret: str, first: str, timestamp: str, nonce: str, body: bytes) -> str:
    """Written out anew, so that a mistake of the product's is not made twice."""
    text = f"{first}\n{PATH}\n{timestamp}\n{nonce}\n".encode() + body
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
