"""Deadlines kept: of the clocks that started in some days, how many were met, by kind and goods (requirement E9)."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.csvfile import csv_file
from marketplace.orders.goods import GoodsType
from refunds.kept import Kept, kept
from refunds.machine import Clock
from refunds.models import Deadline

USUAL = timedelta(days=30)
LONGEST = timedelta(days=366)


def day_field(label: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))


class DaysForm(forms.Form):
    """Days of Beijing, both included."""

    since = day_field(gettext_lazy("Started from"))
    until = day_field(gettext_lazy("Until and including"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and until and until < since:
            self.add_error("until", _("%(until)s lies before %(since)s: choose a later day.") % data)
        if since and until and until - since > LONGEST:
            self.add_error(
                "until", _("That is more than %(days)d days: choose fewer.") % {"days": LONGEST.days}
            )
        return data


@admin.register(Deadline)
class DeadlineAdmin(ReadOnlyAdmin):
    """One page in place of a list: single clocks are read in their case."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.kept_view)
        return [path("", view, name="refunds_deadline_changelist")]

    def kept_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        today = now.astimezone(SHANGHAI).date()
        usual = {"since": today - USUAL, "until": today}
        form = DaysForm(request.GET if {"since", "until"} & request.GET.keys() else None, initial=usual)
        chosen = usual if not form.is_bound else form.cleaned_data if form.is_valid() else None
        lines = _read(chosen["since"], chosen["until"], now) if chosen else []
        if chosen and "csv" in request.GET:
            return _file(chosen["since"], chosen["until"], lines)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Deadlines kept"),
            "form": form,
            "lines": [(Clock(line.kind).label, goods_word(line), line) for line in lines],
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "desk/clocks/kept.html", context, status=status)


def _read(since: date, until: date, now: datetime) -> list[Kept]:
    return kept(_midnight(since), _midnight(until + timedelta(days=1)), now)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, SHANGHAI)


def goods_word(line: Kept) -> str:
    return str(GoodsType(line.goods_type).label) if line.goods_type else _("All goods")


def _file(since: date, until: date, lines: list[Kept]) -> HttpResponse:
    header = [
        _("Clock"),
        _("Goods"),
        _("Started"),
        _("In time"),
        _("Missed"),
        _("Running"),
        _("In time, in percent"),
    ]
    rows = (
        [
            Clock(line.kind).label,
            goods_word(line),
            line.started,
            line.met,
            line.missed,
            line.running,
            _share(line),
        ]
        for line in lines
    )
    return csv_file(f"deadlines-{since}-{until}.csv", header, rows)


def _share(line: Kept) -> str:
    return "" if line.share_met is None else f"{line.share_met:.1f}"
