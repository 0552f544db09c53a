"""Figures: charts over all cases with their tables and files (requirement K2), and four of them on the first page."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

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
from marketplace.kernel.csvfile import csv_file
from marketplace.orders.goods import GoodsType
from refunds.figures import reads
from refunds.figures.periods import PRESETS, USUAL, Asked, Period, beijing_day
from refunds.filing_channels import FilingChannel
from refunds.models import CaseFigure

from . import case_charts, party_charts
from .charts import Chart
from .kept import DaysForm, day_field


class FiguresForm(DaysForm):
    """Days of Beijing, both included, and which cases."""

    since = day_field(gettext_lazy("From"))
    until = day_field(gettext_lazy("Until and including"))
    goods = forms.ChoiceField(
        label=gettext_lazy("Goods"),
        required=False,
        choices=[("", gettext_lazy("All goods")), *GoodsType.choices],
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Filed by"),
        required=False,
        choices=[("", gettext_lazy("All ways")), *FilingChannel.choices],
    )


class Tab(NamedTuple):
    label: str
    query: str
    is_chosen: bool


@admin.register(CaseFigure)
class FiguresAdmin(ReadOnlyAdmin):
    """One page in place of a list: what it shows of is all tables of figures."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.figures_view)
        return [path("", view, name="refunds_casefigure_changelist")]

    def figures_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        preset = _preset(request.GET)
        form = FiguresForm(_asked_for(request.GET, preset, beijing_day(now)))
        asked = _asked(form.cleaned_data) if form.is_valid() else None
        charts = all_charts(asked, now) if asked else []
        if asked and "csv" in request.GET:
            return _file(request.GET["csv"], asked.period, charts)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Figures"),
            "form": form,
            "tabs": _tabs(request.GET, preset),
            "asked": asked,
            "charts": charts,
            "as_of": reads.as_of(),
            "query": _query(request.GET),
        }
        return TemplateResponse(request, "desk/figures.html", context, status=422 if form.errors else 200)


def _preset(query: Mapping[str, str]) -> str:
    """The name of the range asked for; none where days are."""
    if "range" in query and query["range"] in PRESETS:
        return query["range"]
    return "" if {"since", "until"} & query.keys() else USUAL


def _asked_for(query: Mapping[str, str], preset: str, today: date) -> dict[str, Any]:
    days = PRESETS[preset].period(today)._asdict() if preset else {}
    return {name: query.get(name, "") for name in ("since", "until", "goods", "channel")} | days


def _asked(data: Mapping[str, Any]) -> Asked:
    return Asked(Period(data["since"], data["until"]), data["goods"], data["channel"])


def all_charts(asked: Asked, now: datetime) -> list[Chart]:
    """Thirteen queries, however long the period and however many cases."""
    return [
        case_charts.volume(asked),
        case_charts.automatic(asked),
        case_charts.times(asked),
        case_charts.clocks(asked, now),
        *party_charts.money(asked),
        case_charts.reasons(asked),
        party_charts.sellers(asked),
        party_charts.overturns(asked),
        party_charts.reviewers(asked),
    ]


def _tabs(query: Any, preset: str) -> list[Tab]:
    """The ranges, each with the filters as they are."""
    return [Tab(str(each.label), _query(query, range=name), name == preset) for name, each in PRESETS.items()]


def _query(query: Any, **more: str) -> str:
    kept = query.copy()
    for name in ("csv", *(("since", "until") if more else ())):
        kept.pop(name, None)
    for name, value in more.items():
        kept[name] = value
    return str(kept.urlencode())


def _file(key: str, period: Period, charts: list[Chart]) -> HttpResponse:
    chart = next((chart for chart in charts if chart.key == key), None)
    if chart is None:
        return HttpResponse(status=404)
    return csv_file(f"{chart.key}-{period.since}-{period.until}.csv", chart.header, chart.file)
