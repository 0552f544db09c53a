"""A clock that only a story moves, and everything scheduler and worker would do between two of its instants.

The schedule is the product's own (marketplace/schedule.py), each run lies on a multiple of its period, and each job
is the task a worker would be sent. What runs every few seconds is left out while nothing waits: where no row has a
time that comes, and no more than seconds have passed since somebody acted, it would find nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import ceil
from typing import Any

import time_machine
from celery.schedules import crontab
from django.db import connection

from marketplace.celery import app
from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.models import OutboxJob
from marketplace.kernel.outbox import publish
from marketplace.schedule import SCHEDULE
from refunds import tasks as tasks  # registers them with the app

SECOND = timedelta(seconds=1)
SHORT = 60  # seconds: what runs more often follows what happens, the rest runs by itself
PERIODS = {name: each["schedule"] for name, each in SCHEDULE.items() if isinstance(each["schedule"], float)}
FREQUENT = {name for name, seconds in PERIODS.items() if seconds < SHORT}
SETTLES_IN = int(max(PERIODS[name] for name in FREQUENT))  # seconds: by then each of them has run
STEP = int(min(seconds for seconds in PERIODS.values() if seconds >= SHORT))

# Each row that waits for a time.
_NEXT = """
SELECT min(at) FROM (
    SELECT due_at AS at FROM refunds_refundrequest UNION ALL
    SELECT due_at FROM refunds_deadline WHERE closed_at IS NULL UNION ALL
    SELECT next_try_at FROM payments_transfer UNION ALL
    SELECT next_try_at FROM refunds_providercheck UNION ALL
    SELECT next_try_at FROM notices_delivery
) AS waiting WHERE at > %s
"""


class Wall:
    """`until` moves the clock on. Whatever is done over HTTP happens at the instant it shows."""

    def __init__(self, traveller: Any, begins: datetime) -> None:
        self._traveller = traveller
        self.now = self._busy_until = begins

    def until(self, day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
        """Go on to this time of the month, in Asia/Shanghai; what is due at that very second has run."""
        end = self.now.replace(day=day, hour=hour, minute=minute, second=second)
        assert end > self.now, "a story is told in the order of the wall"
        self._work()
        self._stir()
        while self.now < end:
            if self.now < self._busy_until:
                self._move(self.now + SECOND)
            else:
                due = self._next_due()
                self._move(min(end, self._next_step(), *([due] if due else [])))
                if self.now == due:
                    self._stir()
            self._run_what_is_due()
        return end

    def a_moment(self) -> None:
        """Long enough for everything that was just begun, where the channel answers at once."""
        later = self.now + SETTLES_IN * SECOND
        self.until(later.day, later.hour, later.minute, later.second)

    def _move(self, at: datetime) -> None:
        self.now = at
        self._traveller.move_to(at)

    def _next_due(self) -> datetime | None:
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [self.now])
            [at] = cursor.fetchone()
        return datetime.fromtimestamp(ceil(at.timestamp()), SHANGHAI) if at else None

    def _next_step(self) -> datetime:
        return datetime.fromtimestamp((int(self.now.timestamp()) // STEP + 1) * STEP, SHANGHAI)

    def _stir(self) -> None:
        self._busy_until = self.now + SETTLES_IN * SECOND

    def _run_what_is_due(self) -> None:
        is_busy = self.now <= self._busy_until
        for name, each in SCHEDULE.items():
            if (is_busy or name not in FREQUENT) and _runs_at(each["schedule"], self.now):
                app.tasks[each["task"]].apply(throw=True)
        if self._work() or OutboxJob.objects.exists():
            self._stir()

    def _work(self) -> int:
        """The scheduler publishes the outbox ten times a second; the worker takes what it is sent. How much it was."""
        done = 0
        while sent := publish(lambda task, args: app.tasks[task].apply(args=args, throw=True)):
            done += sent
        return done


def _runs_at(when: Any, at: datetime) -> bool:
    if isinstance(when, crontab):
        assert when.day_of_week == set(range(7)), "told by the hour and minute alone"
        return at.hour in when.hour and at.minute in when.minute and at.second == 0
    return int(at.timestamp()) % int(when) == 0


@contextmanager
def wall_from(begins: datetime) -> Iterator[Wall]:
    local = begins.astimezone(SHANGHAI)
    with time_machine.travel(local, tick=False) as traveller:
        yield Wall(traveller, local)
