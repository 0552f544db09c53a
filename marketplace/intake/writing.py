"""How new orders become rows: one or thousands at a time, always by the same statements.

Ids are taken from the sequences beforehand, so that no statement waits for another's answer and rows go to
their tables by COPY. Whoever calls has made sure that the orders and payments are new; where another
transaction was faster, a unique constraint says so (IntegrityError), and the caller looks again.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from marketplace.kernel import ids
from marketplace.kernel.money import split
from marketplace.ledger.operations import Booking, book_many
from marketplace.orders import secrets
from marketplace.orders.models import Shop

from .parties import DEFAULT_REGION, ensure_buyers, ensure_products, ensure_sellers
from .records import EventRecord, OrderRecord, PaymentRecord, UnitRecord

COPY_FROM = 20  # rows; below that a plain INSERT takes fewer round trips than COPY

_TAKE_IDS = """
SELECT ARRAY(SELECT nextval('orders_order_id_seq') FROM generate_series(1, %s)),
       ARRAY(SELECT nextval('orders_unit_id_seq') FROM generate_series(1, %s)),
       ARRAY(SELECT nextval('payments_capture_id_seq') FROM generate_series(1, %s))
"""
_ORDER = (
    "id", "no", "shop_id", "external_no", "buyer_id", "seller_id", "product_id", "goods_type", "snapshot", "quantity",
    "total", "currency", "fx_rate", "region", "target", "consent", "placed_at", "paid_at", "completed_at",
)  # fmt: skip
_UNIT = (
    "id", "order_id", "ref", "amount", "sealed_secret", "secret_fingerprint", "paid_coins", "promo_coins",
)  # fmt: skip
_EVENT = ("unit_id", "type", "at", "ref", "data")
_CAPTURE = (
    "id", "order_id", "merchant", "channel", "channel_no", "amount", "currency", "captured_at", "claimed",
)  # fmt: skip

Row = Sequence[Any]


class Written(NamedTuple):
    no: str
    seller_verified: bool


def insert_orders(shop: Shop, records: Sequence[OrderRecord], *, now: datetime) -> list[Written]:
    """Write new orders with all that belongs to them, inside the caller's transaction.

    Raises IntegrityError when one of them, or one of their payments, is there after all.
    """
    sellers = ensure_sellers({record.seller_code for record in records})
    buyers = ensure_buyers(shop.code, [record.buyer for record in records])
    products = ensure_products(records, sellers)
    units = [all_units(record) for record in records]
    order_ids, unit_ids, capture_ids = _take_ids(
        len(records), sum(map(len, units)), sum(len(record.payments) for record in records)
    )
    orders, unit_rows, written = [], [], []
    event_rows: list[Any] = []
    payments: list[Any] = []
    next_unit = iter(unit_ids)
    numbers = ids.numbers("OD", now, len(records))
    for order_id, no, record, its_units in zip(order_ids, numbers, records, units, strict=True):
        seller = sellers[record.seller_code]
        product_id = products[seller.pk, record.snapshot["sku"]]
        orders.append(
            _order_row(order_id, no, shop.pk, buyers[record.buyer.external_id], seller.pk, product_id, record)
        )
        amounts = split(record.total.amount, [1] * record.quantity)
        for unit, amount in zip(its_units, amounts, strict=True):
            unit_id = next(next_unit)
            sealed, fingerprint = secrets.seal(unit.secret, no, unit.ref) if unit.secret else (None, None)
            unit_rows.append(
                (unit_id, order_id, unit.ref, amount, sealed, fingerprint, unit.paid_coins, unit.promo_coins)
            )
            event_rows.extend(_event_row(unit_id, event) for event in unit.events)
        payments.extend((order_id, payment, record.seller_code) for payment in record.payments)
        written.append(Written(no, seller.verified))
    insert("orders_order", _ORDER, orders)
    insert("orders_unit", _UNIT, unit_rows)
    insert("orders_unitevent", _EVENT, event_rows)
    _insert_captures(shop.code, payments, capture_ids)
    return written


def insert_captures(shop: Shop, order_id: int, seller_code: str, payments: Sequence[PaymentRecord]) -> None:
    """Captures of an order that is there already, booked. Raises IntegrityError for a payment that is known."""
    _orders, _units, capture_ids = _take_ids(0, 0, len(payments))
    _insert_captures(shop.code, [(order_id, payment, seller_code) for payment in payments], capture_ids)


def insert_events(events: Iterable[tuple[int, EventRecord]]) -> None:
    insert("orders_unitevent", _EVENT, [_event_row(unit_id, event) for unit_id, event in events])


def all_units(record: OrderRecord) -> list[UnitRecord]:
    """The units named, and as many more as the quantity asks for, numbered from 1 around the refs given."""
    missing = record.quantity - len(record.units)
    if not missing:
        return list(record.units)
    taken = {unit.ref for unit in record.units}
    free = (str(n) for n in range(1, record.quantity + len(taken) + 1) if str(n) not in taken)
    return [*record.units, *(UnitRecord(next(free), None, None, None, ()) for _n in range(missing))]


def insert(table: str, columns: Row, rows: Sequence[Row]) -> None:
    names = ", ".join(columns)
    if not rows:
        return
    with connection.cursor() as cursor:
        if len(rows) < COPY_FROM:
            one = "(" + ", ".join(["%s"] * len(columns)) + ")"
            values = ", ".join([one] * len(rows))
            cursor.execute(f"INSERT INTO {table} ({names}) VALUES {values}", [v for row in rows for v in row])
            return
        with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _take_ids(orders: int, units: int, captures: int) -> tuple[list[int], list[int], list[int]]:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_IDS, [orders, units, captures])
        taken: tuple[list[int], list[int], list[int]] = cursor.fetchone()
        return taken


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value) if value else "{}"  # most targets and events carry nothing


def _order_row(
    order_id: int, no: str, shop_id: int, buyer_id: int, seller_id: int, product_id: int, record: OrderRecord
) -> Row:
    return (
        order_id, no, shop_id, record.external_no, buyer_id, seller_id, product_id, record.goods_type,
        _json(record.snapshot), record.quantity, record.total.amount, record.total.currency, record.fx_rate,
        record.buyer.region or DEFAULT_REGION, _json(record.target),
        None if record.consent is None else _json(record.consent),
        record.placed_at, record.paid_at, record.completed_at,
    )  # fmt: skip


def _event_row(unit_id: int, event: EventRecord) -> Row:
    return unit_id, event.type, event.at, event.ref, _json(event.data)


def _insert_captures(
    merchant: str, payments: Sequence[tuple[int, PaymentRecord, str]], capture_ids: Sequence[int]
) -> None:
    rows, bookings = [], []
    for capture_id, (order_id, payment, seller_code) in zip(capture_ids, payments, strict=True):
        amount, currency = payment.money
        rows.append(
            (capture_id, order_id, merchant, payment.channel, payment.channel_no, amount, currency,
             payment.captured_at, 0)
        )  # fmt: skip
        parties = {"channel": payment.channel, "seller": seller_code}
        bookings.append(Booking(f"capture:{capture_id}", amount, currency, payment.captured_at, parties))
    insert("payments_capture", _CAPTURE, rows)
    if bookings:
        book_many("capture", bookings)
