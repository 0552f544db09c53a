"""Importing: thousands of orders in one transaction, those that are known left alone.

An import only adds orders; what changes in an order that is there comes by the API. One advisory lock a shop
lets concurrent imports take turns batch by batch; a push through the API that is faster breaks a unique
constraint, the batch is rolled back and looked at again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.utils.translation import gettext as _

from marketplace.orders.models import Shop

from .records import OrderRecord
from .writing import insert_orders

TRIES = 3


class BadRow(NamedTuple):
    """A row that was not imported. `line` is where it begins in the file, `raw` what stands there."""

    line: int
    field: str
    value: str
    reason: str
    raw: str


class GoodRow(NamedTuple):
    line: int
    record: OrderRecord
    raw: str


class BatchResult(NamedTuple):
    imported: int
    known: int
    bad: list[BadRow]

    def __add__(self, other: "BatchResult") -> "BatchResult":  # type: ignore[override]
        return BatchResult(self.imported + other.imported, self.known + other.known, self.bad + other.bad)


NOTHING = BatchResult(0, 0, [])


def begin() -> None:
    """Forget which numbers an earlier file on this connection held."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS intake_seen (external_no text PRIMARY KEY)")
        cursor.execute("DELETE FROM intake_seen")


def import_batch(shop: Shop, rows: Sequence[GoodRow], *, now: datetime, tries: int = TRIES) -> BatchResult:
    """Import what is new of `rows`, in one durable transaction.

    What the database refuses for good is found by halving: the row at fault is bad, the others go in.
    Raises OperationalError when the database cannot be reached.
    """
    refusal: DatabaseError | None = None
    for _attempt in range(tries):
        try:
            with transaction.atomic(durable=True):
                return _import(shop, rows, now)
        except OperationalError:
            raise
        except IntegrityError as error:
            refusal = error
        except DatabaseError as error:
            refusal = error
            break
    if len(rows) > 1:
        half = len(rows) // 2
        return import_batch(shop, rows[:half], now=now, tries=1) + import_batch(
            shop, rows[half:], now=now, tries=1
        )
    return NOTHING._replace(bad=[_bad(rows[0], "", "", str(refusal).splitlines()[0])])


def _import(shop: Shop, rows: Sequence[GoodRow], now: datetime) -> BatchResult:
    first, bad = _first_of_each(rows)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"intake:{shop.pk}"])
        cursor.execute(
            "INSERT INTO intake_seen SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING RETURNING external_no",
            [list(first)],
        )
        unseen = {external_no for (external_no,) in cursor.fetchall()}
        cursor.execute(
            "SELECT external_no FROM orders_order WHERE shop_id = %s AND external_no = ANY(%s)",
            [shop.pk, list(unseen)],
        )
        known = {external_no for (external_no,) in cursor.fetchall()}
    bad += [_repeated(row) for external_no, row in first.items() if external_no not in unseen]
    candidates = [
        row for external_no, row in first.items() if external_no in unseen and external_no not in known
    ]
    fresh, taken = _with_new_payments(shop, candidates)
    if fresh:
        insert_orders(shop, [row.record for row in fresh], now=now)
    return BatchResult(len(fresh), len(known), bad + taken)


def _first_of_each(rows: Sequence[GoodRow]) -> tuple[dict[str, GoodRow], list[BadRow]]:
    first: dict[str, GoodRow] = {}
    repeated = [_repeated(row) for row in rows if first.setdefault(row.record.external_no, row) is not row]
    return first, repeated


def _with_new_payments(shop: Shop, rows: Sequence[GoodRow]) -> tuple[list[GoodRow], list[BadRow]]:
    wanted = [(row.record.external_no, p.channel, p.channel_no) for row in rows for p in row.record.payments]
    if not wanted:
        return list(rows), []
    orders, channels, numbers = zip(*wanted, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.external_no, channel, channel_no FROM payments_capture c"
            " JOIN unnest(%s::text[], %s::text[], %s::text[]) AS w(external_no, channel, channel_no)"
            " USING (channel, channel_no) JOIN orders_order o ON o.id = c.order_id"
            " WHERE c.merchant = %s AND o.external_no <> w.external_no",  # its own: the insertion tells
            [list(orders), list(channels), list(numbers), shop.code],
        )
        anothers = set(cursor.fetchall())
    fresh, bad = [], []
    taken: set[tuple[str, str]] = set()
    for row in rows:
        its = {(p.channel, p.channel_no) for p in row.record.payments}
        clash = sorted(p for p in its if p in taken or (row.record.external_no, *p) in anothers)
        if clash:
            reason = _("This payment belongs to another order. Check the payment's number.")
            bad.append(_bad(row, "channel_no", clash[0][1], reason))
        else:
            taken |= its
            fresh.append(row)
    return fresh, bad


def _repeated(row: GoodRow) -> BadRow:
    reason = _("This order number stands in the file already; its first row counts.")
    return _bad(row, "external_no", row.record.external_no, reason)


def _bad(row: GoodRow, field: str, value: str, reason: str) -> BadRow:
    return BadRow(row.line, field, value, reason, row.raw)
