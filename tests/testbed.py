"""The test cluster: which server, which databases, and how an append-only database is emptied again."""

import fcntl
import hashlib
import importlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import psycopg

from marketplace.kernel import embedded
from marketplace.kernel.management import catalogue

# Speed for safety: a crash of the machine may ruin this cluster, which then is simply made anew.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "jit": "off"}
# Rows that migrations wrote and that a flush takes away with the rest: (module, function).
SEEDS = (("refunds.migrations.0003_first_policies", "publish"),)

_held: list[IO[str]] = []  # locks last as long as the process


def prepare(root: Path) -> None:
    """Point the environment at the test server, starting it where needed. Workers inherit what this sets."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    if "RECOURSE_TEST_SLOT" in os.environ:  # a worker: its controller did all this
        return
    usual = root / "var" / "test"
    data_dir = Path(os.environ.setdefault("DATA_DIR", str(usual)))
    data_dir.mkdir(parents=True, exist_ok=True)
    os.environ.update(BROKER_URL="memory://", SANDBOX_DELAY_SECONDS="0", EMBEDDED="1")
    os.environ["RECOURSE_TEST_SLOT"] = _free_slot(data_dir)
    if "DATABASE_URL" not in os.environ:
        os.environ["DATABASE_URL"] = embedded.start(data_dir)
        if data_dir == usual:  # elsewhere it may be somebody's
            _make_fast(os.environ["DATABASE_URL"])
    catalogue.compile_all()  # Chinese as it is written now, not as it was when somebody last compiled it


def _free_slot(data_dir: Path) -> str:
    """The first number no other run of the tests holds, so that two runs at once do not share databases."""
    for number in range(100):
        file = (data_dir / f"slot-{number}.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        _held.append(file)
        return str(number)
    raise RuntimeError("a hundred test runs at once")


def _make_fast(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for name, value in FAST.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
        connection.execute("SELECT pg_reload_conf()")


def database_name() -> str:
    """test_<hash of all migrations>_<slot>; a changed migration means another name, so a fresh database."""
    return f"test_{_migrations_hash()}_{os.environ['RECOURSE_TEST_SLOT']}"


def _migrations_hash() -> str:
    from django.apps import apps

    digest = hashlib.sha256()
    for app in sorted(apps.get_app_configs(), key=lambda app: app.label):
        for file in sorted((Path(app.path) / "migrations").glob("*.py")):
            digest.update(f"{app.label}/{file.name}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


def drop_outdated_databases() -> None:
    """Remove this slot's databases of earlier migrations."""
    slot, current = os.environ["RECOURSE_TEST_SLOT"], database_name()
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        rows = connection.execute(
            r"SELECT datname FROM pg_database WHERE datname ~ ('^test_[0-9a-f]{10}_' || %s || '(_gw\d+)?$')"
            " AND NOT starts_with(datname, %s)",
            [slot, current],
        ).fetchall()
        for (name,) in rows:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


# Written with the schema, and the same for every test.
KEPT = ("django_content_type", "auth_permission")


def allow_flush() -> None:
    """Let Django's flush empty append-only tables, and write the seed rows again after it.

    The triggers that refuse it are the product's; session_replication_role switches them off for the flush alone,
    which needs a superuser: the test cluster's user is one. DELETE, because TRUNCATE makes the files of all tables anew,
    which takes far longer than the few rows of a test do.
    """
    from django.contrib.contenttypes.management import create_contenttypes
    from django.db.backends.postgresql.operations import DatabaseOperations
    from django.db.models.signals import post_migrate

    plain = DatabaseOperations.execute_sql_flush

    def sql_flush(self: Any, style: Any, tables: Iterable[str], **options: Any) -> list[str]:
        role = "SET LOCAL session_replication_role = "
        emptied = [f"DELETE FROM {self.quote_name(table)}" for table in tables if table not in KEPT]
        return ["; ".join([f"{role}replica", *emptied, f"{role}origin"])]

    def flush(self: Any, sql_list: list[str]) -> None:
        plain(self, sql_list)
        sow()

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign]
    DatabaseOperations.execute_sql_flush = flush  # type: ignore[assignment,method-assign]
    # A flush tells everybody what a migration tells them: here the rows they would write are there.
    post_migrate.disconnect(create_contenttypes)
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")


def sow() -> None:
    """Write the rows that migrations seeded, where they are gone."""
    from django.apps import apps

    from refunds.models import PolicyVersion

    if not PolicyVersion.objects.exists():
        for module, function in SEEDS:
            getattr(importlib.import_module(module), function)(apps, None)


def forget_cached_rows() -> None:
    """Empty the caches a process keeps of rows that a rolled-back or flushed test took away."""
    from django.core.cache import cache

    from marketplace.ledger import operations as ledger
    from refunds import policies, timetable

    cache.clear()
    ledger._known.clear()
    policies.forget()
    timetable.forget()
