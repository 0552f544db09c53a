"""Bad requests: status, code and pointer of each answer, and that no row was written."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from marketplace.orders.models import Order
from tests.factories import hours, make_order
from tests.people import Api, Cast

FILE = "/api/v1/refund-requests/"
OVERSIZED = "9" * 5000
WRITABLE = (
    "refunds_refundrequest", "refunds_transition", "refunds_refunditem", "refunds_message", "refunds_decision",
    "kernel_idempotencykey", "kernel_outboxjob", "payments_claim", "payments_transfer", "orders_unitevent",
)  # fmt: skip


def counts() -> dict[str, int]:
    with connection.cursor() as cursor:
        found = {}
        for table in WRITABLE:
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[table] = cursor.fetchone()[0]
        return found


@pytest.fixture
def order(cast: Cast) -> Order:
    events = [("delivered", hours(-3))]
    return make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900, events=events)


@pytest.fixture
def buyer(api: Api, cast: Cast) -> Api:
    return api.sign_in(cast.buyer)


GOOD = {"order": "NO", "reason": "not_activated"}
# (what is changed in a good body, status, code, pointer of the first error)
BODIES: list[tuple[str, Any, int, str, str | None]] = [
    ("empty object", {}, 400, "validation_error", "/order"),
    ("list", [], 400, "validation_error", ""),
    ("string", "refund", 400, "validation_error", ""),
    ("null", None, 400, "validation_error", ""),
    ("number", 7, 400, "validation_error", ""),
    ("no reason", {"order": "NO"}, 400, "validation_error", "/reason"),
    ("no order", {"reason": "other"}, 400, "validation_error", "/order"),
    ("unknown reason", {**GOOD, "reason": "because"}, 400, "validation_error", "/reason"),
    ("reason is a list", {**GOOD, "reason": ["other"]}, 400, "validation_error", "/reason"),
    ("reason is an object", {**GOOD, "reason": {"a": 1}}, 400, "validation_error", "/reason"),
    ("reason is null", {**GOOD, "reason": None}, 400, "validation_error", "/reason"),
    ("unknown remedy", {**GOOD, "remedy": "gift"}, 400, "validation_error", "/remedy"),
    ("unknown field", {**GOOD, "colour": "red"}, 400, "validation_error", "/colour"),
    ("unknown field with a slash", {**GOOD, "a/b~c": 1}, 400, "validation_error", "/a~1b~0c"),
    ("order is a number", {**GOOD, "order": 12}, 400, "validation_error", "/order"),
    ("order is blank", {**GOOD, "order": ""}, 400, "validation_error", "/order"),
    ("order is too long", {**GOOD, "order": "x" * 21}, 400, "validation_error", "/order"),
    ("description is a number", {**GOOD, "description": 1}, 400, "validation_error", "/description"),
    ("description is too long", {**GOOD, "description": "x" * 4001}, 400, "validation_error", "/description"),
    ("units is a string", {**GOOD, "units": "1"}, 400, "validation_error", "/units"),
    ("units is empty", {**GOOD, "units": []}, 400, "validation_error", "/units"),
    ("units has a number", {**GOOD, "units": [1]}, 400, "validation_error", "/units/0"),
    ("units is null", {**GOOD, "units": None}, 400, "validation_error", "/units"),
    ("unit is not there", {**GOOD, "units": ["9"]}, 422, "unknown_unit", None),
    ("amount is a number", {**GOOD, "amount": 4900}, 400, "validation_error", "/amount"),
    ("amount has no currency", {**GOOD, "amount": {"amount": 1}}, 400, "validation_error", "/amount/currency"),
    ("amount has no amount", {**GOOD, "amount": {"currency": "CNY"}}, 400, "validation_error", "/amount/amount"),
    ("amount is zero", {**GOOD, "amount": {"amount": 0, "currency": "CNY"}}, 400, "validation_error", "/amount/amount"),
    ("amount is negative", {**GOOD, "amount": {"amount": -5, "currency": "CNY"}}, 400, "validation_error", "/amount/amount"),
    ("amount is a string", {**GOOD, "amount": {"amount": "5", "currency": "CNY"}}, 400, "validation_error", "/amount/amount"),
    ("amount is a fraction", {**GOOD, "amount": {"amount": 5.5, "currency": "CNY"}}, 400, "validation_error", "/amount/amount"),
    ("amount is true", {**GOOD, "amount": {"amount": True, "currency": "CNY"}}, 400, "validation_error", "/amount/amount"),
    ("amount is past bigint", {**GOOD, "amount": {"amount": 10**19, "currency": "CNY"}}, 400, "validation_error", "/amount/amount"),
    ("currency is unknown", {**GOOD, "amount": {"amount": 5, "currency": "XXX"}}, 400, "validation_error", "/amount/currency"),
    ("currency is another", {**GOOD, "amount": {"amount": 5, "currency": "USD"}}, 422, "wrong_currency", None),
    ("amount has more", {**GOOD, "amount": {"amount": 5, "currency": "CNY", "x": 1}}, 400, "validation_error", "/amount/x"),
    ("amount above the order", {**GOOD, "amount": {"amount": 9901, "currency": "CNY"}}, 422, "not_refundable", None),
    ("details is a string", {**GOOD, "details": "x"}, 400, "validation_error", "/details"),
    ("details has an unknown name", {**GOOD, "details": {"pin": "1"}}, 400, "validation_error", "/details/pin"),
    ("digits of another script", {**GOOD, "details": {"card_last4": "٤٧١١"}}, 400, "validation_error", "/details/card_last4"),
    ("whole card number", {**GOOD, "details": {"card_last4": "4111111111111111"}}, 400, "validation_error", "/details/card_last4"),
    ("file_when_allowed is a string", {**GOOD, "file_when_allowed": "yes"}, 400, "validation_error", "/file_when_allowed"),
    ("file_when_allowed is 1", {**GOOD, "file_when_allowed": 1}, 400, "validation_error", "/file_when_allowed"),
    ("file_when_allowed is null", {**GOOD, "file_when_allowed": None}, 400, "validation_error", "/file_when_allowed"),
    ("order of nobody", {**GOOD, "order": "OD261120AAAAAAAA"}, 404, "not_found", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "body", "status", "code", "pointer"), BODIES, ids=[row[0] for row in BODIES]
)
def test_bad_filing_is_refused_and_writes_nothing(
    buyer: Api, order: Order, name: str, body: Any, status: int, code: str, pointer: str | None
) -> None:
    if isinstance(body, dict) and body.get("order") == "NO":
        body = {**body, "order": order.no}
    before = counts()
    answer = buyer.post(FILE, json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    if pointer is not None:
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
        assert all(error["detail"] and error["code"] for error in answer.json()["errors"])
    assert counts() == before


RAW: list[tuple[str, bytes, str, int, str]] = [
    ("nothing", b"", "application/json", 400, "validation_error"),
    ("half an object", b'{"order": ', "application/json", 400, "malformed_json"),
    ("trailing comma", b'{"order": "x",}', "application/json", 400, "malformed_json"),
    ("single quotes", b"{'order': 'x'}", "application/json", 400, "malformed_json"),
    ("not UTF-8", b'{"order": "\xff"}', "application/json", 400, "malformed_json"),
    ("UTF-16", '{"order": "x"}'.encode("utf-16"), "application/json", 400, "malformed_json"),
    ("NaN", b'{"order": NaN}', "application/json", 400, "malformed_json"),
    ("Infinity", b'{"amount": -Infinity}', "application/json", 400, "malformed_json"),
    ("NUL", b'{"order": "a\\u0000b", "reason": "other"}', "application/json", 400, "malformed_json"),
    ("raw NUL", b'{"order": "a\x00b"}', "application/json", 400, "malformed_json"),
    ("half a pair", b'{"order": "\\ud800", "reason": "other"}', "application/json", 400, "malformed_json"),
    ("doubled name", b'{"order": "a", "order": "b"}', "application/json", 400, "malformed_json"),
    ("too deep", b"[" * 100_000, "application/json", 400, "malformed_json"),
    ("too many digits", b'{"amount": ' + OVERSIZED.encode() + b"}", "application/json", 400, "malformed_json"),
    ("a form", b"order=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    ("XML", b"<order/>", "application/xml", 415, "unsupported_media_type"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "kind", "status", "code"), RAW, ids=[row[0] for row in RAW])
def test_unreadable_body_is_refused_and_writes_nothing(
    buyer: Api, name: str, body: bytes, kind: str, status: int, code: str
) -> None:
    before = counts()
    answer = buyer.post(FILE, body, content_type=kind)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert counts() == before


@pytest.mark.parametrize("key", [None, "", " ", "two words", "ключ", "x" * 256])
def test_bad_idempotency_key_is_refused(buyer: Api, order: Order, key: str | None) -> None:
    headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    before = counts()
    answer = buyer.post(FILE, {"order": order.no, "reason": "other"}, key=None, **headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert counts() == before


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/api/v1/nowhere/", 404, "not_found"),
        ("get", "/api/v1/refund-requests/RF000/", 404, "not_found"),
        ("get", "/api/v1/orders/OD000/", 404, "not_found"),
        ("get", "/api/v1/refund-requests", 404, "not_found"),
        ("put", FILE, 405, "method_not_allowed"),
        ("delete", "/api/v1/refund-requests/RF000/", 405, "method_not_allowed"),
        ("get", "/api/v1/auth/login/", 405, "method_not_allowed"),
        ("get", "/api/v1/refund-requests/?cursor=rubbish", 400, "validation_error"),
        ("get", "/api/v1/refund-requests/?state=lost", 400, "validation_error"),
        ("get", "/api/v1/orders/OD000/refund-eligibility/", 400, "validation_error"),
        ("get", "/api/v1/orders/OD000/refund-eligibility/?reason=x", 400, "validation_error"),
        ("get", "/api/v1/orders/OD000/refund-eligibility/?reason=other&x=1", 400, "validation_error"),
        ("get", "/api/v1/orders/%00/", 404, "not_found"),
        ("get", "/api/v1/orders/?external_no=%00", 400, "validation_error"),
    ],
)
def test_every_error_is_a_problem_document(
    buyer: Api, method: str, path: str, status: int, code: str
) -> None:
    answer = getattr(buyer, method)(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Bearer x y", "Basic YTpi", "Bearer \xe9"])
def test_bad_token_is_401(api: Api, header: str) -> None:
    answer = api.get(FILE, HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"


def test_too_large_a_body_is_413_and_writes_nothing(buyer: Api) -> None:
    before = counts()
    answer = buyer.post(FILE, b" " * (3 * 1024 * 1024), content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert counts() == before


def test_too_many_requests_is_429_with_retry_after(buyer: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from marketplace.kernel.throttling import PerUser

    monkeypatch.setattr(PerUser, "rate", "2/min", raising=False)
    cache.clear()
    answers = [buyer.get(FILE) for _try in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["code"] == "throttled"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 61


def test_bug_is_a_500_problem_that_tells_nothing(buyer: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from refunds import queries

    def broken(*_args: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(queries, "of_buyer", broken)
    answer = buyer.get(FILE)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_language_changes_texts_and_never_codes(buyer: Api, order: Order, language: str) -> None:
    answer = buyer.post(FILE, {"order": order.no}, headers={"Accept-Language": language}).json()
    assert answer["code"] == "validation_error"
    has_chinese = any("\u4e00" <= c <= "\u9fff" for c in answer["title"])
    assert has_chinese == (language == "zh-hans")


def test_another_buyers_order_and_case_are_404(api: Api, cast: Cast, order: Order) -> None:
    from tests.cases import file

    request = file(order)
    stranger = api.sign_in(cast.stranger)
    before = counts()
    calls = [
        stranger.get(f"/api/v1/orders/{order.no}/"),
        stranger.get(f"/api/v1/orders/{order.no}/refund-eligibility/?reason=other"),
        stranger.post(f"/api/v1/orders/{order.no}/units/1/reveal/"),
        stranger.post(f"/api/v1/orders/{order.no}/one-click-refund/"),
        stranger.post(FILE, {"order": order.no, "reason": "other"}),
        stranger.get(f"{FILE}{request.number}/"),
        stranger.post(f"{FILE}{request.number}/withdraw/"),
        stranger.post(f"{FILE}{request.number}/messages/", {"text": "hello"}),
    ]
    assert {answer.status_code for answer in calls} == {404}
    assert counts() == before


@pytest.mark.parametrize("raw", [b"false", b"0", b'""', b"[]", b"null", b" "], ids=repr)
def test_body_that_is_no_object_is_not_taken_for_none(buyer: Api, order: Order, raw: bytes) -> None:
    before = counts()
    refused = buyer.post(f"/api/v1/orders/{order.no}/one-click-refund/", raw, content_type="application/json")
    assert (refused.status_code, refused.json()["type"]) == (400, "about:blank")
    assert counts() == before


def test_options_are_not_offered(buyer: Api) -> None:
    refused = buyer.options(FILE)
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
