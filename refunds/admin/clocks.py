"""The clocks of a case on its page: those that run, those that are over, and how they were put off."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.safestring import SafeString

from marketplace.identity.models import User
from refunds.desk_queries import Case
from refunds.extensions import PutOff
from refunds.machine import Clock
from refunds.models import Deadline
from refunds.operations.extend import may_extend
from refunds.permissions import may_do

from .deeds import deed_form
from .looks import CLOCKS, look_badge

DEED, MASS_FAULT = "extend", "mass_fault"


class ShownClock(NamedTuple):
    clock: Deadline
    badge: SafeString
    put_off: list[PutOff]


def clock_panel(user: User, case: Case, tried: tuple[str, Any] | None) -> dict[str, Any]:
    """Context of the head and the panel; `tried` is a deed that was refused, with its form as typed."""
    now = timezone.now()
    return {
        "running": [clock for clock in case.clocks if clock.closed_at is None],
        "clocks": list(_shown(case, now)),
        "extend_form": _form(user, case, tried),
        "mass_fault_form": _mass_fault(user, case, tried),
    }


def _mass_fault(user: User, case: Case, tried: tuple[str, Any] | None) -> Any:
    """Where a review is running, and this person may say that many met the same fault."""
    if case.request.due_kind != Clock.REVIEW or not may_do(user, MASS_FAULT):
        return None
    return tried[1] if tried and tried[0] == MASS_FAULT else deed_form(MASS_FAULT, [])


def _shown(case: Case, now: datetime) -> Iterator[ShownClock]:
    """Those that run first, the sooner before the later; then the past, latest first."""
    running = sorted((c for c in case.clocks if c.closed_at is None), key=lambda c: (c.due_at, c.pk))
    over = [clock for clock in reversed(case.clocks) if clock.closed_at is not None]
    for clock in (*running, *over):
        put_off = [each for each in case.put_off if each.clock.pk == clock.pk]
        yield ShownClock(clock, look_badge(CLOCKS[standing(clock, now)]), put_off)


def standing(clock: Deadline, now: datetime) -> str:
    """A key of looks.CLOCKS."""
    if clock.closed_at is None:
        return "overdue" if clock.due_at < now else "running"
    return "met" if clock.closed_at <= clock.due_at else "missed"


def _form(user: User, case: Case, tried: tuple[str, Any] | None) -> Any:
    """The clock that the request shows is the one that is put off."""
    kind = case.request.due_kind
    if not kind or not may_extend(user, kind):
        return None
    return tried[1] if tried and tried[0] == DEED else deed_form(DEED, [], until=case.request.due_at)
