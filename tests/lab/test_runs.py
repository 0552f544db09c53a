"""Runs of the lab (J6): asked for by some, one at a time, called off, gone on with after a worker was killed."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound, NotPermitted
from marketplace.kernel.models import OutboxJob
from refunds.invariants import INVARIANTS
from refunds.lab import cases
from refunds.models import BacktestFlip, BacktestPart, BacktestRun
from refunds.operations import judge_parts, run_backtests
from refunds.operations.backtest import (
    BacktestOver,
    BacktestRunning,
    NothingToTest,
    cancel_backtest,
)
from refunds.operations.drafting import DraftClosed, TermsRefused
from refunds.operations.drop_draft import drop_draft
from tests.factories import StaffFactory
from tests.people import Cast
from tests.terms import draft

from .drafts import ask, decided, run

PARTS = 4


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case a part, all judged in this process."""
    monkeypatch.setattr(cases, "PART", 1)
    monkeypatch.setattr(run_backtests, "ALONE", 100)


def test_a_second_run_of_a_draft_is_refused_while_one_is_open(cast: Cast, editor: User) -> None:
    made = draft(by=editor)
    first = ask(made, editor)
    with pytest.raises(BacktestRunning):
        ask(made, cast.supervisor)
    assert list(made.backtests.all()) == [first]
    run_backtests.run_backtests(timezone.now)
    assert run(made, editor).state == "done"


def test_the_database_holds_it_to_one_run_a_draft(cast: Cast, editor: User) -> None:
    asked = ask(draft(by=editor), editor)
    asked.pk = None
    with pytest.raises(IntegrityError, match="one_backtest_a_draft"), transaction.atomic():
        asked.save(force_insert=True)


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.POLICY_EDITOR, Role.SUPERVISOR)])
def test_others_than_editors_and_supervisors_start_and_cancel_none(
    role: str, cast: Cast, editor: User
) -> None:
    other, made = StaffFactory.create(role=role), draft(by=editor)
    with pytest.raises(NotPermitted):
        ask(made, other)
    assert (
        not BacktestRun.objects.exists()
        and not OutboxJob.objects.filter(task="refunds.run_backtests").exists()
    )
    asked = ask(made, editor)
    with pytest.raises(NotPermitted):
        cancel_backtest(run_id=asked.pk, user=other, now=timezone.now())
    asked.refresh_from_db()
    assert asked.state == "queued"


def test_what_cannot_be_tried_is_refused(cast: Cast, editor: User) -> None:
    made, now = draft(by=editor), timezone.now()
    for scope in ({"sample": 0}, {"since": now, "until": now}, {"since": now, "until": now - timedelta(1)}):
        with pytest.raises(NothingToTest):
            ask(made, editor, **scope)
    type(made).objects.filter(pk=made.pk).update(terms={**made.terms, "window_days": 0})
    with pytest.raises(TermsRefused):
        ask(made, editor)
    drop_draft(draft_id=made.pk, user=editor, now=now)
    with pytest.raises(DraftClosed):
        ask(made, editor)
    made.pk = 0
    with pytest.raises(NotFound):
        ask(made, editor)
    assert not BacktestRun.objects.exists()


def test_a_cancelled_run_is_over_and_can_be_asked_for_again(cast: Cast, editor: User) -> None:
    decided(cast)
    made = draft(by=editor)
    asked = ask(made, editor)
    cancel_backtest(run_id=asked.pk, user=cast.supervisor, now=timezone.now())
    run_backtests.run_backtests(timezone.now)
    asked.refresh_from_db()
    assert (asked.state, asked.result, asked.parts.count()) == ("cancelled", None, 0)
    with pytest.raises(BacktestOver):
        cancel_backtest(run_id=asked.pk, user=editor, now=timezone.now())
    assert run(made, editor).cases == 1


def test_cancelling_in_the_middle_stops_after_the_part(
    in_parts: None, cast: Cast, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _each in range(PARTS):
        decided(cast)
    asked = ask(draft(by=editor), editor)
    judge = judge_parts.judge

    def cancel_then_judge(*args: Any) -> Any:
        BacktestRun.objects.filter(pk=asked.pk).update(state="cancelled", finished_at=timezone.now())
        return judge(*args)

    monkeypatch.setattr(judge_parts, "judge", cancel_then_judge)
    run_backtests.run_backtests(timezone.now)
    asked.refresh_from_db()
    assert (asked.state, asked.result) == ("cancelled", None)
    assert asked.parts.filter(judged_at__isnull=False).count() == 1


def test_what_was_finished_never_changes(cast: Cast, editor: User) -> None:
    done = run(draft(by=editor), editor)
    changes: tuple[dict[str, Any], ...] = (
        {"state": "running", "finished_at": None},
        {"flipped": 7},
        {"terms": {}},
    )
    for change in changes:
        with pytest.raises(Exception, match=r"history|check"), transaction.atomic():
            BacktestRun.objects.filter(pk=done.pk).update(**change)


def test_a_run_stopped_in_the_middle_goes_on_with_what_is_left(
    in_parts: None, cast: Cast, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _each in range(PARTS):
        decided(cast, 9900)
    asked = ask(draft(by=editor, small_below=10_000), editor)
    judge, calls = judge_parts.judge, []

    def judge_twice_then_die(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt  # as a worker that is killed: nothing after it is done
        return judge(*args)

    monkeypatch.setattr(judge_parts, "judge", judge_twice_then_die)
    with pytest.raises(KeyboardInterrupt):
        run_backtests.run_backtests(timezone.now)
    asked.refresh_from_db()
    assert (asked.state, asked.parts.filter(judged_at__isnull=False).count()) == ("running", 2)
    run_backtests.run_backtests(timezone.now)
    asked.refresh_from_db()
    assert (asked.state, asked.cases, asked.flipped, asked.taken_up) == ("done", PARTS, PARTS, 2)
    assert len(calls) == PARTS + 1  # none was judged twice
    assert asked.flips.count() == PARTS
    _hold()


def test_a_run_that_ends_every_worker_is_given_up(
    in_parts: None, cast: Cast, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided(cast)
    asked = ask(draft(by=editor), editor)

    def die(*args: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(judge_parts, "judge", die)
    for _each in range(run_backtests.TRIES):
        with pytest.raises(KeyboardInterrupt):
            run_backtests.run_backtests(timezone.now)
    run_backtests.run_backtests(timezone.now)
    asked.refresh_from_db()
    assert asked.state == "failed" and asked.error and asked.result is None


def test_an_error_ends_the_run_with_its_words(
    in_parts: None, cast: Cast, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided(cast)
    made = draft(by=editor)
    asked = ask(made, editor)

    def fail(*args: Any) -> Any:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(judge_parts, "judge", fail)
    run_backtests.run_backtests(timezone.now)
    asked.refresh_from_db()
    assert (asked.state, asked.error) == ("failed", "RuntimeError: the disk is full")
    monkeypatch.undo()
    assert run(made, editor).state == "done"


def test_flips_are_listed_up_to_the_cap_and_counted_all(
    in_parts: None, cast: Cast, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge_parts, "FLIPS_KEPT", 2)
    monkeypatch.setattr(cases, "PART", 3)
    for _each in range(6):
        decided(cast, 9900)
    done = run(draft(by=editor, small_below=10_000), editor)
    assert (done.flipped, done.found["flips_kept"], BacktestFlip.objects.count()) == (6, 2, 2)


def test_a_part_is_judged_once(cast: Cast, editor: User) -> None:
    decided(cast)
    run(draft(by=editor), editor)
    with pytest.raises(IntegrityError, match="judged already"), transaction.atomic():
        BacktestPart.objects.update(judged_at=timezone.now())


@pytest.fixture
def _own_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children read the database of the test, and not the one of their settings."""
    url = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}")
    monkeypatch.setenv("DATABASE_URL", url.geturl())


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_killed_child_leaves_whole_parts_and_children_finish_them(
    _own_database: None, cast: Cast, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "PART", 1)
    for _each in range(6):
        decided(cast, 9900)
    asked = ask(draft(by=editor, small_below=10_000), editor)
    with monkeypatch.context() as patch:  # planned, by a worker that is killed with its children
        patch.setattr(run_backtests, "_hands", lambda _run: [])
        run_backtests._take_up(timezone.now())
    parts = BacktestPart.objects.filter(run=asked)
    with transaction.atomic():
        # The child comes to a part that is locked, goes past it, and is killed before it can end.
        parts.select_for_update().get(number=6)
        child = subprocess.Popen(
            [sys.executable, "-m", "django", "judge_backtest", str(asked.pk)],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "marketplace.settings"},
        )
        until = time.monotonic() + 60
        while not parts.filter(judged_at__isnull=False).exists() and time.monotonic() < until:
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
    left = parts.filter(judged_at__isnull=True).count()
    assert 1 <= left <= 5
    run_backtests.run_backtests(timezone.now)  # more than ALONE may be left: then by children again
    asked.refresh_from_db()
    assert (asked.state, asked.error, asked.cases, asked.flipped) == ("done", "", 6, 6)
    assert asked.flips.count() == 6
    _hold()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_child_that_fails_says_why(
    _own_database: None, cast: Cast, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "PART", 1)
    for _each in range(3):
        decided(cast)
    monkeypatch.setenv("POLICY_DRIFT_PERCENT", "not a number")  # what its settings cannot read
    asked = ask(draft(by=editor), editor)
    run_backtests.run_backtests(timezone.now)
    asked.refresh_from_db()
    assert asked.state == "failed" and "not a number" in asked.error


def _hold() -> None:
    (law,) = [each for each in INVARIANTS if each.name == "backtest_counts_its_cases"]
    with connection.cursor() as cursor:
        cursor.execute(law.sql)
        assert cursor.fetchall() == []
