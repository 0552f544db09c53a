"""Examples of the public answers, for the API document."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from ..policy import DEFAULTS

_VERSION = {"policy": "card_code@1", "in_force_at": "2026-01-01T00:00:00+08:00"}
_NEXT = {
    "policy": "card_code@2",
    "in_force_at": "2026-12-01T00:00:00+08:00",
    "title": "Sellers answer sooner",
    "why": "Most cases are clear within half a day.",
    "changes": [
        {
            "term": "clocks.seller_reply_hours",
            "name": "Answer of the seller",
            "text": "24 h → 12 h",
            "for_buyer": "kinder",
        }
    ],
}
_ROW: dict[str, Any] = {"goods_type": "card_code", "name": "Game card code", **_VERSION, "next": _NEXT}
_TERMS = {
    name: DEFAULTS["card_code"][name] for name in ("window_days", "waits", "small_below", "machine_limit")
}
_TEXT = [{"clause": "B6", "text": "A refund may be asked for within 15 days of completion …"}]


def _answer(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=["200"])


POLICIES = _answer("One of them", {"results": [_ROW], "next": None, "previous": None})
POLICY = _answer("Card codes", {**_ROW, "next": None, "text": _TEXT, "terms": _TERMS})
SELLER = _answer(
    "A seller with enough orders",
    {
        "code": "S-0001",
        "name": "Lantern Games",
        "verified": True,
        "figures": {
            "days": 90,
            "cases": 31,
            "refund_rate": 0.0125,
            "silence_rate": 0.0,
            "median_answer_hours": 3.5,
        },
    },
)
FIGURES = _answer(
    "One of them",
    {
        "since": "2026-08-28",
        "until": "2026-11-25",
        "results": [
            {
                "goods_type": "card_code",
                "name": "Game card code",
                "cases": 412,
                "success_rate": 0.7354,
                "median_decision_hours": 1.3,
                "median_payment_hours": 2.18,
            }
        ],
    },
)
STANDARDS = _answer(
    "One kind, one reason",
    {
        "kinds": [
            {
                "kind": "error_screen",
                "group": "goods",
                "name": "Error message",
                "example": "The whole screen with the message and the time.",
            }
        ],
        "goods": [
            {
                "goods_type": "card_code",
                "name": "Game card code",
                "policy": "card_code@1",
                "reasons": [{"reason": "not_delivered", "name": "Not delivered", "needed": ["error_screen"]}],
            }
        ],
        "files": {
            "types": [{"media_type": "image/png", "max_bytes": 10485760}],
            "max_pixels": 50000000,
            "max_pages": 50,
            "max_files": 20,
        },
    },
)
QUIET = _answer("All is well", {"outage": None, "peak": None})
BUSY = _answer(
    "An outage, and a peak to come",
    {
        "outage": {
            "started_at": "2026-11-10T22:40:00+08:00",
            "ended_at": None,
            "note": "Signing in fails. We are at it.",
        },
        "peak": {
            "starts_at": "2026-11-11T00:00:00+08:00",
            "ends_at": "2026-11-13T00:00:00+08:00",
            "percent": 150,
            "note": "The sales of 11 November.",
        },
    },
)
