"""Rows by the million, made by the server itself.

Foreign keys and triggers are off while they load (session_replication_role, for this connection alone): every row
still names rows that exist, because keys are the numbers 1 to n throughout. Columns nobody names take what the
models say, so that a new column with a default needs no change here.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import models
from psycopg import sql
from psycopg.types.json import Jsonb

from marketplace.identity.models import Buyer
from marketplace.ledger.models import Account, Posting, Transaction
from marketplace.orders.models import Order, Product, Shop, Unit, UnitEvent
from marketplace.payments.models import Capture, Claim, Transfer
from refunds.models import Deadline, RefundItem, RefundRequest, Transition
from sellers.models import Seller

from . import report

SELLERS, BUYERS = 50, 100
TOTAL = 4900
TERMS = (
    '{"window_days": 15, "no_reason_days": 0, "conditions": [{"code": "unused_within_hours", "value": 24}]}'
)
SNAPSHOT = (
    '{"sku": "game-50", "title": "Game card 50", "page_text": "Delivered at once. Refund while the code is unseen.",'
    f' "terms": {TERMS}}}'
)


class Loader:
    """Fills tables through one connection; `done` hands the key sequences on and gathers statistics."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("SET session_replication_role = replica")
        self._connection.execute("SET synchronous_commit = off")
        self._filled: dict[str, None] = {}

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def fill(self, model: type[models.Model], rows: int, *, first: int = 1, **columns: str) -> None:
        """`columns` are SQL expressions over n = first..rows. The key is n unless `id` says otherwise."""
        values: dict[str, sql.Composable] = {"id": sql.SQL("n")}
        values |= {name: sql.SQL(text) for name, text in columns.items()}
        for field in model._meta.concrete_fields:
            if field.column and field.column not in values and not field.null and not field.has_db_default():
                values[field.column] = sql.Literal(_default(field))
        statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM generate_series({}, {}) AS n").format(
            sql.Identifier(model._meta.db_table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(values.values()),
            sql.Literal(first),
            sql.Literal(rows),
        )
        report.say(f"    {rows - first + 1:,} rows of {model._meta.db_table}")
        self._connection.execute(statement)
        self._filled[model._meta.db_table] = None

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        self._connection.execute(statement.encode(), parameters or None)

    def done(self) -> None:
        for table in self._filled:
            self._connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))".encode()
            )
        # Only what was filled: a table vacuumed while empty is planned as if it stayed so, and a prepared plan keeps
        # reading it whole until statistics are gathered again. A new installation's tables were never vacuumed.
        self._connection.execute(f"VACUUM ANALYZE {', '.join(self._filled)}".encode())
        self._connection.execute("CHECKPOINT")


def _default(field: Any) -> Any:
    value = field.get_default()
    if value is None:
        raise ValueError(f"{field} has no default: name it")
    return Jsonb(value) if isinstance(field, models.JSONField) else value


def parties(load: Loader, buyers: int = BUYERS) -> None:
    load.fill(Shop, 1, code="'bench'", name="'Bench'", sealed_secret="'\\x00'")
    load.fill(Seller, SELLERS, code="'S-' || n", name="'Seller ' || n", verified_at="now()")
    load.fill(
        Buyer, buyers, source="'bench'", external_id="'u-' || n", phone="'138' || lpad(n::text, 8, '0')"
    )
    load.fill(
        Product, SELLERS, seller_id="n", sku="'game-50'", title="'Game card 50'", goods_type="'card_code'"
    )


def orders(load: Loader, count: int, buyers: int = BUYERS) -> None:
    """Paid orders of three hours ago, of which the policy refunds the small unused unit at once."""
    parties(load, buyers)
    load.fill(
        Order,
        count,
        no="'RO' || n",
        shop_id="1",
        external_no="'X-' || n",
        buyer_id=_one_of(buyers),
        seller_id=_one_of(SELLERS),
        product_id=_one_of(SELLERS),
        goods_type="'card_code'",
        snapshot=f"'{SNAPSHOT}'::jsonb",
        quantity="1",
        total=str(TOTAL),
        currency="'CNY'",
        region="'CN'",
        placed_at="now() - interval '3 hours'",
        paid_at="now() - interval '3 hours'",
        completed_at="now() - interval '3 hours'",
    )


def goods_and_money(load: Loader, count: int) -> None:
    """One unit, one delivery, one capture and its booking for each of `count` orders."""
    load.fill(Unit, count, order_id="n", ref="'1'", amount=str(TOTAL))
    load.fill(
        UnitEvent, count, unit_id="n", type="'delivered'", at="now() - interval '3 hours'", ref="'evt-1'"
    )
    captures(load, count)
    accounts(load)
    load.fill(
        Transaction,
        count,
        reference="'capture:' || n",
        recipe="'capture'",
        occurred_at="now() - interval '3 hours'",
    )
    load.fill(
        Posting,
        count * 2,
        transaction_id="(n + 1) / 2",
        account_id=f"CASE n % 2 WHEN 1 THEN 1 ELSE 1 + {_one_of(SELLERS, '((n + 1) / 2)')} END",
        amount=f"CASE n % 2 WHEN 1 THEN {TOTAL} ELSE -{TOTAL} END",
        currency="'CNY'",
    )


def captures(load: Loader, count: int, first: int = 1) -> None:
    load.fill(
        Capture,
        count,
        first=first,
        order_id="n",
        merchant="'bench'",
        channel="'alipay'",
        channel_no="'A-' || n",
        amount=str(TOTAL),
        currency="'CNY'",
        captured_at="now() - interval '3 hours'",
    )


def transfers(load: Loader, count: int, first: int) -> None:
    """Refunds that were paid, by request: what a search finds them by."""
    load.fill(
        Claim,
        count,
        first=first,
        capture_id="n",
        kind="'refund'",
        reference="'RF' || n",
        amount=str(TOTAL),
        created_at="now()",
    )
    load.fill(
        Transfer,
        count,
        first=first,
        claim_id="n",
        number="'TR' || n",
        reference="'RF' || n",
        state="'succeeded'",
        channel_refund_no="'C-' || n",
        created_at="now()",
        next_try_at="now()",
        settled_at="now()",
    )


def accounts(load: Loader) -> None:
    """1 is the clearing account all payments of the channel share; the rest are the sellers' escrow."""
    load.fill(
        Account,
        SELLERS + 1,
        kind="CASE n WHEN 1 THEN 'clearing' ELSE 'escrow' END",
        owner="CASE n WHEN 1 THEN 'alipay' ELSE 'S-' || n - 1 END",
        currency="'CNY'",
    )


def requests(
    load: Loader,
    count: int,
    *,
    state: str,
    units_each_order: int = 1,
    first: int = 1,
    buyers: int = BUYERS,
    **columns: str,
) -> None:
    """Requests with their history up to `state`, one of HISTORY."""
    moves = HISTORY[state]
    order = "n" if units_each_order == 1 else f"(n - 1) / {units_each_order} + 1"
    load.fill(
        RefundRequest,
        count,
        first=first,
        number="'RF' || n",
        order_id=order,
        buyer_id=_one_of(buyers, f"({order})"),
        seller_id=_one_of(SELLERS, f"({order})"),
        reason="'not_activated'",
        amount=str(TOTAL),
        currency="'CNY'",
        filed_at="now()",
        state=f"'{state}'",
        sequence=str(len(moves)),
        two_person_above="200000",
        **columns,
    )
    if "due_at" in columns:
        load.fill(
            Deadline,
            count,
            first=first,
            request_id="n",
            sequence=str(len(moves)),
            kind=columns["due_kind"],
            started_at="now()",
            due_at=columns["due_at"],
        )
    for sequence, (event, source, target, actor) in enumerate(moves, start=1):
        load.fill(
            Transition,
            count,
            first=first,
            id=f"(n - 1) * {LONGEST} + {sequence}",
            request_id="n",
            sequence=str(sequence),
            previous="NULL" if sequence == 1 else str(sequence - 1),
            event=f"'{event}'",
            from_state=f"'{source}'",
            to_state=f"'{target}'",
            at="now()",
            actor=f"'{actor}'",
        )


def items(load: Loader, count: int) -> None:
    load.fill(RefundItem, count, request_id="n", unit_id="n", amount=str(TOTAL))


_FILED = ("file", "", "submitted", "buyer")
_TAKEN = ("precheck", "submitted", "prechecking", "system")
HISTORY = {
    "submitted": [_FILED],
    "awaiting_seller": [_FILED, _TAKEN, ("policy_ask_seller", "prechecking", "awaiting_seller", "system")],
    "manual_review": [_FILED, _TAKEN, ("policy_review", "prechecking", "manual_review", "system")],
    "withdrawn": [_FILED, ("withdraw", "submitted", "withdrawn", "buyer")],
}
LONGEST = max(map(len, HISTORY.values()))


def _one_of(count: int, key: str = "n") -> str:
    return f"(1 + {key} % {count})"
