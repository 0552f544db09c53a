"""backtest_1m: a draft tried on a million decided cases by the product's own run, against reading their facts alone."""

import itertools
from collections.abc import Iterator
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
EACH_ORDER = 100  # requests of one order: the run reads no order
JUDGED = 10  # every tenth case was judged by a person too
CHUNK = 2000
GOODS = "card_code"
CHANGED = {"small_below": 10_000}  # in the draft


def run(server: Server, scale: float) -> report.Figure:
    count = int(CASES * scale)
    with server.database(NAME) as url:
        with rows.Loader(url) as load:
            _load(load, count)
        middle = count // HANDS
        spans = [(0, middle), (middle, count)]
        with Crew(try_draft, url, [count]) as ours, Crew(read_all, url, spans) as floor:
            return interleave(NAME, ours.time, floor.time, UNIT, rounds=3, times=True)


def try_draft(_url: str, count: int) -> Step:
    """A run from being asked for to its result: planning, starting a process a core, judging, keeping flips, summing up."""
    from marketplace.identity.models import User
    from refunds.models import BacktestRun, PolicyDraft, PolicyVersion
    from refunds.operations.backtest import start_backtest
    from refunds.operations.run_backtests import run_backtests

    now = timezone.now()
    editor = User.objects.create(username="editor", role="policy_editor", is_staff=True)
    version = PolicyVersion.objects.get(goods_type=GOODS)
    draft = PolicyDraft.objects.create(
        goods_type=GOODS, terms=version.terms | CHANGED, based_on=version, title="Bench", why="Bench",
        in_force_at=now, created_by=editor, created_at=now, changed_by=editor, changed_at=now,
    )  # fmt: skip
    day = timedelta(days=1)

    def try_it() -> None:
        asked = start_backtest(
            draft_id=draft.pk, user=editor, since=now - day, until=now + day, sample=None, seed=1, now=now
        )
        run_backtests(timezone.now)
        done = BacktestRun.objects.get(pk=asked.pk)
        if done.cases != count:
            raise RuntimeError(f"{done.state} with {done.cases} cases judged: {done.error}")
        report.say(f"    {done.flipped:,} of {done.cases:,} flipped, {done.flips.count():,} listed")

    return try_it


def read_all(url: str, span: tuple[int, int]) -> Step:
    connection = connect(url)

    def read() -> None:
        if sum(1 for _row in chunks(connection, span)) != span[1] - span[0]:
            raise RuntimeError("not all cases were read")

    return read


def chunks(connection: Any, span: tuple[int, int]) -> Iterator[tuple[str, str]]:
    """(facts as text, outcome), by key: no transaction stays open, and memory holds one chunk."""
    for first in range(span[0], span[1], CHUNK):
        yield from connection.execute(
            "SELECT facts::text, outcome FROM refunds_decision WHERE id > %s AND id <= %s",
            [first, min(first + CHUNK, span[1])],
        ).fetchall()


def _load(load: rows.Loader, count: int) -> None:
    from refunds.models import Decision, Judgement, PolicyVersion

    rows.orders(load, max(count // EACH_ORDER, 1))
    rows.requests(load, count, state="submitted", units_each_order=EACH_ORDER)
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
        request_id="n",
        policy_id=f"(SELECT id FROM {PolicyVersion._meta.db_table} WHERE goods_type = '{GOODS}')",
        at="now()",
        outcome=f"(SELECT outcome {this}",
        amount=f"(SELECT amount {this}",
        facts=f"(SELECT facts {this}",
        findings=f"(SELECT findings {this}",
        would_change="'[]'",
    )
    load.fill(
        Judgement,
        count // JUDGED,
        request_id=f"n * {JUDGED}",
        sequence="1",
        by_id="1",
        outcome="'reject'",
        amount="0",
        fault="'buyer'",
        note="'Checked.'",
        at="now()",
    )
    load.done()


def judged_cases() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Orders of one goods type, asked back for every reason, with a life of one to four events, small and large, fresh
    and a week old."""
    from refunds.policy import DEFAULTS, REASONS, CaptureFacts, EventFacts, Facts, Terms, UnitFacts, decide

    now = timezone.now()
    terms = Terms.model_validate(DEFAULTS[GOODS])
    lives = [("delivered",), ("delivered", "revealed"), ("delivered", "revealed", "redeemed"), ()]
    found = []
    for reason, life, amount, hours in itertools.product(
        REASONS, lives, (1900, 4900, 9900, 49000), (30, 220)
    ):
        paid = now - timedelta(hours=hours)
        events = tuple(EventFacts(kind, paid + timedelta(hours=n)) for n, kind in enumerate(life))
        facts = Facts(
            goods_type=GOODS, reason=reason, remedy="refund", currency="CNY", fx_rate=None, region="CN",
            total=amount, amount=amount, created_at=paid, paid_at=paid, completed_at=paid if life else None,
            filed_at=now, consent_waiver=amount == 4900, window_days=None, no_reason_days=0,
            conditions=(), captures=(CaptureFacts("alipay", amount, paid),),
            units=(UnitFacts("1", amount, events=events),), risk_signals=(), evidence=(), identity_verified=False,
        )  # fmt: skip
        found.append((facts.to_json(), decide(facts, terms, now).to_json()))
    return found
