"""decision_p95: the whole program as `manage.py up` runs it; from filing over HTTP to the decision in the database."""

import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from django.utils import timezone

from marketplace.kernel import embedded

from . import report, rows
from .client import Client
from .filing import wait_until_ready
from .server import Server, data_dir, environment, free_port, point_django_at

NAME = "decision_p95"
UNIT = "s from filing to decision, 95th percentile; the floor is a budget of 1 s"
BUDGET = 1.0
TARGET = report.under(BUDGET)
FILINGS = 200
PACE = 0.15  # seconds between filings
PATIENCE = 30.0


def run(server: Server, scale: float) -> report.Figure:
    count = max(20, int(FILINGS * scale))
    with data_dir("up") as path:
        url = embedded.start(path)
        with program(path, url) as port:
            with rows.Loader(url) as load:
                rows.orders(load, count + 1)
                rows.goods_and_money(load, count + 1)
                load.done()
            waits = _file(url, port, count)
        point_django_at(server.url)
    p95 = waits[math.ceil(0.95 * len(waits)) - 1]
    report.say(f"{NAME}: median {waits[len(waits) // 2]:.3f} s, longest {waits[-1]:.3f} s of {len(waits)}")
    return report.Figure(p95, BUDGET, BUDGET / p95, UNIT)


def _file(url: str, port: int, count: int) -> list[float]:
    """File `count` requests, one by one; seconds each waited for its decision, in ascending order."""
    from marketplace.identity import tokens
    from marketplace.identity.models import Buyer

    point_django_at(url)
    client = Client(port)
    for order in range(1, count + 2):  # the first warms the workers up and does not count
        token = tokens.issue(
            Buyer.objects.get(pk=1 + order % rows.BUYERS), issued_to="x", now=timezone.now()
        ).token
        body = {"order": f"RO{order}", "reason": "not_activated"}
        client.post("/api/v1/refund-requests/", token, f"latency-{order}", body)
        time.sleep(2.0 if order == 1 else PACE)
    with psycopg.connect(url, autocommit=True) as connection:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = connection.execute(
                "SELECT extract(epoch FROM d.at - r.filed_at)::float FROM refunds_refundrequest r"
                " JOIN refunds_decision d ON d.request_id = r.id WHERE r.id > 1 ORDER BY 1"
            ).fetchall()
            if len(found) == count:
                return [wait for (wait,) in found]
            time.sleep(0.2)
    raise RuntimeError(f"{len(found)} of {count} requests were decided within {PATIENCE:.0f} s")


@contextmanager
def program(path: Path, url: str) -> Iterator[int]:
    """`manage.py up` with a database, queue and port of its own; yields the port. Web, worker, scheduler are its children."""
    port = free_port()
    variables = os.environ | environment(path, url) | {"PORT": str(port), "DEMO": "0"}
    variables["SECRET_KEY"] = settings.SECRET_KEY  # the tokens are signed here
    del variables["DATABASE_URL"]  # it starts its own, as on a fresh machine
    log = path / "up.log"
    root = Path(__file__).resolve().parent.parent
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=Path.cwd() if Path("manage.py").exists() else root,
            env=variables, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        wait_until_ready(port, process, log, 120)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
