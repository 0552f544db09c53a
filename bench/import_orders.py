"""How fast 100,000 orders come in, against the same rows by bare COPY and INSERT..SELECT plus parsing the file.

    python -m bench.import_orders 100000 3

Each round measures both, one after the other, in turn for each format; printed are the medians of the rounds. The
bare rows go into the same tables, with their triggers, constraints and indexes, in one transaction. Works in a
database of its own inside the configured server, and drops it again.
"""

import csv
import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

import django
import psycopg
from django.conf import settings

DATABASE = f"bench_import_{os.getpid()}"
# In the order foreign keys allow.
TABLES = (
    "sellers_seller", "identity_buyer", "orders_product", "orders_order", "orders_unit", "orders_unitevent",
    "payments_capture", "ledger_account", "ledger_transaction", "ledger_posting",
)  # fmt: skip


def run(n: int = 100_000, file_format: str = "recourse") -> dict[str, Any]:
    """{ours, floor, ratio, unit}: orders a second; ratio is ours / floor and should be 1/3 or more."""
    from django.db import connection

    connection.close()
    plain = connection.settings_dict["NAME"]
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {DATABASE}".encode())
        try:
            connection.settings_dict["NAME"] = DATABASE
            return _measure(n, file_format)
        finally:
            connection.close()
            connection.settings_dict["NAME"] = plain
            server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)".encode())


def _measure(n: int, file_format: str) -> dict[str, Any]:
    from django.core.management import call_command
    from django.db import connection

    from marketplace.ledger import operations as ledger
    from tests.intake import make_orders

    ledger._known.clear()  # accounts it remembers are another database's

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        # An autoanalyze that met the emptied tables has them planned as empty: the bare rows then took minutes.
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    with tempfile.TemporaryDirectory() as folder:
        path = make_orders.write(file_format, n, Path(folder) / "orders")
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
        began = time.perf_counter()
        arguments = [str(path), "--format", file_format, "--seller", "S-0001", "--shop", "bench"]
        call_command("import_orders", *arguments, stdout=io.StringIO())
        ours = time.perf_counter() - began
        floor = _parse(path, file_format) + _bare(n)
    return {"ours": n / ours, "floor": n / floor, "ratio": floor / ours, "unit": "orders/s"}


def _parse(path: Path, file_format: str) -> float:
    began = time.perf_counter()
    with path.open(newline="") as file:
        if file_format == "recourse":
            for line in file:
                json.loads(line)
        else:
            for _row in csv.DictReader(file):
                pass
    return time.perf_counter() - began


def _bare(n: int) -> float:
    """The rows the import wrote, into the emptied tables again: COPY to a staging table, INSERT..SELECT from it."""
    from django.db import connection

    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"CREATE TEMP TABLE kept_{table} AS TABLE {table} ORDER BY id")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
        cursor.execute("SET session_replication_role = origin")
        dumped = {}
        for table in TABLES:
            with cursor.copy(f"COPY kept_{table} TO STDOUT") as copy:
                dumped[table] = b"".join(bytes(block) for block in copy)
            cursor.execute(f"TRUNCATE kept_{table}")
        cursor.execute("CHECKPOINT")
        began = time.perf_counter()
        cursor.execute("BEGIN")
        for table in TABLES:
            with cursor.copy(f"COPY kept_{table} FROM STDIN") as copy:
                copy.write(dumped[table])
            cursor.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
        cursor.execute("COMMIT")
        took = time.perf_counter() - began
        cursor.execute("SELECT count(*) FROM ledger_posting")
        assert cursor.fetchone()[0] == 2 * n
    return took


def _print(name: str, results: list[dict[str, Any]]) -> None:
    ours, floor, ratio = (
        median(result[figure] for result in results) for figure in ("ours", "floor", "ratio")
    )
    print(f"import_{name}: {ours:.0f} orders/s, floor {floor:.0f}, ratio {ratio:.2f}", flush=True)


if __name__ == "__main__":
    django.setup()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    names = ("recourse", "dujiaoka", "acg-faka")
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _round in range(rounds):
        for name in names:
            results[name].append(run(count, name))
            _print(name, results[name][-1:])
    if rounds > 1:
        print(f"medians of {rounds} rounds:")
        for name in names:
            _print(name, results[name])
