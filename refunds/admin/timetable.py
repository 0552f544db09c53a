"""What staff say of coming days: peaks in which new clocks run longer (E6), and days the calendar has wrong."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.businesstime import is_working_day, known_until
from refunds.models import CalendarDay, Peak
from refunds.operations.timetable import announce_peak, end_peak, mark_day, peak_range, unmark_day
from refunds.permissions import may_do

from .forms import beijing_time
from .looks import DAYS, PEAKS, look_badge
from .record import Fact, RecordAdmin, RecordMove, in_words

DEED = "change_clocks"


class PeakForm(forms.Form):
    starts_at = beijing_time(_("From"), _("Beijing time, not in the past."))
    ends_at = beijing_time(_("Until"), _("Beijing time."))
    percent = forms.IntegerField(
        label=_("Clocks run at, in percent"),
        help_text=_("150 is half as long again."),
        initial=150,
    )
    note = forms.CharField(
        label=_("Announcement"),
        help_text=_("Everybody reads this: buyers, sellers and staff."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class DayForm(forms.Form):
    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    is_working = forms.TypedChoiceField(
        label=_("Counts as"),
        choices=[("", _("Choose …")), ("1", DAYS[True].word), ("0", DAYS[False].word)],
        coerce=lambda value: value == "1",
    )
    note = forms.CharField(
        label=_("Why"),
        help_text=_("Such as the notice of the State Council."),
        required=False,
        max_length=200,
    )


def _announce(_row: None, user: User, data: Mapping[str, Any], now: datetime) -> Peak:
    return announce_peak(user=user, now=now, **data)


def _end(row: Peak, user: User, data: Mapping[str, Any], now: datetime) -> None:
    end_peak(peak_id=row.pk, user=user, now=now)


def _mark(_row: None, user: User, data: Mapping[str, Any], now: datetime) -> CalendarDay:
    return mark_day(user=user, **data)


def _unmark(row: CalendarDay, user: User, data: Mapping[str, Any], now: datetime) -> None:
    unmark_day(user=user, day=row.day)


ANNOUNCE = RecordMove(
    _("Announce a peak"), _("Clocks that start in it run longer. Those that run already are left as they are."),
    "trending_up", "calm", PeakForm, _announce, _("Announced on the desk, in the portal and to buyers."),
)  # fmt: skip
END = RecordMove(
    _("End it"), _("From now on new clocks run at their usual length. Those that started in it keep their time."),
    "trending_flat", "calm", forms.Form, _end, _("Over. New clocks run at their usual length."),
)  # fmt: skip
CALL_OFF = RecordMove(
    _("Call it off"), _("It has not begun: no clock has been lengthened yet."),
    "event_busy", "calm", forms.Form, _end, _("Called off."),
)  # fmt: skip
MARK = RecordMove(
    _("Mark a day"), _("For clocks that start from now on. A day marked before is marked anew."),
    "edit_calendar", "calm", DayForm, _mark, _("Marked."),
)  # fmt: skip
UNMARK = RecordMove(
    _("Take the mark away"), _("What the official calendar says counts again, for clocks that start from now on."),
    "event_busy", "calm", forms.Form, _unmark, _("Taken away."),
)  # fmt: skip


class _ClockAdmin(RecordAdmin):
    """Read by all staff, changed by supervisors."""

    change_list_template = "desk/clocks/list.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_do(cast(User, request.user), DEED)


@admin.register(Peak)
class PeakAdmin(_ClockAdmin):
    adding = ANNOUNCE
    list_display = ("starts_at", "ends_at", "percent", "note", "status")
    ordering = ("-starts_at", "-id")
    list_select_related = ("declared_by",)
    icon = "trending_up"
    about = _(
        "A peak is announced before it begins. Clocks that start in it run longer; running ones never change."
    )
    empty = _("No peak has been announced.")
    empty_hint = _(
        "Before a sale that brings many cases a supervisor announces how much longer new clocks will run."
    )

    def adding_facts(self, request: HttpRequest) -> list[Fact]:
        least, most = peak_range(timezone.now())
        return [
            Fact(_("The terms allow"), gettext("%(least)d to %(most)d %%") % {"least": least, "most": most}),
            Fact(_("Longer for"), _("every clock that starts in it, but for the channels' time to pay")),
        ]

    def headline(self, row: Peak) -> str:
        return gettext("Peak from %(at)s") % {"at": in_words(row.starts_at)}

    def badge(self, row: Peak) -> str:
        now = timezone.now()
        return look_badge(PEAKS["ahead" if row.starts_at > now else "on" if row.ends_at > now else "over"])

    def facts(self, request: HttpRequest, row: Peak) -> list[Fact]:
        return [
            Fact(_("From"), in_words(row.starts_at)),
            Fact(_("Until"), in_words(row.ends_at)),
            Fact(_("Clocks run at"), f"{row.percent} %"),
            Fact(_("Announcement"), row.note),
            Fact(_("Announced by"), row.declared_by),
            Fact(_("Announced at"), in_words(row.declared_at)),
        ]

    def moves(self, request: HttpRequest, row: Peak) -> Mapping[str, RecordMove]:
        now = timezone.now()
        if row.ends_at <= now or not may_do(cast(User, request.user), DEED):
            return {}
        return {"end": END} if row.starts_at < now else {"call_off": CALL_OFF}

    def after(self, row: Peak) -> str:
        """One that was called off has no page any more."""
        return super().after(row) if Peak.objects.filter(pk=row.pk).exists() else self._url("changelist")

    @admin.display(description=_("state"))
    def status(self, row: Peak) -> str:
        return self.badge(row)


@admin.register(CalendarDay)
class CalendarDayAdmin(_ClockAdmin):
    adding = MARK
    list_display = ("day", "weekday", "status", "by_the_calendar", "note")
    ordering = ("-day", "id")
    list_select_related = ("user",)
    icon = "calendar_month"
    empty = _("No day is marked: the official calendar counts.")
    empty_hint = _("Mark a day where the calendar errs, or which it does not know yet.")

    def about(self) -> str:
        """Until when the calendar can be trusted."""
        text = gettext(
            "The official calendar is known until the end of %(year)d. Of later years Monday to Friday count as"
            " working days, but for the days marked here."
        )
        return text % {"year": known_until()}

    def headline(self, row: CalendarDay) -> str:
        return row.day.isoformat()

    def badge(self, row: CalendarDay) -> str:
        return look_badge(DAYS[row.is_working])

    def adding_facts(self, request: HttpRequest) -> list[Fact]:
        return [
            Fact(_("Known until the end of"), known_until()),
            Fact(_("After that"), _("Monday to Friday")),
        ]

    def facts(self, request: HttpRequest, row: CalendarDay) -> list[Fact]:
        return [
            Fact(_("Day"), f"{row.day} {self.weekday(row)}"),
            Fact(_("Counts as"), DAYS[row.is_working].word),
            Fact(_("By the calendar"), self.by_the_calendar(row)),
            Fact(_("Why"), row.note),
            Fact(_("Marked by"), row.user),
        ]

    def moves(self, request: HttpRequest, row: CalendarDay) -> Mapping[str, RecordMove]:
        return {"unmark": UNMARK} if may_do(cast(User, request.user), DEED) else {}

    def after(self, row: CalendarDay) -> str:
        return self._url("changelist")

    @admin.display(description=_("weekday"))
    def weekday(self, row: CalendarDay) -> str:
        return date_format(row.day, "l")

    @admin.display(description=_("counts as"))
    def status(self, row: CalendarDay) -> str:
        return self.badge(row)

    @admin.display(description=_("by the calendar"))
    def by_the_calendar(self, row: CalendarDay) -> str | Promise:
        word = DAYS[is_working_day(row.day)].word
        if row.day.year <= known_until():
            return word
        return gettext("%(word)s (by the weekday: the year is not known yet)") % {"word": word}
