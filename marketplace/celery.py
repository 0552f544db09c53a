"""The Celery app and the scheduler that also hands waiting rows to the broker."""

import logging
import os
from typing import Any

from celery import Celery
from celery.beat import PersistentScheduler
from kombu.exceptions import OperationalError

from . import checks as checks  # registers the checks that refuse unsafe settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

app = Celery("recourse")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["refunds"])
log = logging.getLogger(__name__)
# It warns that a broker made of files names no host.
logging.getLogger("kombu.connection").setLevel(logging.ERROR)


class OutboxScheduler(PersistentScheduler):
    """Celery beat that, between its own ticks, publishes the outbox ten times a second."""

    POLL_SECONDS = 0.1
    RETRY_SECONDS = 1.0

    def tick(self, *args: Any, **kwargs: Any) -> float:
        wait = self.POLL_SECONDS if self._publish() else self.RETRY_SECONDS
        return min(super().tick(*args, **kwargs), wait)

    def _publish(self) -> bool:
        """False where the database or the broker did not answer: both restart while the scheduler goes on."""
        from django.db import Error, connections

        from marketplace.kernel.outbox import publish

        try:
            publish(_send)
        except (Error, OSError, OperationalError) as error:
            # What was taken and not sent is found again by the sweeps.
            log.warning("outbox not published, trying again: %s", str(error).strip())
            connections.close_all()  # asking first whether one still works would raise again
            return False
        return True


def _send(task: str, args: list[Any]) -> None:
    app.send_task(task, args=args)
