"""Who and what an order names: sellers, buyers and products are made where they are not known yet."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from marketplace.orders.models import Product
from sellers.models import Seller

from .records import BuyerRecord, OrderRecord

DEFAULT_REGION = "CN"  # of a buyer whose shop does not say


class KnownSeller(NamedTuple):
    pk: int
    verified: bool


def ensure_sellers(codes: set[str]) -> dict[str, KnownSeller]:
    """By code; an unknown code becomes an unverified seller (requirement I1)."""
    known = _sellers(codes)
    missing = sorted(codes - known.keys())
    if missing:
        Seller.objects.bulk_create([Seller(code=code, name=code) for code in missing], ignore_conflicts=True)
        known = _sellers(codes)
    return known


def _sellers(codes: set[str]) -> dict[str, KnownSeller]:
    rows = Seller.objects.filter(code__in=codes).values_list("code", "pk", "verified_at")
    return {code: KnownSeller(pk, verified_at is not None) for code, pk, verified_at in rows}


def ensure_buyers(source: str, records: Iterable[BuyerRecord]) -> dict[str, int]:
    """Ids by external id. Buyers are made in one order, so that two batches cannot wait for each other."""
    wanted = {record.external_id: record for record in records}
    known = _buyers(source, wanted)
    missing = sorted(wanted.keys() - known.keys())
    if missing:
        rows = [wanted[one]._asdict() | {"region": wanted[one].region or DEFAULT_REGION} for one in missing]
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO identity_buyer (source, external_id, region, email, phone, device, ip, password)"
                " SELECT %s, external_id, region, email, phone, device, ip, '' FROM jsonb_to_recordset(%s::jsonb)"
                "  AS b(external_id text, region text, email text, phone text, device text, ip inet)"
                " ON CONFLICT DO NOTHING",
                [source, json.dumps(rows)],
            )
        known |= _buyers(source, missing)
    return known


def _buyers(source: str, external_ids: Iterable[str]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id, id FROM identity_buyer WHERE source = %s AND external_id = ANY(%s)",
            [source, list(external_ids)],
        )
        return dict(cursor.fetchall())


def refresh_buyer(source: str, record: BuyerRecord) -> None:
    """Contact data as last told; what the shop leaves out stays.

    A buyer with a password signs in here by email: that address is theirs to change, not the shop's.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE identity_buyer b SET (region, email, phone, device, ip) = (n.region, n.email, n.phone, n.device, n.ip)"
            " FROM (SELECT id, coalesce(nullif(%(region)s, ''), region) AS region,"
            "   CASE WHEN password = '' THEN coalesce(nullif(%(email)s, ''), email) ELSE email END AS email,"
            "   coalesce(nullif(%(phone)s, ''), phone) AS phone, coalesce(nullif(%(device)s, ''), device) AS device,"
            "   coalesce(%(ip)s::inet, ip) AS ip"
            "   FROM identity_buyer WHERE source = %(source)s AND external_id = %(external_id)s) n"
            " WHERE b.id = n.id AND (b.region, b.email, b.phone, b.device, b.ip)"
            "   IS DISTINCT FROM (n.region, n.email, n.phone, n.device, n.ip)",
            {"source": source, **record._asdict()},
        )


def ensure_products(
    records: Sequence[OrderRecord], sellers: dict[str, KnownSeller]
) -> dict[tuple[int, str], int]:
    """Ids by (seller id, SKU), with title and goods type as last seen; orders keep their own snapshot."""
    wanted = {(sellers[record.seller_code].pk, record.snapshot["sku"]): record for record in records}
    known = _products(wanted)
    stale = sorted(
        key
        for key, record in wanted.items()
        if key not in known or known[key][1:] != (record.snapshot["title"], record.goods_type)
    )
    if stale:
        Product.objects.bulk_create(
            [
                Product(
                    seller_id=key[0],
                    sku=key[1],
                    title=wanted[key].snapshot["title"],
                    goods_type=wanted[key].goods_type,
                )
                for key in stale
            ],
            update_conflicts=True,
            unique_fields=["seller", "sku"],
            update_fields=["title", "goods_type"],
        )
        known = _products(wanted)
    return {key: found[0] for key, found in known.items()}


def _products(wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, str, str]]:
    sellers, skus = zip(*wanted, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.seller_id, p.sku, p.id, p.title, p.goods_type FROM orders_product p"
            " JOIN unnest(%s::bigint[], %s::text[]) AS w(seller_id, sku) USING (seller_id, sku)",
            [list(sellers), list(skus)],
        )
        return {(seller, sku): (pk, title, goods) for seller, sku, pk, title, goods in cursor.fetchall()}
