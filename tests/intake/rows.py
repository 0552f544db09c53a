"""What is in the tables, so that a refusal can be shown to have changed nothing."""

from typing import Any

from django.db import connection

from marketplace.ledger.models import Posting

TABLES = (
    "orders_order",
    "orders_unit",
    "orders_unitevent",
    "orders_product",
    "payments_capture",
    "ledger_transaction",
    "ledger_posting",
    "identity_buyer",
    "identity_buyersession",
    "sellers_seller",
    "kernel_idempotencykey",
    "kernel_outboxjob",
)


def contents() -> dict[str, list[Any]]:
    with connection.cursor() as cursor:
        found = {}
        for table in TABLES:
            cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
            found[table] = [row[0] for row in cursor.fetchall()]
    return found


def counts() -> dict[str, int]:
    return {table: len(rows) for table, rows in contents().items()}


def texts() -> str:
    """Every value of every table of the product, as text, bytes decoded where they can be."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        parts = []
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                parts += [
                    bytes(v).decode("latin-1") if isinstance(v, memoryview | bytes) else str(v) for v in row
                ]
    return "\n".join(parts)


def unbalanced() -> int:
    by_transaction: dict[tuple[int, str], int] = {}
    for transaction_id, currency, amount in Posting.objects.values_list(
        "transaction_id", "currency", "amount"
    ):
        key = transaction_id, currency
        by_transaction[key] = by_transaction.get(key, 0) + amount
    return sum(1 for total in by_transaction.values() if total)
