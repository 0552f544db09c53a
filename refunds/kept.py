"""How many deadlines were kept (requirement E9): by what the clock waited for, and by goods."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, F, Q

from .machine import Clock
from .models import Deadline

# Nobody promises when a payment arrives: that clock is a wait, with nothing to keep.
PROMISED = tuple(kind for kind in Clock.values if kind != Clock.ARRIVAL_WAIT)


class Kept(NamedTuple):
    """Clocks that started in the time asked for; each is met, missed or running. `goods_type` "" is all of them."""

    kind: str
    goods_type: str
    started: int
    met: int
    missed: int
    running: int

    @property
    def share_met(self) -> float | None:
        """In percent, of those that are decided; None where none is."""
        decided = self.met + self.missed
        return 100 * self.met / decided if decided else None


def kept(since: datetime, until: datetime, now: datetime) -> list[Kept]:
    """Clocks started from `since` to before `until`, as of `now`, in one query. One past its time is missed already."""
    rows = (
        Deadline.objects.filter(kind__in=PROMISED, started_at__gte=since, started_at__lt=until)
        .values("kind", "request__order__goods_type")
        .annotate(
            started=Count("id"),
            met=Count("id", filter=Q(closed_at__lte=F("due_at"))),
            running=Count("id", filter=Q(closed_at__isnull=True, due_at__gte=now)),
        )
        .order_by("kind", "request__order__goods_type")
        .values_list("kind", "request__order__goods_type", "started", "met", "running")
    )
    found = [
        Kept(kind, goods, started, met, started - met - running, running)
        for kind, goods, started, met, running in rows
    ]
    return [line for kind in PROMISED for line in _with_sum(kind, found)]


def _with_sum(kind: str, found: list[Kept]) -> list[Kept]:
    """The kind as a whole, then by goods; nothing where no such clock started."""
    parts = [line for line in found if line.kind == kind]
    if not parts:
        return []
    started, met = sum(line.started for line in parts), sum(line.met for line in parts)
    missed, running = sum(line.missed for line in parts), sum(line.running for line in parts)
    return [Kept(kind, "", started, met, missed, running), *parts]
