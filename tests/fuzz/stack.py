"""The real program as the fuzzer calls it: its WSGI application, with what a shop and time add to a call."""

import base64
import hashlib
import hmac
import io
from collections.abc import Callable, Iterable
from typing import Any

from marketplace.wsgi import application
from tests.factories import SHOP_SECRET

from .world import World

SIGN_ME = "v1,sign-me"  # where a call has this for a signature, its shop signs what is really sent
Environ = dict[str, Any]


class Stack:
    """`is_control`: the rules are answered as no document says, which the fuzzer must find."""

    def __init__(self, world: World, *, is_control: bool = False) -> None:
        self.world, self.is_control = world, is_control

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_WEBHOOK_SIGNATURE") == SIGN_ME:
            _sign(environ)
        if self.is_control and environ["PATH_INFO"] == "/api/v1/policies/":
            start_response("418 I'm a teapot", [("Content-Type", "application/json")])
            return [b"{}"]
        answer = list(application(environ, start_response))
        if environ["REQUEST_METHOD"] == "POST":
            self.world.go_on()
        return answer


def _sign(environ: Environ) -> None:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    # WSGI has headers as latin-1; the signature is over the bytes that were sent.
    head = [environ.get(f"HTTP_WEBHOOK_{name}", "").encode("latin-1") for name in ("ID", "TIMESTAMP")]
    secret = base64.b64decode(SHOP_SECRET.removeprefix("whsec_"))
    mac = hmac.new(secret, b".".join([*head, body]), hashlib.sha256).digest()
    environ["HTTP_WEBHOOK_SIGNATURE"] = f"v1,{base64.b64encode(mac).decode()}"
