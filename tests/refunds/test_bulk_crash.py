"""A run over many cases whose worker is killed, and two over the same cases at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.kernel import transactions
from refunds.machine import State
from refunds.models import BulkOutcome, BulkRow, BulkRun, RefundRequest
from refunds.operations import bulk
from refunds.operations.bulk import confirm, run_bulk, sweep_bulk
from tests.cases import make_request
from tests.people import Cast

from .test_bulk import broken, looked, rows, three
from .test_races import together

__all__ = ["three"]


class Killed(BaseException):
    """As if the process had ended here."""


def crash_at(monkeypatch: pytest.MonkeyPatch, times: int) -> Callable[[], None]:
    """The worker dies the `times`-th time it is about to write a result: the move is made and not committed."""
    saved, left = BulkRow.save, [times]

    def save(self: BulkRow, *args: Any, **kwargs: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        saved(self, *args, **kwargs)

    monkeypatch.setattr(BulkRow, "save", save)
    return lambda: monkeypatch.setattr(BulkRow, "save", saved)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_killed_worker_resumes_and_does_no_case_twice(
    times: int, cast: Cast, three: list[RefundRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = looked(cast.reviewer, "approve", *three)
    confirm(run_id=run.pk, user=cast.reviewer, now=timezone.now())
    revive = crash_at(monkeypatch, times)
    with pytest.raises(Killed):
        run_bulk(run.pk, timezone.now())
    revive()
    done = RefundRequest.objects.filter(state=State.APPROVED).count()
    assert done == BulkRow.objects.filter(outcome=BulkOutcome.DONE).count() == times - 1
    sweep_bulk(timezone.now())  # too early: its worker may be at it
    assert RefundRequest.objects.filter(state=State.APPROVED).count() == times - 1
    sweep_bulk(timezone.now() + timedelta(minutes=1))
    assert rows(run) == [("done", "")] * 3
    assert broken() == []


@contextmanager
def no_common_transaction() -> Iterator[None]:
    token = transactions._around.set(True)
    yield
    transactions._around.reset(token)


@pytest.mark.django_db(transaction=True)
def test_control_without_the_common_transaction_a_crash_loses_a_result(
    cast: Cast, three: list[RefundRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = looked(cast.reviewer, "reject", *three)
    confirm(run_id=run.pk, user=cast.reviewer, now=timezone.now())
    monkeypatch.setattr(bulk, "around_operations", no_common_transaction)
    monkeypatch.setattr(bulk, "lock", lambda number: RefundRequest.objects.get(number=number))
    monkeypatch.setattr(
        BulkRow.objects, "select_for_update", lambda **_how: BulkRow.objects.all(), raising=False
    )
    revive = crash_at(monkeypatch, 1)
    with pytest.raises(Killed):
        run_bulk(run.pk, timezone.now())
    revive()
    run_bulk(run.pk, timezone.now())
    assert rows(run)[0] == ("refused", "case_moved")  # it was this run that rejected it
    assert RefundRequest.objects.get(pk=three[0].pk).state == State.REJECTED


@pytest.mark.django_db(transaction=True)
def test_two_runs_over_the_same_cases_decide_each_once(cast: Cast) -> None:
    cases = [make_request(cast, state="manual_review") for _ in range(8)]
    one = looked(cast.reviewer, "approve", *cases)
    other = looked(cast.second_reviewer, "reject", *cases[::-1])
    for run in (one, other):
        confirm(run_id=run.pk, user=run.by, now=timezone.now())
    now = timezone.now()
    raced = together([lambda run=run: run_bulk(run.pk, now) for run in (one, other, one, other)])
    assert raced == [None] * 4
    results = [*rows(one), *rows(other)]
    assert sorted(results) == [("done", "")] * 8 + [("refused", "case_moved")] * 8
    for case in cases:
        assert case.transitions.filter(event__in=("approve", "reject")).count() == 1
    for run_id in (one.pk, other.pk):
        run_bulk(run_id, now)
    assert not BulkRun.objects.filter(finished_at__isnull=True).exists()
    assert broken() == []
