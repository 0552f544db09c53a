"""An order as it comes in, whatever road it took: the ingestion API and every importer build these."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from marketplace.kernel.money import Money


class PaymentRecord(NamedTuple):
    channel: str
    channel_no: str
    money: Money
    captured_at: datetime


class EventRecord(NamedTuple):
    type: str
    at: datetime
    ref: str
    data: dict[str, Any]


class UnitRecord(NamedTuple):
    ref: str
    secret: str | None
    paid_coins: int | None
    promo_coins: int | None
    events: tuple[EventRecord, ...]


class BuyerRecord(NamedTuple):
    external_id: str
    region: str
    email: str
    phone: str
    device: str
    ip: str | None


class OrderRecord(NamedTuple):
    """Everything of API.md's ingestion body. `snapshot` is {sku, title, page_text, terms} as shown at purchase."""

    external_no: str
    seller_code: str
    buyer: BuyerRecord
    goods_type: str
    snapshot: dict[str, Any]
    quantity: int
    total: Money
    fx_rate: Decimal | None
    target: dict[str, Any]
    consent: dict[str, Any] | None
    payments: tuple[PaymentRecord, ...]
    units: tuple[UnitRecord, ...]
    placed_at: datetime
    paid_at: datetime | None
    completed_at: datetime | None
