"""Doing the back-tests that are asked for (requirement J6): one at a time, each in parts that are judged by themselves.

Rows are the truth. A part is judged and kept in one transaction, so a worker that is killed leaves whole parts and parts
not begun, and whoever comes next goes on from there. Beyond a few parts children judge them, a process a core: threads
of one process would share one core, with each other and with the worker's other tasks. They start while the run is
planned, and wait for its row.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction

from ..lab.cases import parts_at_most, plan, versions_of
from ..lab.minutes import minutes_of_a_review
from ..lab.result import result_of
from ..lab.tally import Tally, merged
from ..models import BacktestFlip, BacktestPart, BacktestRun
from .judge_parts import judge_parts

Clock = Callable[[], datetime]
Hand = subprocess.Popen[str]

ONE_AT_A_TIME = 7308  # advisory lock of whoever does back-tests, gone with their session
ALONE = 2  # parts that are done sooner than a child has started
TRIES = 3  # times a run is taken up; one that kills its worker ends there
ERROR_SHOWN = 2000  # characters

State = BacktestRun.State


def run_backtests(clock: Clock) -> None:
    """Do every open run, oldest first. Returns at once where another worker is at it; called again, it goes on with
    what is left. A run that cannot be done ends as failed, with the reason.
    """
    if not BacktestRun.objects.filter(state__in=BacktestRun.OPEN).exists():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ONE_AT_A_TIME])
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        return
    try:
        while (taken := _take_up(clock())) is not None:
            _do(*taken, clock)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])


def _take_up(now: datetime) -> tuple[BacktestRun, list[Hand]] | None:
    """The oldest open run, planned where it is new, and the children who judge it: none where it is small."""
    with transaction.atomic(durable=True):
        run = (
            BacktestRun.objects.select_for_update().filter(state__in=BacktestRun.OPEN).order_by("id").first()
        )
        if run is None:
            return None
        run.taken_up += 1
        hands = _hands(run) if run.taken_up <= TRIES else []
        if run.state == State.QUEUED:
            _plan(run, now)
        run.save(update_fields=["state", "started_at", "taken_up", "as_of", "highest_lot", "planned"])
        return run, hands


def _hands(run: BacktestRun) -> list[Hand]:
    """Children for what is left of the run, which is locked: they wait until it is planned, and end where it was not."""
    if run.state == State.QUEUED:
        left = parts_at_most(run, ALONE + 1)
    else:
        left = BacktestPart.objects.filter(run=run, judged_at__isnull=True).count()
    if left <= ALONE:
        return []
    command = [sys.executable, "-m", "django", "judge_backtest", str(run.pk)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "marketplace.settings"}
    return [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _core in range(os.cpu_count() or 1)
    ]  # fmt: skip


def _plan(run: BacktestRun, now: datetime) -> None:
    planned = plan(run, [version.pk for version in versions_of(run.goods_type)])
    run.state, run.started_at = State.RUNNING, now
    run.as_of, run.highest_lot = planned.as_of, planned.highest_lot
    run.planned = sum(span.planned for span in planned.spans)
    BacktestPart.objects.bulk_create(
        BacktestPart(run=run, number=number, **span._asdict())
        for number, span in enumerate(planned.spans, start=1)
    )


def _do(run: BacktestRun, hands: list[Hand], clock: Clock) -> None:
    if run.taken_up > TRIES:
        _end(run, State.FAILED, clock(), error=f"Taken up {TRIES} times, and no worker came to its end.")
        return
    try:
        error = _judge(run, hands, clock)
    except Exception as wrong:  # whatever it is, the run says so on its page instead of being tried for ever
        error = f"{type(wrong).__name__}: {wrong}"
    if error:
        _end(run, State.FAILED, clock(), error=error[-ERROR_SHOWN:])
    else:
        _finish(run, clock())


def _judge(run: BacktestRun, hands: list[Hand], clock: Clock) -> str:
    """Judge what is left of the run; what went wrong, "" where nothing did."""
    if not hands:
        judge_parts(run_id=run.pk, clock=clock)
    ends = [(hand.communicate()[1], hand.returncode) for hand in hands]
    return next((said or f"A process ended with {code}." for said, code in ends if code), "")


def _finish(run: BacktestRun, now: datetime) -> None:
    """Sum up; unless it was called off meanwhile, or is taken up again because a part is left.

    Locking the parts waits for one that the child of a killed worker still has.
    """
    with transaction.atomic(durable=True):
        parts = list(BacktestPart.objects.select_for_update().filter(run=run).order_by("number"))
        found = [part.tally for part in parts if part.tally is not None]
        if len(found) < len(parts):
            return
        tally = merged(map(Tally.from_json, found))
        kept = BacktestFlip.objects.filter(run=run).count()
        result = result_of(tally, minutes_of_a_review(now), kept)
        _end(run, State.DONE, now, cases=tally.cases, flipped=tally.flipped, result=result)


def _end(run: BacktestRun, state: str, now: datetime, **outcome: object) -> None:
    BacktestRun.objects.filter(pk=run.pk, state=State.RUNNING).update(state=state, finished_at=now, **outcome)
