"""SMS through Alibaba Cloud: a server of our own checks the signature and answers as the documents say."""

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from pytest_django import Settings

from marketplace.identity.models import Buyer
from marketplace.notices.models import Delivery
from marketplace.notices.operations.deliver import deliver
from marketplace.notices.operations.read import want
from marketplace.notices.senders import aliyun
from marketplace.notices.senders.base import SCHEDULES, Outcome
from marketplace.notices.topics import RecipientKind, Way
from tests.cases import work
from tests.channels.server import Fault, LocalChannel, Request, Response
from tests.people import Cast

from .receivers import only_delivery, told

KEY_ID, KEY_SECRET = "LTAI-test", "a-secret-of-thirty-characters"
BUYER = RecipientKind.BUYER


class Dysms(LocalChannel):
    """Checks version 3 signatures from the documents' description, apart from the code under test."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, str]] = []
        self.codes: deque[str] = deque()
        self.nonces: set[str] = set()
        self.clock = timezone.now

    def respond(self, request: Request) -> Response:
        if wrong := self._wrong(request):
            return self._say(400, wrong)
        if self.codes:
            return self._say(200, self.codes.popleft())
        self.sent.append({name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()})
        return self._say(200, "OK", BizId="9006197469364984400")

    def system_error(self) -> Response:
        return self._say(503, "ServiceUnavailable")

    def garbled(self, answer: Response) -> Response:
        return Response(200, {}, b"<html>")

    def _say(self, status: int, code: str, **more: str) -> Response:
        return Response(
            status, {}, json.dumps({"Code": code, "Message": f"{code}!", "RequestId": "R", **more}).encode()
        )

    def _wrong(self, request: Request) -> str:
        headers = {name.lower(): value for name, value in request.headers.items()}
        scheme, _space, rest = headers.get("authorization", "").partition(" ")
        given = dict(part.split("=", 1) for part in rest.split(","))
        names = given["SignedHeaders"].split(";")
        assert scheme == "ACS3-HMAC-SHA256"
        assert {name for name in headers if name.startswith("x-acs-")} | {"host"} | (
            {"content-type"} & set(headers)
        ) <= set(names)
        assert (headers["x-acs-action"], headers["x-acs-version"]) == ("SendSms", "2017-05-25")
        if given["Credential"] != KEY_ID:
            return "InvalidAccessKeyId.NotFound"
        at = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs(self.clock() - at) > timedelta(minutes=15):
            return "InvalidTimeStamp.Expired"
        if headers["x-acs-signature-nonce"] in self.nonces:
            return "SignatureNonceUsed"
        self.nonces.add(headers["x-acs-signature-nonce"])
        path, _mark, query = request.path.partition("?")
        assert query == "&".join(sorted(query.split("&")))
        assert hashlib.sha256(request.body).hexdigest() == headers["x-acs-content-sha256"]
        canonical = f"{request.method}\n{path}\n{query}\n"
        canonical += "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(names))
        canonical += f"\n{';'.join(sorted(names))}\n{headers['x-acs-content-sha256']}"
        text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        mac = hmac.new(KEY_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        return "" if hmac.compare_digest(mac, given["Signature"]) else "SignatureDoesNotMatch"


@pytest.fixture
def dysms(settings: Settings, cast: Cast) -> Iterator[Dysms]:
    Buyer.objects.filter(pk=cast.buyer.pk).update(phone="13800000000")
    with Dysms().running() as running:
        settings.SMS_PROVIDER = "aliyun"
        settings.ALIYUN_SMS_TEMPLATES = {"approved": "SMS_1", "rejected": "SMS_2"}
        settings.ALIYUN_SMS = {
            "url": running.url,
            "access_key_id": KEY_ID,
            "access_key_secret": KEY_SECRET,
            "sign_name": "退款 & 争议",
        }
        yield running


def test_signature_is_that_of_the_documents_worked_example() -> None:
    """Alibaba Cloud SDK: "V3 request structure and signature", the example with fixed parameters."""
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    query = aliyun.canonical_query(
        {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
    )
    expected = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    assert aliyun.signature_of("POST", query, headers, "YourAccessKeySecret") == expected


def test_urgent_news_go_to_the_buyers_phone_with_template_and_number(cast: Cast, dysms: Dysms) -> None:
    at = timezone.now()
    notice = told(cast, BUYER, at)
    told(cast, BUYER, at, "request_filed")  # not urgent
    work(at)
    [sms] = dysms.sent
    delivery = only_delivery("sms")
    assert sms == {
        "PhoneNumbers": "13800000000",
        "SignName": "退款 & 争议",
        "TemplateCode": "SMS_1",
        "TemplateParam": json.dumps({"number": notice.subject}),
        "OutId": f"delivery-{delivery.pk}",
    }
    assert delivery.state == "sent"


def test_wrong_key_is_refused_and_tried_again(cast: Cast, dysms: Dysms, settings: Settings) -> None:
    """The control of the test above: the server does look."""
    settings.ALIYUN_SMS = settings.ALIYUN_SMS | {"access_key_secret": "another"}
    at = timezone.now()
    told(cast, BUYER, at)
    result = deliver(only_delivery("sms").pk, at)
    assert result is not None
    assert (result.outcome, result.error) == (Outcome.RETRY, "SignatureDoesNotMatch: SignatureDoesNotMatch!")
    assert dysms.sent == []


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", "queued"), ("isp.SYSTEM_ERROR", "queued"), ("Throttling.User", "queued"),
        ("isv.MOBILE_NUMBER_ILLEGAL", "failed"), ("isv.SMS_TEMPLATE_ILLEGAL", "failed"), ("isv.BLACK_KEY_CONTROL_LIMIT", "failed"),
    ],
)  # fmt: skip
def test_answer_of_the_provider_says_whether_to_try_again(
    code: str, state: str, cast: Cast, dysms: Dysms
) -> None:
    at = timezone.now()
    told(cast, BUYER, at)
    dysms.codes.append(code)
    delivery = only_delivery("sms")
    deliver(delivery.pk, at)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == (state, f"{code}: {code}!")


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.DROP, Fault.GARBLED])
def test_no_trustworthy_answer_is_tried_again(fault: Fault, cast: Cast, dysms: Dysms) -> None:
    at = timezone.now()
    told(cast, BUYER, at)
    dysms.faults.append(fault)
    delivery = only_delivery("sms")
    assert deliver(delivery.pk, at).outcome is Outcome.RETRY
    again = at + SCHEDULES["sms"].waits[0]
    assert deliver(delivery.pk, again).outcome is Outcome.SENT
    assert len(dysms.nonces) == len(dysms.calls) - (fault in (Fault.ERROR, Fault.DROP))


def test_provider_that_says_nothing_is_hung_up_on(cast: Cast, dysms: Dysms, settings: Settings) -> None:
    settings.SMS_TIMEOUT_SECONDS = 0.2
    at = timezone.now()
    told(cast, BUYER, at)
    dysms.faults.append(Fault.SLOW)
    assert deliver(only_delivery("sms").pk, at).outcome is Outcome.RETRY


def test_topic_without_an_approved_template_is_not_sent(cast: Cast, dysms: Dysms) -> None:
    at = timezone.now()
    told(cast, BUYER, at, "refunded")
    work(at)
    assert dysms.sent == []
    assert (only_delivery("sms").state, only_delivery("sms").error) == ("failed", "no template for refunded")


def test_buyer_without_a_phone_and_seller_get_none(cast: Cast, dysms: Dysms) -> None:
    Buyer.objects.update(phone="")
    at = timezone.now()
    told(cast, BUYER, at)
    told(cast, RecipientKind.SELLER, at)
    assert not Delivery.objects.filter(way="sms").exists()


def test_decisions_come_by_sms_whatever_was_turned_off(cast: Cast, dysms: Dysms) -> None:
    at = timezone.now()
    for group in ("progress", "messages"):
        want(recipient_kind=BUYER, recipient_id=cast.buyer.pk, way=Way.SMS, group=group, wanted=False, now=at)
    told(cast, BUYER, at)
    work(at)
    assert len(dysms.sent) == 1


def test_console_writes_it_to_the_log(cast: Cast, settings: Settings, caplog: Any) -> None:
    Buyer.objects.filter(pk=cast.buyer.pk).update(phone="13800000000")
    settings.SMS_PROVIDER = "console"
    at = timezone.now()
    notice = told(cast, BUYER, at)
    work(at)
    assert "13800000000" in caplog.text
    assert notice.data["approved"] == {"amount": 4900, "currency": "CNY"}
    assert only_delivery("sms").state == "sent"


def test_without_a_provider_nothing_is_queued(cast: Cast) -> None:
    Buyer.objects.filter(pk=cast.buyer.pk).update(phone="13800000000")
    told(cast, BUYER, timezone.now())
    assert not Delivery.objects.exists()
