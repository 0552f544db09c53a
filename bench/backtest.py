"""backtest_1m: a million stored decisions judged again under a draft, against reading their facts alone."""

import gc
import itertools
import json
import time
from collections import Counter
from datetime import timedelta
from typing import Any

from django.utils import timezone
from psycopg.types.json import Jsonb

from . import report, rows
from .crew import Crew, Step, interleave
from .server import Server, connect

NAME = "backtest_1m"
UNIT = "s"
TARGET = report.under(15)
CASES = 1_000_000
HANDS = 2
REQUESTS = 10_000  # which share the decisions: the back-test reads no request
CHUNK = 2000


def run(server: Server, scale: float) -> report.Figure:
    count = int(CASES * scale)
    with server.database(NAME) as url:
        with rows.Loader(url) as load:
            _load(load, count)
        middle = count // HANDS
        spans = [(0, middle), (middle, count)]
        with Crew(judge_all, url, spans) as ours, Crew(read_all, url, spans) as floor:
            return interleave(NAME, ours.time, floor.time, UNIT, rounds=3, times=True)


def judge_all(url: str, span: tuple[int, int]) -> Step:
    """Read facts in chunks, decide each under its goods type's draft, count the outcomes that change."""
    from refunds.policy import DEFAULTS, Facts, Terms, decide

    connection = connect(url)
    draft = {goods: Terms.model_validate(terms) for goods, terms in DEFAULTS.items()}
    now = timezone.now()
    gc.freeze()

    def judge() -> None:
        changed: Counter[tuple[str, str]] = Counter()
        begun = time.process_time()
        for text, stored in chunks(connection, span):
            facts = Facts.from_json(json.loads(text))
            outcome = decide(facts, draft[facts.goods_type], now).outcome
            changed[stored, outcome] += 1
        if sum(changed.values()) != span[1] - span[0]:
            raise RuntimeError(f"{sum(changed.values())} cases were judged")
        spent = time.process_time() - begun
        report.say(
            f"    {spent / (span[1] - span[0]) * 1e6:.1f} microseconds of processor a case, reading included"
        )

    return judge


def read_all(url: str, span: tuple[int, int]) -> Step:
    connection = connect(url)

    def read() -> None:
        if sum(1 for _row in chunks(connection, span)) != span[1] - span[0]:
            raise RuntimeError("not all cases were read")

    return read


def chunks(connection: Any, span: tuple[int, int]) -> Any:
    """(facts as text, outcome), by key: no transaction stays open, and memory holds one chunk."""
    for first in range(span[0], span[1], CHUNK):
        yield from connection.execute(
            "SELECT facts::text, outcome FROM refunds_decision WHERE id > %s AND id <= %s",
            [first, min(first + CHUNK, span[1])],
        ).fetchall()


def _load(load: rows.Loader, count: int) -> None:
    from refunds.models import Decision

    rows.orders(load, REQUESTS)
    rows.requests(load, REQUESTS, state="submitted")
    cases = judged_cases()
    load.execute(
        "CREATE TABLE bench_case (k int PRIMARY KEY, outcome text, amount bigint, facts jsonb, findings jsonb)"
    )
    for number, (facts, decision) in enumerate(cases):
        load.execute(
            "INSERT INTO bench_case VALUES (%s, %s, %s, %s, %s)",
            [number, decision["outcome"], decision["amount"], Jsonb(facts), Jsonb(decision["findings"])],
        )
    this = f"FROM bench_case WHERE k = n % {len(cases)})"
    load.fill(
        Decision,
        count,
        request_id=f"1 + n % {REQUESTS}",
        policy_id="1",
        at="now()",
        outcome=f"(SELECT outcome {this}",
        amount=f"(SELECT amount {this}",
        facts=f"(SELECT facts {this}",
        findings=f"(SELECT findings {this}",
        would_change="'[]'",
    )
    load.done()


def judged_cases() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Orders of each goods type, asked back for several reasons, with a life of one to four events, small and large."""
    from refunds.policy import DEFAULTS, CaptureFacts, EventFacts, Facts, Terms, UnitFacts, decide

    now = timezone.now()
    lives = [("delivered",), ("delivered", "revealed"), ("delivered", "revealed", "redeemed"), ()]
    reasons = ("not_activated", "invalid_code", "not_delivered", "duplicate_charge")
    found = []
    for goods, reason, life, amount in itertools.product(DEFAULTS, reasons, lives, (4900, 49000)):
        paid = now - timedelta(hours=30)
        events = tuple(EventFacts(kind, paid + timedelta(hours=n)) for n, kind in enumerate(life))
        facts = Facts(
            goods_type=goods, reason=reason, remedy="refund", currency="CNY", fx_rate=None, region="CN",
            total=amount, amount=amount, created_at=paid, paid_at=paid, completed_at=paid if life else None,
            filed_at=now, consent_waiver=amount == 4900, window_days=15, no_reason_days=0,
            conditions=(("unused_within_hours", 24),), captures=(CaptureFacts("alipay", amount, paid),),
            units=(UnitFacts("1", amount, events=events),), risk_signals=(), evidence=(), identity_verified=False,
        )  # fmt: skip
        found.append((facts.to_json(), decide(facts, Terms.model_validate(DEFAULTS[goods]), now).to_json()))
    return found
