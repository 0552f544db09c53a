"""What views need from a request: where it comes from, and its idempotency key."""

import hashlib
import json
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import parse_etags
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from . import idempotency
from .errors import Refusal


class KeyRequired(Refusal):
    code = "idempotency_key_required"
    status = 400
    title = _(
        "Send an Idempotency-Key header: any text of 1 to 255 visible ASCII characters, new for each new request."
    )


def client_address(request: HttpRequest | Request) -> str:
    """The peer's address; behind TRUSTED_PROXIES, the last address that none of them is."""
    peer: str = request.META.get("REMOTE_ADDR", "")
    if peer in settings.TRUSTED_PROXIES:
        for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            if hop.strip() and hop.strip() not in settings.TRUSTED_PROXIES:
                return str(hop).strip()
    return peer


class Origin(NamedTuple):
    """Where something was done from: an address ("" where there is none) and a browser in its own words."""

    ip: str = ""
    device: str = ""


NOWHERE = Origin()  # the command line, or the machine itself


def origin_of(request: HttpRequest) -> Origin:
    return Origin(client_address(request), request.META.get("HTTP_USER_AGENT", "")[:255])


def idempotency_key(request: Request, operation: str, content: bytes | None = None) -> idempotency.Key:
    """`content` stands for a body that is not to be read whole: a form with a file.

    Raises KeyRequired when the header is missing, empty, too long or not visible ASCII.
    """
    value = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(value) <= 255 or not all("!" <= c <= "~" for c in value):
        raise KeyRequired()
    body = request._request.body if content is None else content
    digest = idempotency.fingerprint(request.method or "", request.path, body)
    return idempotency.Key(f"buyer:{request.user.pk}:{operation}", value, digest)


def body_or_nothing(request: Request) -> Any:
    """For calls that may come without a body; what is there is judged as it is: `false` is not nothing."""
    return request.data if request._request.body else {}


def answer(outcome: idempotency.Outcome, body: Any = None) -> Response:
    """The kept answer, or `body` where the answer holds something that must not be kept."""
    response = Response(outcome.answer if body is None else body, status=outcome.status)
    if outcome.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def tagged(request: Request, body: Any, cache_control: str) -> Response:
    """`body` under a strong ETag made from it, or 304 where the caller has just that.

    The tag is of the answer itself, so that nothing the answer will ever hold can change behind an old tag.
    """
    tag = f'"{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]}"'
    had = [each.removeprefix("W/") for each in parse_etags(request.headers.get("If-None-Match", ""))]
    response = Response(status=304) if tag in had or had == ["*"] else Response(body)
    response["ETag"] = tag
    response["Cache-Control"] = cache_control
    return response
