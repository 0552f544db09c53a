"""Imports that meet another import, a push, or the end of their process: each order comes in once."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from marketplace.intake import batches, operations
from marketplace.intake.importers import run as importing
from marketplace.ledger.models import Posting, Transaction
from marketplace.orders.models import Order, Unit, UnitEvent
from marketplace.payments.models import Capture
from tests.factories import ShopFactory

from . import bodies, make_orders, rows
from .conftest import NOW
from .races import after, take, together
from .test_import import FORMATS, bad_rows, dujiaoka, run

pytestmark = pytest.mark.django_db(transaction=True)

BATCH = 20
# The command as a program of its own: it says so and waits when the rows of its third batch are written but not
# committed.
STUCK_IN_THE_THIRD = """
import sys, time
import django, time_machine
django.setup()
from django.core.management import call_command
from marketplace.intake import batches
from marketplace.intake.importers import run
path, file_format, now, batch = sys.argv[1:]
run.BATCH = int(batch)
insert, calls = batches.insert_orders, []
def insert_orders(*args, **kwargs):
    insert(*args, **kwargs)
    calls.append(1)
    if len(calls) == 3:
        print("midway", flush=True)
        time.sleep(60)
batches.insert_orders = insert_orders
with time_machine.travel(now):
    call_command("import_orders", path, format=file_format, seller="S-0001")
"""


def summed(*outputs: str) -> dict[str, int]:
    """The last lines of several runs, added up."""
    found: dict[str, int] = {}
    for output in outputs:
        for name, count in re.findall(r"(imported|known|bad)=(\d+)", output.splitlines()[-1]):
            found[name] = found.get(name, 0) + int(count)
    return found


def assert_each_once(orders: int) -> None:
    assert Order.objects.count() == Order.objects.values("external_no").distinct().count() == orders
    assert (Unit.objects.count(), UnitEvent.objects.count(), Capture.objects.count()) == (orders,) * 3
    assert (Transaction.objects.count(), Posting.objects.count()) == (orders, 2 * orders)
    assert rows.unbalanced() == 0


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", BATCH)


@pytest.mark.parametrize("file_format", FORMATS)
def test_two_imports_of_one_file_at_once_take_each_order_once(
    tmp_path: Path, small_batches: None, monkeypatch: pytest.MonkeyPatch, file_format: str
) -> None:
    path = make_orders.write(file_format, 200, tmp_path / "orders")
    both_have_begun = after(threading.Barrier(2, timeout=3), importing.begin)
    monkeypatch.setattr(importing, "begin", both_have_begun)

    outputs = together(*[lambda: run(path, file_format)] * 2)

    assert summed(*outputs) == {"imported": 200, "known": 200, "bad": 0}
    assert_each_once(200)


def test_two_imports_at_once_both_name_the_bad_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = dujiaoka(tmp_path / "o.csv", {}, {"actual_price": "forty"}, {})
    monkeypatch.setattr(importing, "begin", after(threading.Barrier(2, timeout=3), importing.begin))
    outputs = together(*[lambda: run(path, "dujiaoka")] * 2)
    assert summed(*outputs) == {"imported": 2, "known": 2, "bad": 2}
    assert [row["line"] for row in bad_rows(path)] == ["3"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_killed_import_is_finished_by_the_next(tmp_path: Path, small_batches: None, file_format: str) -> None:
    path = make_orders.write(file_format, 110, tmp_path / "orders")
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK_IN_THE_THIRD, str(path), file_format, NOW, str(BATCH)],
        env={**os.environ, "DATABASE_URL": database.geturl()},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "midway\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert_each_once(2 * BATCH)  # whole batches, and nothing of the third

    assert summed(run(path, file_format)) == {"imported": 70, "known": 40, "bad": 0}
    assert_each_once(110)


def _one_order(path: Path) -> Path:
    path.write_text(json.dumps(bodies.order()))
    return path


@pytest.fixture
def both_looked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """An import and a push wait for one another when each has seen that the order is not there."""

    def arrange() -> None:
        barrier = threading.Barrier(2, timeout=3)
        monkeypatch.setattr(batches, "_with_new_payments", after(barrier, batches._with_new_payments))
        monkeypatch.setattr(operations, "locked", after(barrier, operations.locked))

    return arrange


def test_import_and_push_of_one_order_at_once_make_one(
    tmp_path: Path, both_looked: Callable[[], None]
) -> None:
    shop = ShopFactory(code="djk")
    path = _one_order(tmp_path / "o.jsonl")
    both_looked()

    output, outcome = together(lambda: run(path, "recourse", shop="djk"), take(shop))

    counts = summed(output)
    assert (outcome.status, counts["imported"], counts["known"]) in ((201, 0, 1), (200, 1, 0))
    assert counts["bad"] == 0
    assert (Order.objects.count(), Capture.objects.count(), Transaction.objects.count()) == (1, 1, 1)
    assert rows.unbalanced() == 0


def test_a_push_in_between_two_looks_of_an_import_is_the_same_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is not there yet, its payment is: the row is known, not bad."""
    shop = ShopFactory(code="djk")
    path = _one_order(tmp_path / "o.jsonl")
    looked, push = batches._with_new_payments, iter([take(shop)])

    def look_after_the_push(*args):
        together(*push)
        return looked(*args)

    monkeypatch.setattr(batches, "_with_new_payments", look_after_the_push)
    assert summed(run(path, "recourse", shop="djk")) == {"imported": 0, "known": 1, "bad": 0}
    assert (Order.objects.count(), Capture.objects.count(), rows.unbalanced()) == (1, 1, 0)


def test_control_without_a_second_look_the_import_calls_the_order_bad(
    tmp_path: Path, both_looked: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = ShopFactory(code="djk")
    path = _one_order(tmp_path / "o.jsonl")
    once = batches.import_batch
    monkeypatch.setattr(importing, "import_batch", lambda *args, now: once(*args, now=now, tries=1))
    looked_again = take(shop)
    both_looked()
    wrote = threading.Event()
    insert = batches.insert_orders

    def insert_second(*args, **kwargs):
        wrote.wait(3)  # the push is through
        return insert(*args, **kwargs)

    def push():
        outcome = looked_again()
        wrote.set()
        return outcome

    monkeypatch.setattr(batches, "insert_orders", insert_second)
    output, outcome = together(lambda: run(path, "recourse", shop="djk"), push)
    assert outcome.status == 201
    assert summed(output) == {"imported": 0, "known": 0, "bad": 1}
    assert Order.objects.count() == 1
