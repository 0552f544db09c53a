"""Alibaba Cloud SMS (Dysms 2017-05-25, SendSms), signed with signature version 3 (ACS3-HMAC-SHA256)."""

import hashlib
import hmac
import http.client
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from django.conf import settings

from ..texts import Rendered
from .base import Outcome, Parcel, Result

ACTION, VERSION = "SendSms", "2017-05-25"
_EMPTY = hashlib.sha256(b"").hexdigest()
# Worth another try; any other code is about this message, this number or our account, and stays as it is.
PASSING = frozenset({
    "isv.BUSINESS_LIMIT_CONTROL", "isp.SYSTEM_ERROR", "isp.RAM_PERMISSION_DENY", "isv.AMOUNT_NOT_ENOUGH",
    "isv.ACCOUNT_ABNORMAL", "isv.OUT_OF_SERVICE", "SignatureDoesNotMatch", "InvalidAccessKeyId.NotFound",
    "Throttling.User", "Throttling", "InvalidTimeStamp.Expired", "ServiceUnavailable", "InternalError",
})  # fmt: skip


class AliyunSms:
    def send(self, parcel: Parcel, text: Rendered, now: datetime) -> Result:
        template = settings.ALIYUN_SMS_TEMPLATES.get(parcel.topic)
        if not template:
            return Result(Outcome.REFUSED, f"no template for {parcel.topic}")
        query = canonical_query(
            {
                "PhoneNumbers": parcel.to.removeprefix("+86"),
                "SignName": settings.ALIYUN_SMS["sign_name"],
                "TemplateCode": template,
                "TemplateParam": json.dumps({"number": str(parcel.data.get("number", ""))}),
                "OutId": f"delivery-{parcel.delivery_id}",  # shown with each message in the provider's console
            }
        )
        return _call(query, now)


def _call(query: str, now: datetime) -> Result:
    address = settings.ALIYUN_SMS["url"].rstrip("/")
    signed = sign(query, urlsplit(address).netloc, now, secrets.token_hex(16))
    request = urllib.request.Request(f"{address}/?{query}", data=b"", headers=signed, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=settings.SMS_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return _read(answer.status, answer.read(20_000))
    except urllib.error.HTTPError as error:
        return _read(error.code, error.read(20_000))
    except (OSError, http.client.HTTPException) as error:
        return Result(Outcome.RETRY, f"{type(error).__name__}: {error}")


def _read(status: int, body: bytes) -> Result:
    """`{"Code": "OK", "BizId": …}`; an error is {"Code", "Message"}, with 200 or with an HTTP error."""
    try:
        said = json.loads(body)
        code, message = str(said["Code"]), str(said.get("Message", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Result(Outcome.RETRY, f"HTTP {status}, and no answer that can be read", status)
    if code == "OK":
        return Result(Outcome.SENT, status=status)
    outcome = Outcome.RETRY if code in PASSING or status >= 500 else Outcome.REFUSED
    return Result(outcome, f"{code}: {message}", status)


def sign(query: str, host: str, now: datetime, nonce: str) -> dict[str, str]:
    """The headers of a POST with all its parameters in the query and an empty body."""
    headers = {
        "content-type": "application/x-www-form-urlencoded",  # sent by the client in any case, so signed too
        "host": host,
        "x-acs-action": ACTION,
        "x-acs-content-sha256": _EMPTY,
        "x-acs-date": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": VERSION,
    }
    signature = signature_of("POST", query, headers, settings.ALIYUN_SMS["access_key_secret"])
    names = ";".join(sorted(headers))
    key_id = settings.ALIYUN_SMS["access_key_id"]
    headers["Authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}"
    )
    return headers


def signature_of(method: str, query: str, headers: Mapping[str, str], secret: str) -> str:
    """Of a request to "/": over method, query, the headers in order, and the hash of the body they name."""
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    request = "\n".join([method, "/", query, lines, ";".join(names), headers["x-acs-content-sha256"]])
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Sorted by name, percent-encoded as RFC 3986 has it."""
    return "&".join(
        f"{quote(name, safe='~')}={quote(parameters[name], safe='~')}" for name in sorted(parameters)
    )
