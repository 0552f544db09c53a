"""Is it alive, and is it ready: two plain JSON answers for whoever watches the program."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from .models import OutboxJob

# A job waits a tenth of a second where the scheduler runs.
OUTBOX_MAY_WAIT = timedelta(seconds=60)


class Unready(Exception):
    """A check did not pass; the message says why."""


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 {"status": "ok", "checks": {name: "ok"}}; 503 with the reason in place of "ok" for each that failed."""
    results = {name: _result(check) for name, check in CHECKS.items()}
    is_ready = all(result == "ok" for result in results.values())
    status = "ok" if is_ready else "unavailable"
    return JsonResponse({"status": status, "checks": results}, status=200 if is_ready else 503)


def _result(check: Callable[[], None]) -> str:
    try:
        check()
    except Unready as reason:
        return str(reason)
    except Error:
        return "the database does not answer"
    return "ok"


def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


_migrated = False  # what is migrated stays so; asking costs more than all the rest


def migrations() -> None:
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if waiting:
            raise Unready(f"{len(waiting)} migrations are not applied")
        _migrated = True


def outbox() -> None:
    oldest = OutboxJob.objects.order_by("id").values_list("created_at", flat=True).first()
    if oldest and timezone.now() - oldest > OUTBOX_MAY_WAIT:
        raise Unready("jobs wait for more than a minute: is the scheduler running?")


def broker() -> None:
    """The file-system broker's folder takes messages. Losing another broker delays work and refuses nobody."""
    if settings.CELERY_BROKER_URL == "filesystem://":
        folder = Path(str(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"]))
        if not os.access(folder, os.W_OK):
            raise Unready("the queue's folder cannot be written")


CHECKS: dict[str, Callable[[], None]] = {
    "database": database,
    "migrations": migrations,
    "outbox": outbox,
    "broker": broker,
}
