"""Malformed pushes: each says what is wrong where, and writes nothing."""

from typing import Any

import pytest

from . import bodies, rows
from .bodies import ABSENT
from .conftest import Push

LONG = "x" * 5001
FUTURE = "2026-11-20T10:06:00+08:00"

# (what is put where, code, pointer where it is not the same place)
CASES: list[tuple[str, Any, str, str | None]] = [
    ("", [], "invalid", None),
    ("", "text", "invalid", None),
    ("/external_no", ABSENT, "required", None),
    ("/external_no", None, "null", None),
    ("/external_no", "", "blank", None),
    ("/external_no", "  ", "blank", None),
    ("/external_no", 17, "invalid", None),
    ("/external_no", "x" * 129, "max_length", None),
    ("/seller", ABSENT, "required", None),
    ("/seller", "S" * 65, "max_length", None),
    ("/surprise", 1, "unknown_field", None),
    ("/buyer", ABSENT, "required", None),
    ("/buyer", "u-77", "invalid", None),
    ("/buyer/external_id", ABSENT, "required", None),
    ("/buyer/region", "cn", "invalid", None),
    ("/buyer/region", "CHN", "invalid", None),
    ("/buyer/email", "x" * 255, "max_length", None),
    ("/buyer/phone", "1" * 33, "max_length", None),
    ("/buyer/name", "Li", "unknown_field", None),
    ("/buyer/a~1b", "x", "unknown_field", None),
    ("/product/sku", ABSENT, "required", None),
    ("/product/title", "x" * 501, "max_length", None),
    ("/product/goods_type", "gift", "invalid_choice", None),
    ("/product/goods_type", 5, "invalid", None),
    ("/product/terms/window_days", 6, "min_value", None),
    ("/product/terms/window_days", 16, "max_value", None),
    ("/product/terms/window_days", 7.0, "invalid", None),
    ("/product/terms/no_reason_days", -1, "min_value", None),
    ("/product/terms/no_reason_days", 366, "max_value", None),
    ("/product/terms/window_hours", 48, "unknown_field", None),
    ("/product/terms/conditions/0/code", "no_refunds", "invalid_choice", None),
    ("/product/terms/conditions/0/value", 0, "min_value", None),
    ("/product/terms/conditions/0/value", True, "invalid", None),
    ("/product/terms/conditions/0/value", ABSENT, "required", None),
    ("/product/terms/conditions/1/value", 3, "invalid", None),
    (
        "/product/terms/conditions",
        [{"code": "not_bound_to_account"}, {"code": "not_bound_to_account"}],
        "duplicate",
        "/product/terms/conditions/1/code",
    ),
    ("/quantity", 0, "min_value", None),
    ("/quantity", 1001, "max_value", None),
    ("/quantity", "2", "invalid", None),
    ("/quantity", True, "invalid", None),
    ("/quantity", 2.0, "invalid", None),
    ("/total", 4901, "invalid", None),
    ("/total/amount", 0, "min_value", None),
    ("/total/amount", -5, "min_value", None),
    ("/total/amount", "4901", "invalid", None),
    ("/total/amount", 49.01, "invalid", None),
    ("/total/amount", 10**15 + 1, "max_value", None),
    ("/total/amount", 10**400, "max_value", None),
    ("/total/currency", "RMB", "invalid_choice", None),
    ("/total/currency", "USD", "currency_mismatch", "/payments/0/amount/currency"),
    ("/fx_rate", 7.1, "invalid", None),
    ("/fx_rate", "seven", "invalid", None),
    ("/fx_rate", 0, "invalid", None),
    ("/fx_rate", "NaN", "invalid", None),
    ("/fx_rate", "1.123456789", "invalid", None),
    ("/fx_rate", "1e400000", "invalid", None),
    ("/target/account", 5, "invalid", None),
    ("/target/account", "x" * 201, "max_length", None),
    ("/target", {str(n): "x" for n in range(21)}, "max_length", None),
    ("/target", [], "invalid", None),
    ("/consent/at", ABSENT, "required", None),
    ("/consent/acknowledged", "yes", "invalid", None),
    ("/consent/text", LONG, "max_length", None),
    ("/consent/signature", "x", "unknown_field", None),
    ("/consent/at", FUTURE, "in_future", None),
    ("/payments", {}, "invalid", None),
    ("/payments/0/channel", "paypal", "invalid_choice", None),
    ("/payments/0/channel_no", ABSENT, "required", None),
    ("/payments/0/amount/amount", 0, "min_value", None),
    ("/payments/0/captured_at", FUTURE, "in_future", None),
    ("/payments", [bodies.payment("a"), bodies.payment("a")], "duplicate", "/payments/1/channel_no"),
    ("/created_at", ABSENT, "required", None),
    ("/created_at", "2026-11-10 09:29:30+08:00", "invalid", None),
    ("/created_at", "2026-11-10T09:29:30", "no_offset", None),
    ("/created_at", "2026-02-30T09:29:30Z", "invalid", None),
    ("/created_at", "2026-11-10", "invalid", None),
    ("/created_at", 1795166400, "invalid", None),
    ("/created_at", "1999-11-10T09:29:30Z", "range", None),
    ("/created_at", FUTURE, "in_future", None),
    ("/paid_at", FUTURE, "in_future", None),
    ("/completed_at", "2026-11-10T09:29:29+08:00", "before_created", None),
    ("/units", [{"ref": "1"}, {"ref": "2"}, {"ref": "3"}], "too_many_units", None),
    ("/units", [{"ref": "1"}, {"ref": "1"}], "duplicate", "/units/1/ref"),
    ("/units/0/ref", "", "blank", None),
    ("/units/0/ref", 1, "invalid", None),
    ("/units/0/secret", 12345678, "invalid", None),
    ("/units/0/secret", "", "blank", None),
    ("/units/0/paid_coins", -1, "min_value", None),
    ("/units/0/promo_coins", 1.5, "invalid", None),
    ("/units/0/code", "ABCD", "unknown_field", None),
    ("/units/0/events/1/type", "sent", "invalid_choice", None),
    ("/units/0/events/1/at", FUTURE, "in_future", None),
    ("/units/0/events/1/at", "yesterday", "invalid", None),
    ("/units/0/events/1/ref", "evt-0", "duplicate", None),
    ("/units/0/events/1/data", [], "invalid", None),
    ("/units/0/events/1/data", {"promo": "yes"}, "invalid", None),
    ("/units/0/events/1/data", {"note": LONG}, "max_length", None),
    ("/units/0/events/1/when", "now", "unknown_field", None),
]


@pytest.mark.parametrize(
    ("where", "value", "code", "pointer"),
    CASES,
    ids=[f"{n}{where or '/'}-{code}" for n, (where, _v, code, _p) in enumerate(CASES)],
)
def test_malformed_order_is_refused(
    push: Push, where: str, value: Any, code: str, pointer: str | None
) -> None:
    before = rows.counts()

    answer = push(bodies.bent(where, value) if "~" not in where else _tilde(value))

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["code"] == "validation_error"
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (where if pointer is None else pointer, code)
    assert error["detail"] and "%(" not in error["detail"]
    assert bodies.SECRET not in answer.content.decode()
    assert rows.counts() == before


def _tilde(value: Any) -> dict[str, Any]:
    body = bodies.order()
    body["buyer"]["a/b"] = value
    return body


NOT_JSON = [b"{", b"", b'{"external_no": NaN}', b'{"a": 1, "a": 2}', b'"\\u0000"', b"\xff{}", b"[" * 100_000]


@pytest.mark.parametrize("payload", NOT_JSON, ids=range(len(NOT_JSON)))
def test_body_that_is_no_json_is_refused(api: Any, shop: Any, payload: bytes) -> None:
    from django.utils import timezone

    from tests.people import signed

    before = rows.counts()
    headers = signed(shop, payload, "msg_1", int(timezone.now().timestamp()))
    answer = api.post(bodies.ORDERS, payload, content_type="application/json", key=None, headers=headers)
    # What is not UTF-8 cannot be verified by the library, and is refused as unsigned.
    assert answer.status_code == (401 if payload.startswith(b"\xff") else 400)
    assert answer["Content-Type"] == "application/problem+json"
    assert rows.counts() == before


def test_every_fault_is_named_at_once(push: Push) -> None:
    body = bodies.bent("/quantity", "2") | {"surprise": 1}
    body["units"][0]["events"][1]["type"] = "sent"
    pointers = {error["pointer"] for error in push(body).json()["errors"]}
    assert pointers == {"/quantity", "/surprise", "/units/0/events/1/type"}


def test_value_and_remedy_are_named(push: Push, settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"
    [error] = push(bodies.bent("/units/0/events/1/type", "sent")).json()["errors"]
    assert "'sent'" in error["detail"] and "delivered" in error["detail"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/unit", "required"),
        ({"unit": "1"}, "/events", "required"),
        ({"unit": "1", "events": []}, "/events", "min_length"),
        ({"unit": "1", "events": [bodies.event(kind="used")]}, "/events/0/type", "invalid_choice"),
        ({"unit": "1", "events": [bodies.event(at=FUTURE)]}, "/events/0/at", "in_future"),
        (
            {"unit": "1", "events": [bodies.event("a"), bodies.event("a", "spent")]},
            "/events/1/ref",
            "duplicate",
        ),
        ({"unit": "1", "events": [bodies.event()], "note": ""}, "/note", "unknown_field"),
    ],
)
def test_malformed_events_are_refused(push: Push, body: Any, pointer: str, code: str) -> None:
    push(bodies.order())
    before = rows.counts()
    answer = push(body, "/api/v1/ingest/orders/DJ-1/events/")
    assert answer.status_code == 400
    assert (pointer, code) in {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
    assert rows.counts() == before


def test_token_call_takes_no_fields(push: Push) -> None:
    push(bodies.order())
    answer = push({"hours": 99}, "/api/v1/ingest/buyers/u-77/token/")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/hours")
