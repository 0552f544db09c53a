"""An outage of the platform: while it lasts no silence counts, and what it cost is added to every clock (E7)."""

from datetime import datetime
from typing import NamedTuple

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal

from ..models import Extension, Outage
from ..permissions import require_deed
from .review import ReasonsNeeded

BATCH = 5000


class Progress(NamedTuple):
    """Of the clocks that ran in an outage: how many have its time already, and how many there are."""

    added: int
    of: int


class OutageGoesOn(Refusal):
    code = "outage_goes_on"
    title = _("An outage is declared already. End that one first.")


class WrongTime(Refusal):
    code = "wrong_time"
    status = 422
    title = _("An outage begins in the past, and ends after its beginning and not in the future.")


def declare_outage(*, user: User, started_at: datetime, note: str, now: datetime) -> Outage:
    """From here on nobody's silence counts, until the outage is ended. Raises NotPermitted, ReasonsNeeded, WrongTime,
    OutageGoesOn.
    """
    require_deed(user, "change_clocks")
    if not note.strip():
        raise ReasonsNeeded()
    if started_at > now:
        raise _wrong(started_at, gettext("%(at)s lies ahead: an outage begins now or earlier."))
    try:
        with transaction.atomic(durable=True):
            return Outage.objects.create(
                started_at=started_at, note=note.strip(), declared_by=user, declared_at=now
            )
    except IntegrityError as error:
        if "one_outage_at_a_time" not in str(error):
            raise
        raise OutageGoesOn() from error


def end_outage(*, outage_id: int, user: User, ended_at: datetime, now: datetime) -> Outage:
    """The clocks are extended by `apply_outages`, which the scheduler calls. Raises NotPermitted, NotFound, WrongTime."""
    require_deed(user, "change_clocks")
    with transaction.atomic(durable=True):
        outage = Outage.objects.select_for_update().filter(pk=outage_id, ended_at__isnull=True).first()
        if outage is None:
            raise NotFound()
        if ended_at > now:
            raise _wrong(ended_at, gettext("%(at)s lies ahead: an outage ends now or earlier."))
        if ended_at <= outage.started_at:
            raise _wrong(ended_at, gettext("%(at)s is not after the outage began: choose a later time."))
        outage.ended_at = ended_at
        outage.save(update_fields=["ended_at"])
        return outage


def _wrong(at: datetime, detail: str) -> WrongTime:
    return WrongTime(detail % {"at": f"{timezone.localtime(at):%Y-%m-%d %H:%M}"})


def is_out() -> bool:
    """Whether an outage goes on, or has not been added to the clocks yet: no deadline is held against anybody."""
    return Outage.objects.filter(applied_at__isnull=True).exists()


# A payment on its way waits for the channel, not for anybody who could not reach us.
_CONCERNED = (
    "d.closed_at IS NULL AND d.kind NOT IN ('arrival_wait', 'payout')"
    " AND d.started_at < %(ended_at)s AND d.due_at > %(started_at)s"
    " AND NOT EXISTS (SELECT 1 FROM refunds_extension e WHERE e.deadline_id = d.id AND e.outage_id = %(outage)s)"
)
# Requests are locked before their clocks, as everywhere; what a clock had run when the outage began is not given back.
_EXTEND = """
WITH picked AS (
    SELECT r.id FROM refunds_refundrequest r WHERE r.id IN (
        SELECT d.request_id FROM refunds_deadline d WHERE {concerned})
    ORDER BY r.id LIMIT %(batch)s FOR UPDATE
), extended AS (
    UPDATE refunds_deadline d SET due_at = d.due_at + {lost}
    FROM picked WHERE d.request_id = picked.id AND {concerned} RETURNING d.id, d.due_at, {lost} AS lost
)
INSERT INTO refunds_extension (deadline_id, outage_id, note, at, was_due_at, due_at)
SELECT id, %(outage)s, '', %(now)s, due_at - lost, due_at FROM extended
""".format(
    lost="(%(ended_at)s::timestamptz - greatest(d.started_at, %(started_at)s::timestamptz))",
    concerned=_CONCERNED,
)


def apply_outages(now: datetime) -> int:
    """Extend the clocks that ran in outages that are over; return how many. A killed run goes on where it stopped."""
    extended = 0
    for outage in Outage.objects.filter(ended_at__isnull=False, applied_at__isnull=True).order_by("id"):
        while batch := _extend_batch(outage, now):
            extended += batch
        with transaction.atomic(durable=True):
            Outage.objects.filter(pk=outage.pk, applied_at__isnull=True).update(applied_at=now)
    return extended


def _extend_batch(outage: Outage, now: datetime) -> int:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_EXTEND, _parameters(outage) | {"now": now, "batch": BATCH})
        return int(cursor.rowcount)


def progress(outage: Outage) -> Progress:
    """Of an outage that is over. A clock that ended meanwhile needs no more time, and is not counted."""
    added = Extension.objects.filter(outage=outage).count()
    if outage.applied_at:
        return Progress(added, added)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM refunds_deadline d WHERE {_CONCERNED}", _parameters(outage))
        (waiting,) = cursor.fetchone()
    return Progress(added, added + int(waiting))


def _parameters(outage: Outage) -> dict[str, int | datetime | None]:
    return {"outage": outage.pk, "started_at": outage.started_at, "ended_at": outage.ended_at}
