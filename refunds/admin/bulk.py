"""One form for many cases (requirement K1): what is typed, what would happen, and what happened, row by row."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.csvfile import csv_file
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.money import major
from refunds.models import BulkOutcome, BulkRow, BulkRun, RefundRequest
from refunds.models.bulk import ROWS_AT_MOST
from refunds.operations import bulk
from refunds.permissions import reach

from .bulk_ticks import CHOICES, Choice, choices_for, form_address
from .looks import BULK_FORESEEN, BULK_OUTCOMES, BULK_RUNS, look_badge, state_badge

SEES_ALL = (Role.SUPERVISOR, Role.AUDITOR)


class Line(NamedTuple):
    """A row of the page: as foreseen while nothing is confirmed, then as it turned out."""

    row: BulkRow
    badge: str
    now: str  # state badge
    then: str


class Total(NamedTuple):
    badge: str
    currency: str
    cases: int
    amount: int  # minor units asked for, or that go back


@admin.register(BulkRun)
class BulkRunAdmin(ReadOnlyAdmin):
    list_display = ("run", "by", "ticked", "status", "previewed_at")
    list_filter = ("move",)
    list_select_related = ("by",)
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        results = self.admin_site.admin_view(self.results_view)
        return [path("<int:pk>/results.csv", results, name="refunds_bulkrun_results"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkRun]:
        """Everybody their own; supervisors and auditors all."""
        rows: QuerySet[BulkRun] = super().get_queryset(request)
        user = cast(User, request.user)
        return rows if user.role in SEES_ALL else rows.filter(by=user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("refunds.add_bulkrun"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The one form. A post looks at each case and leads to what would happen; nothing is decided by it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        user = cast(User, request.user)
        move = request.GET.get("move", "")
        choice = choices_for(user).get(move)
        if choice is None:
            messages.error(request, _("This cannot be done, or not by you."))
            return HttpResponseRedirect(_queue())
        cases = [int(pk) for pk in request.GET.get("cases", "").split(",") if pk.isdigit()]
        if request.method != "POST":
            return self._form_page(request, choice, cases, choice.form(initial=self._typed_before(request)))
        form = choice.form(request.POST)
        if not form.is_valid():
            return self._form_page(request, choice, cases, form, status=422)
        try:
            run = bulk.look(
                user=user, move=move, said=form.cleaned_data, cases=cases,
                language=get_language() or "", now=timezone.now(),
            )  # fmt: skip
        except Refusal as refusal:
            messages.error(request, str(refusal.detail))
            return self._form_page(request, choice, cases, form, status=refusal.status)
        return HttpResponseRedirect(_page_of(run))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What would happen; with a post it is confirmed, and the page shows what happens."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = self._run(request, object_id)
        if run is None:
            messages.warning(request, _("There is no such row."))
            return HttpResponseRedirect(reverse("admin:refunds_bulkrun_changelist"))
        if request.method == "POST":
            try:
                bulk.confirm(run_id=run.pk, user=cast(User, request.user), now=timezone.now())
            except NotFound:
                raise PermissionDenied from None  # read by others, confirmed by who looked
            except Refusal as refusal:
                messages.error(request, str(refusal.detail))
                return self._run_page(request, run, status=refusal.status)
            return HttpResponseRedirect(_page_of(run))
        return self._run_page(request, run)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:refunds_bulkrun_change", args=[object_id]))

    def results_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self._run(request, str(pk)) if self.has_view_permission(request) else None
        if run is None:
            raise PermissionDenied
        header = [
            _("Case"), _("Looked at in state"), _("Foreseen"), _("Outcome"), _("Amount"), _("Currency"), _("Why not"), _("At"),
        ]  # fmt: skip
        return csv_file(f"bulk-{run.pk}.csv", header, [_csv_line(row) for row in _rows(run)])

    def _run(self, request: HttpRequest, pk: str) -> BulkRun | None:
        return self.get_queryset(request).filter(pk=pk).first() if pk.isdigit() else None

    def _typed_before(self, request: HttpRequest) -> dict[str, Any]:
        """What was said in the run of which the form is changed."""
        run = self._run(request, request.GET.get("as", ""))
        return bulk.arguments(run.said) if run is not None and run.move == request.GET.get("move") else {}

    def _form_page(
        self, request: HttpRequest, choice: Choice, cases: Sequence[int], form: forms.Form, status: int = 200
    ) -> HttpResponse:
        found = RefundRequest.objects.filter(reach(cast(User, request.user)), pk__in=cases[:ROWS_AT_MOST])
        rows = sorted(found.select_related("order"), key=lambda row: cases.index(row.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": choice.label,
            "choice": choice,
            "form": form,
            "rows": [(row, state_badge(row.state)) for row in rows],
            "back": _queue(),
        }
        return TemplateResponse(request, "desk/bulk/form.html", context, status=status)

    def _run_page(self, request: HttpRequest, run: BulkRun, status: int = 200) -> HttpResponse:
        rows = _rows(run)
        counted = Counter(_outcome(run, row) for row in rows)
        refused = [row.request_id for row in rows if _outcome(run, row) == BulkOutcome.REFUSED]
        is_mine = run.by_id == request.user.pk
        is_looking = run.confirmed_at is None and len(rows) < run.ticked
        context = {
            **self.admin_site.each_context(request),
            "title": run.get_move_display(),
            "run": run,
            "badge": look_badge(BULK_RUNS["looking"]) if is_looking else status_badge(run),
            "is_looking": is_looking,
            "is_going_on": is_looking or bool(run.confirmed_at and not run.finished_at),
            "choice": CHOICES[run.move],
            "said": _said(run),
            "lines": [_line(run, row) for row in rows],
            "totals": _totals(run, rows),
            "to_do": run.ticked - counted[BulkOutcome.REFUSED],
            "over": len(rows) - counted[""],
            "counted": counted,
            "refused_count": len(refused),
            "again": form_address(run.move, refused) + f"&as={run.pk}" if refused and is_mine else "",
            "change": form_address(run.move, run.cases) + f"&as={run.pk}",
            "is_mine": is_mine,
            "back": _queue(),
        }
        whole = "HX-Request" not in request.headers
        template = "desk/bulk/run.html" if whole else "desk/bulk/results.html"
        return TemplateResponse(request, template, context, status=status)

    @admin.display(description=gettext_lazy("move"))
    def run(self, row: BulkRun) -> str:
        return f"{row.get_move_display()} · {row.pk}"

    @admin.display(description=gettext_lazy("state"))
    def status(self, row: BulkRun) -> str:
        return status_badge(row)


def status_badge(run: BulkRun) -> str:
    state = "looked" if run.confirmed_at is None else "running" if run.finished_at is None else "finished"
    return look_badge(BULK_RUNS[state])


def _rows(run: BulkRun) -> list[BulkRow]:
    """What cannot be done last: first what happens."""
    rows = BulkRow.objects.filter(run=run).select_related(
        "request__order", "request__buyer", "request__seller"
    )
    order = [BulkOutcome.DONE, BulkOutcome.PROPOSED, "", BulkOutcome.REFUSED]
    return sorted(rows.order_by("id"), key=lambda row: order.index(_outcome(run, row)))


def _outcome(run: BulkRun, row: BulkRow) -> str:
    """As foreseen, or as it is; "" while it waits for its turn."""
    return row.foreseen if run.confirmed_at is None else row.outcome


def _line(run: BulkRun, row: BulkRow) -> Line:
    outcome = _outcome(run, row)
    looks = BULK_OUTCOMES if run.confirmed_at else BULK_FORESEEN
    then = state_badge(row.to_state) if row.to_state and outcome != BulkOutcome.REFUSED else ""
    return Line(row, look_badge(looks[outcome]), state_badge(row.state), then)


def _totals(run: BulkRun, rows: Sequence[BulkRow]) -> list[Total]:
    counts: Counter[tuple[str, str]] = Counter()
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows:
        key = (_outcome(run, row), row.request.currency)
        counts[key] += 1
        sums[key] += row.request.amount if row.amount is None else row.amount
    looks = BULK_OUTCOMES if run.confirmed_at else BULK_FORESEEN
    return [
        Total(look_badge(looks[outcome]), currency, count, sums[outcome, currency])
        for (outcome, currency), count in counts.items()
    ]


def _said(run: BulkRun) -> list[tuple[Any, str]]:
    """What was typed, under the form's own words."""
    form = CHOICES[run.move].form(initial=bulk.arguments(run.said))
    return [(field.label, said) for field in form if (said := _shown(field))]


def _shown(field: Any) -> str:
    value = field.initial
    choices = dict(getattr(field.field, "choices", ()))
    if isinstance(value, list):
        return ", ".join(str(choices.get(each, each)) for each in value)
    if hasattr(value, "tzinfo"):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
    return str(choices.get(value, value)) if value else ""


def _csv_line(row: BulkRow) -> list[Any]:
    currency = row.request.currency
    return [
        row.request.number,
        row.get_state_display(),
        row.get_foreseen_display(),
        row.get_outcome_display(),
        "" if row.amount is None else major(row.amount, currency),
        currency,
        row.text,
        timezone.localtime(row.at).strftime("%Y-%m-%d %H:%M:%S") if row.at else "",
    ]


def _page_of(run: BulkRun) -> str:
    return reverse("admin:refunds_bulkrun_change", args=[run.pk])


def _queue() -> str:
    return reverse("admin:refunds_refundrequest_changelist")
