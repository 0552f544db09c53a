"""The bodies shops send, declared once: the API, its schema and the importers all validate with these.

They are compiled by pydantic because a file of 100,000 orders goes through the same rules as a single push.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from marketplace.kernel.money import EXPONENTS, MAX_AMOUNT
from marketplace.orders.goods import EventType, GoodsType
from marketplace.payments.channels import Channel

MAX_UNITS = 1000  # an order's units are locked and judged together
MAX_EVENTS = 200
MAX_PAYMENTS = 50
MAX_DATA = 4000
CONDITIONS = ("unused_within_hours", "not_bound_to_account")

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, str) and _RFC3339.fullmatch(upper := value.upper()):
        try:
            found = datetime.fromisoformat(upper)
        except ValueError:
            raise PydanticCustomError("time", "not a time") from None
    else:
        raise PydanticCustomError("time", "not a time")
    if found.tzinfo is None:
        raise PydanticCustomError("no_offset", "no offset")
    if not 2000 <= found.year <= 2100:
        raise PydanticCustomError("range", "year out of range")
    return found


def _one_of(values: Iterable[str]) -> Callable[[str], str]:
    known = frozenset(values)
    listed = ", ".join(sorted(known))

    def check(value: str) -> str:
        if value not in known:
            raise PydanticCustomError("choice", "not one of", {"allowed": listed})
        return value

    return check


def _rate(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise PydanticCustomError("rate", "not a rate")
    try:
        rate = Decimal(str(value))
    except InvalidOperation:
        raise PydanticCustomError("rate", "not a rate") from None
    if not rate.is_finite() or not 0 < rate < 10**10 or rate != round(rate, 8):
        raise PydanticCustomError("rate", "not a rate")
    return rate


def address(value: str) -> str | None:
    """The first address in what shops log ("1.2.3.4, 10.0.0.1", "1.2.3.4:55012"); None when there is none."""
    first = value.split(",")[0].strip().split("%")[0]
    host, colon, _port = first.rpartition(":")
    for candidate in (first, host.strip("[]")) if colon else (first,):
        try:
            socket.inet_pton(socket.AF_INET, candidate)
            return candidate  # a plain IPv4 address is written in one way only
        except (OSError, ValueError):
            pass
        try:
            return str(ipaddress.ip_address(candidate))
        except ValueError:
            continue
    return None


def _data(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value, ensure_ascii=False)) > MAX_DATA:
        raise PydanticCustomError("data_size", "too large", {"limit": MAX_DATA})
    if not isinstance(value.get("promo", False), bool):
        raise PydanticCustomError("promo", "promo is true or false")
    return value


Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
Rate = Annotated[
    Decimal, BeforeValidator(_rate), WithJsonSchema({"oneOf": [{"type": "number"}, {"type": "string"}]})
]
Ref = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Count = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
Small = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


def _enum(values: Iterable[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(values)})


Goods = Annotated[str, AfterValidator(_one_of(GoodsType.values)), _enum(GoodsType.values)]
Paid = Annotated[str, AfterValidator(_one_of(Channel.values)), _enum(Channel.values)]
Happened = Annotated[str, AfterValidator(_one_of(EventType.values)), _enum(EventType.values)]
Currency = Annotated[str, AfterValidator(_one_of(EXPONENTS)), _enum(sorted(EXPONENTS))]
Condition = Annotated[str, AfterValidator(_one_of(CONDITIONS)), _enum(CONDITIONS)]


class _Body(BaseModel):
    # A name with a typing error is refused, "4900" is not an amount, and no message repeats what was sent.
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class PushedMoney(_Body):
    """Minor units of the currency."""

    amount: Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
    currency: Currency


class PushedBuyer(_Body):
    """The buyer as the shop knows them. `ip` takes what shops log; what holds no address is not kept."""

    external_id: Name
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    email: Annotated[str, StringConstraints(strip_whitespace=True, max_length=254)] | None = None
    phone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=32)] | None = None
    device: Annotated[str, StringConstraints(strip_whitespace=True, max_length=128)] | None = None
    ip: Annotated[str, StringConstraints(strip_whitespace=True, max_length=128)] | None = None


class PushedCondition(_Body):
    """`unused_within_hours` takes a whole number of hours, `not_bound_to_account` takes no value."""

    code: Condition
    value: Annotated[int, Field(ge=1, le=365 * 24)] | None = None


class PushedTerms(_Body):
    """The refund promise as shown before purchase; what was not shown is left out (requirement B6)."""

    window_days: Annotated[int, Field(ge=7, le=15)] | None = None
    no_reason_days: Annotated[int, Field(ge=0, le=365)] | None = None
    conditions: Annotated[list[PushedCondition], Field(max_length=len(CONDITIONS))] | None = None


class PushedProduct(_Body):
    sku: Name
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    goods_type: Goods
    page_text: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    terms: PushedTerms | None = None


class PushedConsent(_Body):
    """Consent to immediate delivery, with the text shown and when it was given (requirement B10)."""

    immediate_delivery: bool
    acknowledged: bool
    text: Annotated[str, StringConstraints(max_length=5000)]
    at: Instant


class PushedPayment(_Body):
    channel: Paid
    channel_no: Name
    amount: PushedMoney
    captured_at: Instant


class PushedEvent(_Body):
    """Without `ref`, type and time make one; a ref seen before is a no-op."""

    type: Happened
    at: Instant
    ref: Name | None = None
    data: Annotated[dict[str, Any], AfterValidator(_data)] | None = None


class PushedUnit(_Body):
    ref: Ref
    secret: Secret | None = None
    paid_coins: Count | None = None
    promo_coins: Count | None = None
    events: Annotated[list[PushedEvent], Field(max_length=MAX_EVENTS)] | None = None


class PushedOrder(_Body):
    """An order; units that are not listed are made, numbered from 1."""

    external_no: Name
    seller: Ref
    buyer: PushedBuyer
    product: PushedProduct
    quantity: Annotated[int, Field(ge=1, le=MAX_UNITS)]
    total: PushedMoney
    fx_rate: Rate | None = None
    target: Annotated[dict[Ref, Small], Field(max_length=20)] | None = None
    consent: PushedConsent | None = None
    payments: Annotated[list[PushedPayment], Field(max_length=MAX_PAYMENTS)] | None = None
    created_at: Instant
    paid_at: Instant | None = None
    completed_at: Instant | None = None
    units: Annotated[list[PushedUnit], Field(max_length=MAX_UNITS)] | None = None


class PushedEvents(_Body):
    unit: Ref
    events: Annotated[list[PushedEvent], Field(min_length=1, max_length=MAX_EVENTS)]


class NoBody(_Body):
    """An empty object, or nothing at all."""
