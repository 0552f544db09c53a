"""Examples for the API document."""

from drf_spectacular.utils import OpenApiExample

NOTHING = OpenApiExample("Nothing to say", {}, request_only=True)
ORDER = OpenApiExample(
    "A card code",
    {
        "no": "RO261120K7M2Q9XA",
        "external_no": "DJ-1",
        "seller": "S-0001",
        "title": "Game card 50",
        "goods_type": "card_code",
        "terms": {"window_days": 15, "no_reason_days": 0},
        "quantity": 1,
        "total": {"amount": 4900, "currency": "CNY"},
        "created_at": "2026-11-20T09:29:30+08:00",
        "paid_at": "2026-11-20T09:30:00+08:00",
        "completed_at": "2026-11-20T09:31:00+08:00",
        "units": [
            {
                "ref": "1",
                "amount": 4900,
                "place": "in_place",
                "revealed": False,
                "events": [{"type": "delivered", "at": "2026-11-20T09:31:00+08:00"}],
            }
        ],
    },
    response_only=True,
)
REVEALED = OpenApiExample(
    "The code",
    {
        "order": "RO261120K7M2Q9XA",
        "unit": "1",
        "code": "ABCD-EFGH",
        "revealed_at": "2026-11-20T09:40:00+08:00",
    },
    response_only=True,
)
