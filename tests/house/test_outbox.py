"""The scheduler hands rows to the broker, and goes on when the database or the broker is away."""

from typing import Any

import pytest
from celery.beat import PersistentScheduler
from django.db import OperationalError
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
