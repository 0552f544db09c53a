"""Figures of reviewers (requirement K4): for supervisors and auditors of all, for each reviewer of themselves."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.csvfile import csv_file
from marketplace.kernel.money import major
from refunds.casefile.views import person
from refunds.faults import Outcome
from refunds.models import Judgement
from refunds.reviewer_figures import (
    COLUMNS,
    FEW,
    Column,
    Decided,
    Figures,
    Share,
    decisions,
    figures,
    team,
    trial_answers,
)
from refunds.trials import verdict

from .kept import USUAL, DaysForm, midnight
from .looks import JUDGED, look_badge
from .record import in_words
from .trials import AGREES

LEAST_TEAM = 3  # of fewer the median would tell one what another did
SHARES = {column.key for column in COLUMNS if isinstance(column.of(Figures(0, "")), Share)}


class Cell(NamedTuple):
    """One figure of one person. `of` is what a share is a share of."""

    value: str
    of: str
    is_few: bool


class Days(NamedTuple):
    """Days of Beijing, both included."""

    since: date
    until: date

    @property
    def span(self) -> tuple[datetime, datetime]:
        return midnight(self.since), midnight(self.until + timedelta(days=1))


@admin.register(Judgement)
class ReviewerFiguresAdmin(ReadOnlyAdmin):
    """One page in place of a list: single judgements are read in their case."""

    def get_urls(self) -> list[URLPattern]:
        table, person_page = map(self.admin_site.admin_view, (self.table, self.person_page))
        return [
            path("", table, name="refunds_judgement_changelist"),
            path("<int:user_id>/", person_page, name="refunds_judgement_person"),
        ]

    def table(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form, days = _days(request)
        everybody = figures(*days.span) if days else []
        shown = [each for each in everybody if _sees_all(request.user) or each.user_id == request.user.pk]
        medians = _medians(everybody)
        if days and "csv" in request.GET:
            return _file(days, shown)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Reviewers' figures"),
            "form": form,
            "columns": COLUMNS,
            "few": FEW,
            "lines": [
                (each, _url(each, days), [_cell(each, column) for column in COLUMNS])
                for each in shown
                if days
            ],
            "medians": medians,
        }
        return TemplateResponse(request, "desk/reviewers.html", context, status=422 if form.errors else 200)

    def person_page(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """What is behind the figures: each decision and each trial."""
        if not self.has_view_permission(request) or not (
            _sees_all(request.user) or user_id == request.user.pk
        ):
            raise PermissionDenied
        form, days = _days(request)
        made = decisions(user_id, *days.span) if days else []
        tried = trial_answers(*days.span, user_id) if days else []
        who = User.objects.filter(pk=user_id).first()
        if days and "csv" in request.GET:
            return _list(days, made)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Decisions of %(name)s") % {"name": person(who) or "–"},
            "form": form,
            "back": reverse("admin:refunds_judgement_changelist"),
            "made": [(each, look_badge(JUDGED[each.outcome])) for each in made],
            "tried": [
                (answer, look_badge(AGREES[verdict(answer.trial.known, answer).agrees])) for answer in tried
            ],
        }
        return TemplateResponse(request, "desk/reviewer.html", context, status=422 if form.errors else 200)


def _sees_all(user: Any) -> bool:
    """A reviewer sees their own, and nothing of the others by name."""
    return cast(User, user).role != Role.REVIEWER


def _days(request: HttpRequest) -> tuple[DaysForm, Days | None]:
    today = timezone.now().astimezone(SHANGHAI).date()
    usual = {"since": today - USUAL, "until": today}
    form = DaysForm(request.GET if {"since", "until"} & request.GET.keys() else None, initial=usual)
    form.fields["since"].label = _("Decided from")
    chosen = usual if not form.is_bound else form.cleaned_data if form.is_valid() else None
    return form, Days(chosen["since"], chosen["until"]) if chosen else None


def _url(each: Figures, days: Days | None) -> str:
    url = reverse("admin:refunds_judgement_person", args=[each.user_id])
    return f"{url}?since={days.since}&until={days.until}" if days else url


def _cell(each: Figures, column: Column) -> Cell:
    value = column.of(each)
    if not isinstance(value, Share):
        return Cell(_number(value), "", False)
    interval = each.interval if column.key == "right" else None
    of = _("%(part)d of %(whole)d") % value._asdict() if value.whole else ""
    if interval:
        of += f" · {interval[0]:.0f}–{interval[1]:.0f} %"
    return Cell(_percent(value.percent), of, value.is_few)


def _medians(everybody: Sequence[Figures]) -> list[str]:
    """ "" where the team is too small for one."""
    if len(everybody) < LEAST_TEAM:
        return []
    return [
        _percent(value) if column.key in SHARES else _number(value)
        for column in COLUMNS
        for value in [team(everybody, column)]
    ]


def _number(value: float | Share | None) -> str:
    return "–" if value is None else f"{value:.1f}".removesuffix(".0")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} %"


def _file(days: Days, shown: Sequence[Figures]) -> HttpResponse:
    """Shares as two numbers, so that a spreadsheet adds them up."""
    header: list[Any] = [_("Reviewer")]
    for column in COLUMNS:
        header.append(column.label)
        if column.key in SHARES:
            header.append(_("%(figure)s, of") % {"figure": column.label})
    lines = []
    for each in shown:
        line: list[Any] = [each.name]
        for column in COLUMNS:
            value = column.of(each)
            line += (
                [value.part, value.whole] if isinstance(value, Share) else ["" if value is None else value]
            )
        lines.append(line)
    return csv_file(f"reviewers-{days.since}-{days.until}.csv", header, lines)


def _list(days: Days, made: Sequence[Decided]) -> HttpResponse:
    """What is behind one person's figures, decision by decision."""
    header = [_("Case"), _("Decided at"), _("Outcome"), _("Amount"), _("Currency"), _("Minutes in hand")]
    header += [_("Contested"), _("Overturned"), _("Departs from precedents")]
    lines = [
        [
            each.number,
            in_words(each.at),
            Outcome(each.outcome).label,
            major(each.amount, each.currency),
            each.currency,
            "" if each.minutes is None else round(each.minutes),
            int(bool(each.contested)),
            int(bool(each.overturned)),
            int(each.deviated),
        ]
        for each in made
    ]
    return csv_file(f"decisions-{days.since}-{days.until}.csv", header, lines)
