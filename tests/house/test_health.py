"""The two health answers say what is wrong, and nothing to anybody else."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.http import JsonResponse
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from marketplace.kernel import health
from marketplace.kernel.models import OutboxJob


def answer(response: JsonResponse) -> tuple[int, Any]:
    return response.status_code, json.loads(response.content)


def ready() -> tuple[int, Any]:
    return answer(health.ready(RequestFactory().get("/health/ready/")))


def test_live_needs_no_database() -> None:
    assert answer(health.live(RequestFactory().get("/health/live/"))) == (200, {"status": "ok"})


def test_ready_lists_its_checks(db: None) -> None:
    names = ("database", "migrations", "outbox", "broker")
    assert ready() == (200, {"status": "ok", "checks": dict.fromkeys(names, "ok")})


def test_a_database_that_does_not_answer_is_named(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        from django.db import OperationalError

        raise OperationalError("connection refused: secret-host")

    monkeypatch.setitem(health.CHECKS, "database", refuse)
    status, body = ready()
    assert (status, body["checks"]["database"]) == (503, "the database does not answer")
    assert "secret-host" not in str(body)


def test_missing_migrations_are_counted(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'kernel'")
    status, body = ready()
    assert status == 503
    assert "migrations are not applied" in body["checks"]["migrations"]


@pytest.mark.parametrize(("age", "status"), [(timedelta(seconds=50), 200), (timedelta(seconds=70), 503)])
def test_jobs_that_wait_too_long_mean_no_scheduler(db: None, age: timedelta, status: int) -> None:
    OutboxJob.objects.create(task="refunds.precheck", created_at=timezone.now() - age)
    assert ready()[0] == status


def test_a_queue_folder_that_is_gone_is_named(db: None, settings: Settings, tmp_path: Path) -> None:
    settings.CELERY_BROKER_URL = "filesystem://"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_out": str(tmp_path / "gone")}
    status, body = ready()
    assert (status, body["checks"]["broker"]) == (503, "the queue's folder cannot be written")
