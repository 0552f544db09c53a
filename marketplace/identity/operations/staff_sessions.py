"""Sessions at the desk: started at the sign-in, seen at each request, ended by idleness, by the day, or by a person."""

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from marketplace.kernel.errors import NotFound, NotPermitted
from marketplace.kernel.http import Origin

from ..models import AuditKind, SecondFactor, StaffSession, User
from .keep import keep
from .second_factor import MAY_MANAGE, reason_of

SEEN_EVERY = timedelta(minutes=1)  # a row is not written at each request
End = StaffSession.End


def start(*, user: User, session_key: str, origin: Origin, now: datetime) -> StaffSession:
    """Somebody has just shown a password: that is a proof too."""
    return StaffSession.objects.create(
        user=user, session_key=session_key, ip=origin.ip or None, device=origin.device,
        started_at=now, seen_at=now, proved_at=now,
    )  # fmt: skip


def found(session_id: object) -> StaffSession | None:
    """The row, with `has_factor`: whether its person has a second factor now."""
    factor = SecondFactor.objects.filter(user=OuterRef("user"), confirmed_at__isnull=False)
    rows = StaffSession.objects.annotate(has_factor=Exists(factor))
    return rows.filter(pk=session_id).first() if isinstance(session_id, int) else None


def see(row: StaffSession, *, session_key: str, now: datetime) -> None:
    if now - row.seen_at < SEEN_EVERY and row.session_key == session_key:
        return
    row.seen_at, row.session_key = now, session_key
    row.save(update_fields=["seen_at", "session_key"])


def admit(row: StaffSession, *, now: datetime) -> None:
    """The second factor was shown at the sign-in, or has just been set up in this session."""
    row.second_factor_at = row.proved_at = now
    row.save(update_fields=["second_factor_at", "proved_at"])


def prove_anew(row: StaffSession, *, now: datetime) -> None:
    row.proved_at = now
    row.save(update_fields=["proved_at"])


def run_out(row: StaffSession, now: datetime) -> str:
    """Why the session is over, or ""."""
    if row.ended_at is not None:
        return row.end
    if now - row.started_at >= timedelta(hours=settings.STAFF_SESSION_HOURS):
        return End.DAY
    return End.IDLE if now - row.seen_at >= timedelta(minutes=settings.STAFF_IDLE_MINUTES) else ""


def live(user: User, now: datetime) -> QuerySet[StaffSession]:
    """Sessions that still open something, the latest first."""
    rows = StaffSession.objects.filter(
        user=user,
        ended_at__isnull=True,
        started_at__gt=now - timedelta(hours=settings.STAFF_SESSION_HOURS),
        seen_at__gt=now - timedelta(minutes=settings.STAFF_IDLE_MINUTES),
    )
    return rows.order_by("-seen_at", "-id")


def end(rows: QuerySet[StaffSession], *, why: str, now: datetime) -> int:
    """End those that are not over yet, and take their sessions away. Returns how many."""
    with transaction.atomic():
        going = list(rows.filter(ended_at__isnull=True).order_by("id").select_for_update())
        StaffSession.objects.filter(pk__in=[row.pk for row in going]).update(ended_at=now, end=why)
        for row in going:
            if row.session_key:
                store().delete(row.session_key)
    return len(going)


def end_one(*, session_id: int, user: User, origin: Origin, now: datetime) -> None:
    """One of the person's own. Raises NotFound."""
    row = live(user, now).filter(pk=session_id).first()
    if row is None:
        raise NotFound()
    _end_by_hand(live(user, now).filter(pk=session_id), user, user, "", origin, now)


def end_others(*, row: StaffSession, user: User, origin: Origin, now: datetime) -> int:
    """All of the person's own but this one."""
    return _end_by_hand(live(user, now).exclude(pk=row.pk), user, user, "", origin, now)


def end_all_of(*, person: User, user: User, reason: str, origin: Origin, now: datetime) -> int:
    """Raises NotPermitted, ReasonNeeded."""
    if not user.has_perm(MAY_MANAGE):
        raise NotPermitted()
    return _end_by_hand(live(person, now), person, user, reason_of(reason), origin, now)


def password_changed(*, row: StaffSession, user: User, origin: Origin, now: datetime) -> None:
    """Ends the others: whoever knew the old password is out."""
    with transaction.atomic():
        end(StaffSession.objects.filter(user=user).exclude(pk=row.pk), why=End.PASSWORD, now=now)
        keep(AuditKind.PASSWORD_CHANGED, user=user, origin=origin, now=now)


def _end_by_hand(
    rows: QuerySet[StaffSession], person: User, user: User, reason: str, origin: Origin, now: datetime
) -> int:
    with transaction.atomic():
        ended = end(rows, why=End.ENDED, now=now)
        if ended:
            keep(
                AuditKind.SESSION_ENDED, user=user, about=person, subject=f"× {ended}", reason=reason,
                origin=origin, now=now,
            )  # fmt: skip
    return ended


def store() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore()
