"""What staff say of coming days: that clocks will run longer (E6), or that the official calendar errs."""

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.orders.goods import GoodsType

from .. import timetable
from ..models import CalendarDay, Peak
from ..permissions import require_deed
from ..policies import in_force
from .review import ReasonsNeeded


class PeakOverlaps(Refusal):
    code = "peak_overlaps"
    title = _("Another peak is announced for a part of that time.")


class PeakNotAhead(Refusal):
    code = "peak_not_ahead"
    status = 422
    title = _("A peak is announced before it begins, and ends after that.")


class PercentOutOfRange(Refusal):
    code = "percent_out_of_range"
    status = 422
    title = _("In a peak clocks run within the range that the terms allow.")


def announce_peak(
    *, user: User, starts_at: datetime, ends_at: datetime, percent: int, note: str, now: datetime
) -> Peak:
    """Clocks that start in it run at `percent` of their length; those that run already are left as they are.

    Raises NotPermitted, ReasonsNeeded (the announcement), PeakNotAhead, PercentOutOfRange, PeakOverlaps.
    """
    require_deed(user, "change_clocks")
    if not note.strip():
        raise ReasonsNeeded()
    if not now <= starts_at < ends_at:
        raise PeakNotAhead()
    least, most = peak_range(now)
    if not least <= percent <= most:
        raise _out_of_range(percent, least, most)
    try:
        with transaction.atomic(durable=True):
            peak = Peak.objects.create(
                starts_at=starts_at,
                ends_at=ends_at,
                percent=percent,
                note=note.strip(),
                declared_by=user,
                declared_at=now,
            )
    except IntegrityError as error:
        if "one_peak_at_a_time" not in str(error):
            raise
        raise _overlaps(starts_at, ends_at) from error
    timetable.forget()
    return peak


def peak_range(now: datetime) -> tuple[int, int]:
    """The least and the most percent that the terms of any goods allow."""
    terms = [in_force(goods_type, now).terms.clocks for goods_type in GoodsType.values]
    return max(min(t.peak_min_percent for t in terms), 101), max(t.peak_max_percent for t in terms)


def _out_of_range(percent: int, least: int, most: int) -> PercentOutOfRange:
    detail = gettext(
        "%(percent)s %% is outside of what the terms allow: choose from %(least)s to %(most)s %%."
    )
    known = {"percent": percent, "least": least, "most": most}
    return PercentOutOfRange(detail % known, at_least=least, at_most=most)


def _overlaps(starts_at: datetime, ends_at: datetime) -> PeakOverlaps:
    """Names the peak in the way, where it still is."""
    standing = Peak.objects.filter(starts_at__lt=ends_at, ends_at__gt=starts_at).order_by("starts_at").first()
    if standing is None:
        return PeakOverlaps()
    since, until = (
        f"{timezone.localtime(at):%Y-%m-%d %H:%M}" for at in (standing.starts_at, standing.ends_at)
    )
    detail = gettext(
        "A peak is announced from %(since)s to %(until)s already: choose another time, or end that one."
    )
    return PeakOverlaps(detail % {"since": since, "until": until})


def end_peak(*, peak_id: int, user: User, now: datetime) -> None:
    """New clocks run at their usual length again; one not begun is called off. Raises NotPermitted, NotFound."""
    require_deed(user, "change_clocks")
    with transaction.atomic(durable=True):
        peak = Peak.objects.select_for_update().filter(pk=peak_id, ends_at__gt=now).first()
        if peak is None:
            raise NotFound()
        if peak.starts_at >= now:
            peak.delete()
        else:
            peak.ends_at = now
            peak.save(update_fields=["ends_at"])
    timetable.forget()


def mark_day(*, user: User, day: date, is_working: bool, note: str) -> CalendarDay:
    """Say whether a day is worked, against the calendar or where it does not know. Raises NotPermitted, ReasonsNeeded."""
    require_deed(user, "change_clocks")
    if not note.strip():
        raise ReasonsNeeded()
    values = {"is_working": is_working, "note": note.strip(), "user": user}
    marked, _is_new = CalendarDay.objects.update_or_create(day=day, defaults=values)
    timetable.forget()
    return marked


def unmark_day(*, user: User, day: date) -> None:
    """What the calendar says counts again. Raises NotPermitted, NotFound."""
    require_deed(user, "change_clocks")
    if not CalendarDay.objects.filter(day=day).delete()[0]:
        raise NotFound()
    timetable.forget()
