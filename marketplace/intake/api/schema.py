"""What the API document says about the ingest calls."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from pydantic import BaseModel

from marketplace.intake.bodies import NoBody, PushedEvents, PushedOrder
from marketplace.intake.known import OrderConflict, PaymentKnown
from marketplace.intake.validation import InvalidBody
from marketplace.kernel.errors import NotFound
from marketplace.kernel.schema import BODY, KEYED, problems


class OrderTaken(BaseModel):
    """`created` is false where the order was known; `units` and `captures` count what it has now."""

    no: str
    external_no: str
    seller: str
    seller_verified: bool
    buyer: str
    created: bool
    units: int
    captures: int


class EventsTaken(BaseModel):
    no: str
    external_no: str
    unit: str
    appended: int
    known: int


class BuyerToken(BaseModel):
    token: str
    expires_at: datetime


def _header(name: str, description: str, example: str) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        str,
        OpenApiParameter.HEADER,
        required=True,
        description=description,
        examples=[OpenApiExample(example, value=example)],
    )


SIGNED = [
    _header("X-Shop", "The shop's code.", "my-shop"),
    _header("webhook-id", "New for each message; the idempotency key.", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"),
    _header("webhook-timestamp", "Unix seconds, within 5 minutes of now.", "1795166400"),
    _header(
        "webhook-signature",
        "`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body` under the shop's secret.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
]


_FIELD = {
    "pointer": "/units/0/events/0/type",
    "code": "invalid_choice",
    "detail": "'sent' is not known. One of: …",
}
_BINDS = {
    "pointer": "/total/amount",
    "code": "conflict",
    "detail": "This was fixed when the order was first pushed …",
}
SIGNED_CALL = (*BODY, *KEYED, 401, 429, (InvalidBody, {"errors": [_FIELD]}))
CONFLICT = (OrderConflict, {"errors": [_BINDS]})

EVENT = {"type": "delivered", "at": "2026-11-20T09:31:00+08:00", "ref": "evt-1", "data": {}}
ORDER: dict[str, Any] = {
    "external_no": "DJ-1",
    "seller": "S-0001",
    "buyer": {"external_id": "u-77", "region": "CN", "email": "a@example.com", "ip": "203.0.113.7"},
    "product": {
        "sku": "game-50",
        "title": "Game card 50",
        "goods_type": "card_code",
        "page_text": "Refunds within 15 days while unused.",
        "terms": {
            "window_days": 15,
            "no_reason_days": 0,
            "conditions": [{"code": "unused_within_hours", "value": 24}, {"code": "not_bound_to_account"}],
        },
    },
    "quantity": 1,
    "total": {"amount": 4900, "currency": "CNY"},
    "fx_rate": None,
    "target": {"account": "hero-1", "server": "East 3"},
    "consent": {
        "immediate_delivery": True,
        "acknowledged": True,
        "text": "Deliver at once; I know that I lose my right to withdraw.",
        "at": "2026-11-20T09:29:00+08:00",
    },
    "payments": [
        {
            "channel": "alipay",
            "channel_no": "2026112022001",
            "amount": {"amount": 4900, "currency": "CNY"},
            "captured_at": "2026-11-20T09:30:00+08:00",
        }
    ],
    "created_at": "2026-11-20T09:29:30+08:00",
    "paid_at": "2026-11-20T09:30:00+08:00",
    "completed_at": "2026-11-20T09:31:00+08:00",
    "units": [{"ref": "1", "secret": "ABCD-EFGH", "events": [EVENT]}],
}
TAKEN = {
    "no": "OD261120K7M2Q9XA",
    "external_no": "DJ-1",
    "seller": "S-0001",
    "seller_verified": True,
    "buyer": "u-77",
    "units": 1,
    "captures": 1,
    "created": True,
}

push_order = extend_schema(
    operation_id="ingest_order",
    summary="Push an order",
    description=(
        "Creates the order, or adds to the one known by `external_no`: payments, events, codes and coins of units, "
        "`paid_at`, `completed_at`, the buyer's contact data. What was fixed at purchase binds; contradicting it is "
        "409 `order_conflict`, and a payment that another order has is 409 `payment_known`."
    ),
    tags=["ingest"],
    parameters=SIGNED,
    request=PushedOrder,
    responses={
        201: OpenApiResponse(OrderTaken, "New."),
        200: OpenApiResponse(OrderTaken, "Known."),
        **problems(*SIGNED_CALL, CONFLICT, PaymentKnown),
    },
    examples=[
        OpenApiExample("A card code", value=ORDER, request_only=True),
        OpenApiExample("Taken", value=TAKEN, response_only=True, status_codes=["200", "201"]),
    ],
)
append_events = extend_schema(
    operation_id="ingest_events",
    summary="Tell what happened to a unit",
    description="Appends events; a `ref` seen before is a no-op, and 409 where it stands for another event.",
    tags=["ingest"],
    parameters=SIGNED,
    request=PushedEvents,
    responses={200: EventsTaken, **problems(*SIGNED_CALL, NotFound, CONFLICT)},
    examples=[
        OpenApiExample("Delivered", value={"unit": "1", "events": [EVENT]}, request_only=True),
        OpenApiExample(
            "Appended",
            value={"no": TAKEN["no"], "external_no": "DJ-1", "unit": "1", "appended": 1, "known": 0},
            response_only=True,
            status_codes=["200"],
        ),
    ],
)
issue_token = extend_schema(
    operation_id="ingest_buyer_token",
    summary="Get a token for a buyer",
    description="The buyer's own token, for the shop's front end. The body is `{}`; a replay returns the same token.",
    tags=["ingest"],
    parameters=SIGNED,
    request=NoBody,
    responses={201: BuyerToken, **problems(*SIGNED_CALL, NotFound)},
    examples=[
        OpenApiExample("Nothing to say", value={}, request_only=True),
        OpenApiExample(
            "Token",
            value={"token": "eyJi…", "expires_at": "2026-11-20T21:30:00+08:00"},
            response_only=True,
            status_codes=["201"],
        ),
    ],
)
