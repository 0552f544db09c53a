"""file_http: filings a second through the real web server, against the same statements written by hand."""

import itertools
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.utils import timezone
from psycopg.types.json import Jsonb

from . import report, rows
from .client import Client
from .crew import Crew, Step, compare_rates
from .server import Server, connect, free_port, point_django_at

NAME = "file_http"
WEB_WORKERS = 4  # as `make run` starts on two cores
UNIT = "filings/s"
TARGET = report.at_least(0.35)
CLIENTS = 4  # connections on either side; the web server has as many workers, with a thread each
ORDERS_A_SECOND = {"ours": 1000, "floor": 3000}  # enough for a machine several times this one


def run(server: Server, scale: float) -> report.Figure:
    seconds = max(0.5, 4.0 * scale)
    spell = seconds * 8 + 1
    shares = {side: int(spell * rate / CLIENTS) + 1 for side, rate in ORDERS_A_SECOND.items()}
    total = sum(shares.values()) * CLIENTS
    with server.database(NAME) as url:
        with rows.Loader(url) as load:
            rows.orders(load, total)
            rows.goods_and_money(load, total)
            load.done()
        tokens = _tokens(url)
        ends = list(itertools.accumulate([shares["ours"]] * CLIENTS + [shares["floor"]] * CLIENTS))
        spans = list(zip([0, *ends], ends, strict=False))
        with web(url, server.data_dir) as port:
            mine = [(port, tokens, span) for span in spans[:CLIENTS]]
            with Crew(over_http, url, mine) as ours, Crew(by_hand, url, spans[CLIENTS:]) as floor:
                return compare_rates(NAME, ours, floor, seconds, UNIT)


def over_http(_url: str, setup: tuple[int, dict[int, str], tuple[int, int]]) -> Step:
    port, tokens, (first, last) = setup
    client = Client(port)
    orders = iter(range(first + 1, last + 1))

    def file_one() -> None:
        order = next(orders)
        token = tokens[1 + order % rows.BUYERS]
        body = {"order": f"RO{order}", "reason": "not_activated"}
        client.post("/api/v1/refund-requests/", token, f"bench-{order}", body)

    return file_one


ANSWER = {
    "number": "RF261120K7M2Q9XA",
    "order": "RO1",
    "reason": "not_activated",
    "remedy": "refund",
    "description": "",
    "units": ["1"],
    "amount": {"amount": 4900, "currency": "CNY"},
    "approved_amount": None,
    "state": "submitted",
    "filed_at": "2026-11-20T10:00:00+08:00",
    "decision": None,
    "deadlines": [],
    "timeline": [
        {"at": "2026-11-20T10:00:00+08:00", "event": "file", "from": None, "to": "submitted", "by": "buyer",
         "clause": "", "note": ""},
    ],
    "messages": [],
    "refund": None,
}  # fmt: skip


def by_hand(url: str, span: tuple[int, int]) -> Step:
    connection = connect(url)
    orders = iter(range(span[0] + 1, span[1] + 1))

    def file_one() -> None:
        number = next(orders)
        buyer = 1 + number % rows.BUYERS
        now = timezone.now()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, seller_id, goods_type, snapshot, total, currency, region, consent, placed_at, paid_at,"
                " completed_at FROM orders_order WHERE no = %s AND buyer_id = %s FOR UPDATE",
                [f"RO{number}", buyer],
            )
            order, seller, *_rest = _only(cursor.fetchall())
            cursor.execute(
                "SELECT u.id, u.ref, u.amount, e.type, e.at, i.is_open FROM orders_unit u"
                " LEFT JOIN orders_unitevent e ON e.unit_id = u.id LEFT JOIN refunds_refunditem i ON i.unit_id = u.id"
                " WHERE u.order_id = %s",
                [order],
            )
            unit, *_rest = _only(cursor.fetchall())
            cursor.execute(
                "SELECT id, channel, amount, claimed, captured_at FROM payments_capture WHERE order_id = %s",
                [order],
            )
            cursor.fetchall()
            cursor.execute(
                "SELECT answer FROM kernel_idempotencykey WHERE scope = %s AND key = %s",
                [f"buyer:{buyer}:file", f"hand-{number}"],
            )
            cursor.fetchall()
            cursor.execute(
                "INSERT INTO refunds_refundrequest (number, order_id, buyer_id, seller_id, reason, remedy,"
                " description, details, amount, currency, filed_at, channel, ticket, caller_check, state,"
                " sequence, due_kind, two_person_above)"
                " VALUES (%s, %s, %s, %s, 'not_activated', 'refund', '', %s, %s, 'CNY', %s, 'api', '', '', 'submitted', 1, '',"
                " 200000) RETURNING id",
                [f"RFH{number}", order, buyer, seller, Jsonb({}), rows.TOTAL, now],
            )
            (request,) = _only(cursor.fetchall())
            cursor.execute(
                "INSERT INTO refunds_transition (request_id, sequence, event, from_state, to_state, at, actor,"
                " clause, note) VALUES (%s, 1, 'file', '', 'submitted', %s, 'buyer', '', '')",
                [request, now],
            )
            cursor.execute(
                "INSERT INTO refunds_refunditem (request_id, unit_id, amount, approved_amount, is_open)"
                " VALUES (%s, %s, %s, 0, true)",
                [request, unit, rows.TOTAL],
            )
            cursor.execute(
                "INSERT INTO kernel_idempotencykey (scope, key, fingerprint, answer, status)"
                " VALUES (%s, %s, %s, %s, 201)",
                [f"buyer:{buyer}:file", f"hand-{number}", b"0" * 32, Jsonb(ANSWER)],
            )
            cursor.execute(
                "INSERT INTO kernel_outboxjob (task, args) VALUES ('refunds.precheck', %s)",
                [Jsonb([request])],
            )

    return file_one


def _only(found: list[Any]) -> Any:
    (row,) = found
    return row


def _tokens(url: str) -> dict[int, str]:
    from marketplace.identity import tokens
    from marketplace.identity.models import Buyer

    point_django_at(url)
    now = timezone.now()
    return {
        buyer.pk: tokens.issue(buyer, issued_to="shop:bench", now=now).token for buyer in Buyer.objects.all()
    }


@contextmanager
def web(url: str, data_dir: Path) -> Iterator[int]:
    """The web server as `manage.py up` starts it; yields its port."""
    port = free_port()
    command = [
        *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--no-ws"),
        *(
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--workers",
            str(WEB_WORKERS),
            "--blocking-threads",
            "1",
        ),
        *("--workers-kill-timeout", "5", "--log-level", "warning", "marketplace.wsgi:application"),
    ]
    log = data_dir / "web.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | {"DATABASE_URL": url},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until_ready(port, process, log)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_until_ready(port: int, process: "subprocess.Popen[bytes]", log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    address = f"http://127.0.0.1:{port}/health/ready/"
    while True:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError) and error.code == 404:
                return  # it answers
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"the web server is not ready ({error}): {log.read_text()[-2000:]}"
                ) from error
            time.sleep(0.2)
