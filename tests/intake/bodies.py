"""Bodies as shops send them, to be bent in tests."""

import copy
from collections.abc import Callable
from typing import Any

SECRET = "CODE-7Q2M-UNMISTAKABLE"
OTHER_SECRET = "CODE-9Z8X-UNMISTAKABLE"
ORDERS = "/api/v1/ingest/orders/"

_ORDER: dict[str, Any] = {
    "external_no": "DJ-1",
    "seller": "S-0001",
    "buyer": {
        "external_id": "u-77",
        "region": "CN",
        "email": "a@example.com",
        "phone": "13800000000",
        "device": "d-1",
        "ip": "203.0.113.7",
    },
    "product": {
        "sku": "game-50",
        "title": "Game card 50",
        "goods_type": "card_code",
        "page_text": "As shown.",
        "terms": {
            "window_days": 15,
            "no_reason_days": 0,
            "conditions": [{"code": "unused_within_hours", "value": 24}, {"code": "not_bound_to_account"}],
        },
    },
    "quantity": 2,
    "total": {"amount": 4901, "currency": "CNY"},
    "fx_rate": None,
    "target": {"account": "hero-1", "server": "East 3"},
    "consent": {
        "immediate_delivery": True,
        "acknowledged": True,
        "text": "At once, please.",
        "at": "2026-11-10T09:29:00+08:00",
    },
    "payments": [
        {
            "channel": "alipay",
            "channel_no": "2026111022001",
            "amount": {"amount": 4901, "currency": "CNY"},
            "captured_at": "2026-11-10T09:30:00+08:00",
        }
    ],
    "created_at": "2026-11-10T09:29:30+08:00",
    "paid_at": "2026-11-10T09:30:00+08:00",
    "completed_at": None,
    "units": [
        {
            "ref": "1",
            "secret": SECRET,
            "paid_coins": None,
            "promo_coins": None,
            "events": [
                {"type": "stocked", "at": "2026-11-01T00:00:00Z", "ref": "evt-0", "data": {}},
                {"type": "delivered", "at": "2026-11-10T09:31:00+08:00", "ref": "evt-1", "data": {}},
            ],
        }
    ],
}

ABSENT = object()
Bend = Callable[[dict[str, Any]], Any]


def order(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(_ORDER) | changes


def bent(pointer: str, value: Any) -> Any:
    """The order with `value` put at a JSON pointer ("" replaces it all), or taken away where ABSENT."""
    if pointer == "":
        return value
    body = order()
    *path, last = [int(part) if part.isdigit() else part for part in pointer.strip("/").split("/")]
    place: Any = body
    for part in path:
        place = place[part]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return body


def payment(number: str, amount: int = 4901, **changes: Any) -> dict[str, Any]:
    return {
        "channel": "alipay",
        "channel_no": number,
        "amount": {"amount": amount, "currency": "CNY"},
        "captured_at": "2026-11-10T09:30:00+08:00",
    } | changes


def event(
    ref: str | None = "evt-2", kind: str = "revealed", at: str = "2026-11-10T09:40:00+08:00"
) -> dict[str, Any]:
    return {"type": kind, "at": at} | ({"ref": ref} if ref else {})
