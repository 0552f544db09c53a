"""The scheduler hands rows to the broker, and goes on when the database or the broker is away."""

from typing import Any

import pytest
from celery.beat import PersistentScheduler
from django.db import OperationalError, connection, transaction
from kombu.exceptions import OperationalError as BrokerAway

from marketplace.celery import OutboxScheduler, app
from marketplace.kernel import outbox
from marketplace.kernel.models import OutboxJob


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> OutboxScheduler:
    monkeypatch.setattr(PersistentScheduler, "tick", lambda self: 300.0)
    return OutboxScheduler.__new__(OutboxScheduler)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Any]]]:
    sent: list[tuple[str, list[Any]]] = []
    monkeypatch.setattr(app, "send_task", lambda task, args: sent.append((task, args)))
    return sent


def test_jobs_taken_together_are_no_messages(
    db: None, scheduler: OutboxScheduler, sent: list[tuple[str, list[Any]]]
) -> None:
    for number in range(3):
        outbox.enqueue("batch.count", number)
    outbox.enqueue("batch.other", 9)

    scheduler.tick()

    assert sent == []
    assert outbox.take("batch.count", 2) == [[0], [1]]
    assert (outbox.take("batch.count", 2), outbox.take("batch.count", 2)) == ([[2]], [])
    assert OutboxJob.objects.get().task == "batch.other"


def test_no_more_are_taken_than_asked_for_whatever_the_plan(db: None) -> None:
    for number in range(3):
        outbox.enqueue("batch.count", number)
    with connection.cursor() as cursor:
        for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    assert outbox.take("batch.count", 2) == [[0], [1]]


def test_jobs_taken_by_who_failed_wait_again(db: None) -> None:
    outbox.enqueue("batch.count", 1)
    with pytest.raises(RuntimeError), transaction.atomic():
        outbox.take("batch.count", 5)
        raise RuntimeError
    assert outbox.take("batch.count", 5) == [[1]]


def test_jobs_go_out_once_in_the_order_they_came(
    db: None, scheduler: OutboxScheduler, sent: list[tuple[str, list[Any]]]
) -> None:
    outbox.enqueue("refunds.precheck", 1)
    outbox.enqueue("refunds.pay", 2, "x")

    assert scheduler.tick() == OutboxScheduler.POLL_SECONDS
    assert scheduler.tick() == OutboxScheduler.POLL_SECONDS

    assert sent == [("refunds.precheck", [1]), ("refunds.pay", [2, "x"])]
    assert not OutboxJob.objects.exists()


@pytest.mark.parametrize(
    "away", [OperationalError("terminating connection"), BrokerAway("no broker"), OSError("x")]
)
def test_the_scheduler_survives_what_is_away_and_tries_again(
    scheduler: OutboxScheduler,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    away: Exception,
) -> None:
    def publish(send: object) -> int:
        raise away

    monkeypatch.setattr(outbox, "publish", publish)
    assert scheduler.tick() == OutboxScheduler.RETRY_SECONDS
    assert "outbox not published, trying again" in caplog.text


def test_a_mistake_in_the_code_is_not_hidden(
    scheduler: OutboxScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish(send: object) -> int:
        raise TypeError

    monkeypatch.setattr(outbox, "publish", publish)
    with pytest.raises(TypeError):
        scheduler.tick()
