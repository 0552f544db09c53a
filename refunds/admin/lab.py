"""The policy lab at the desk: a draft tried on decided cases, from its own page, and a page for each run (J6)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.businesstime import SHANGHAI
from refunds import backtests
from refunds.models import BacktestRun, PolicyDraft
from refunds.models.backtests import MAX_SAMPLE
from refunds.operations.backtest import MAY_RUN, cancel_backtest, start_backtest
from refunds.operations.require_tested import best_run

from . import lab_words
from .lab_flips import flips_file, flips_panel
from .looks import BACKTESTS, look_badge
from .record import Fact, RecordAdmin, RecordMove, in_words

MAY_READ = "refunds.view_backtestrun"
MAY_OPEN = "refunds.view_refundrequest"  # a case of the list; policy editors see none
USUAL = timedelta(days=365)
SHOWN = 5  # runs on a draft's page


class BacktestForm(forms.Form):
    """Days of Beijing, both included."""

    since = forms.DateField(
        label=_("Decided from"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("Until and including"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    sample = forms.IntegerField(
        label=_("A sample of so many cases"),
        help_text=_("Empty: all of them."),
        required=False,
        min_value=1,
        max_value=MAX_SAMPLE,
    )
    seed = forms.IntegerField(
        label=_("Draw of the sample"),
        help_text=_("The same number draws the same cases."),
        initial=1,
        min_value=0,
        max_value=2**31 - 1,
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and until and until < since:
            self.add_error("until", gettext("%(until)s lies before %(since)s: choose a later day.") % data)
        return data


def _start(row: PolicyDraft, user: User, data: Mapping[str, Any], now: datetime) -> None:
    start_backtest(
        draft_id=row.pk,
        user=user,
        since=_midnight(data["since"]),
        until=_midnight(data["until"] + timedelta(days=1)),
        sample=data["sample"],
        seed=data["seed"],
        now=now,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, SHANGHAI)


def _cancel(row: BacktestRun, user: User, data: Mapping[str, Any], now: datetime) -> None:
    cancel_backtest(run_id=row.pk, user=user, now=now)


BACKTEST = RecordMove(
    _("Back-test it"),
    _("Decides cases of these goods anew by the terms as they are saved, and says what would have ended otherwise."),
    "science", "calm", BacktestForm, _start, _("Asked for. It is done in the background; the page follows it."),
)  # fmt: skip
CANCEL = RecordMove(
    _("Cancel it"), _("What it has found so far is not shown. It can be asked for again."),
    "stop_circle", "bad", forms.Form, _cancel, _("Cancelled."),
)  # fmt: skip


def backtest_moves(user: User, draft: PolicyDraft) -> dict[str, RecordMove]:
    """The move of a draft's page that asks for a run, for those who may, while none is on."""
    if not draft.is_open or not user.has_perm(MAY_RUN):
        return {}
    if draft.backtests.filter(state__in=BacktestRun.OPEN).exists():
        return {}
    today = timezone.now().astimezone(SHANGHAI).date()
    usual = {"since": today - USUAL, "until": today, "seed": 1}
    return {"backtest": BACKTEST._replace(form=partial(BacktestForm, initial=usual))}


def lab_panel(user: User, draft: PolicyDraft) -> str:
    """What a draft's page says of its back-tests; "" to those who may not read them."""
    if not user.has_perm(MAY_READ):
        return ""
    runs = list(draft.backtests.select_related("by").order_by("-id")[:SHOWN])
    context = {
        "runs": [(run, look_badge(BACKTESTS[run.state]), _url(run), lab_words.headline(run)) for run in runs],
        "on": next((_progress(run) for run in runs if run.is_open), None),
        "gate": lab_words.gate(draft, best_run(draft)) if draft.is_open else "",
    }
    return render_to_string("desk/policies/lab.html", context)


def _url(run: BacktestRun) -> str:
    return reverse("admin:refunds_backtestrun_change", args=[run.pk])


def _progress(run: BacktestRun) -> dict[str, Any]:
    return {
        "run": run,
        "done": backtests.judged(run),
        "before": backtests.waiting_before(run),
        "url": reverse("admin:refunds_backtestrun_progress", args=[run.pk]),
    }


@admin.register(BacktestRun)
class BacktestRunAdmin(RecordAdmin):
    list_display = ("__str__", "draft", "status", "queued_at", "by", "cases", "flipped")
    list_filter = ("goods_type", "state")
    list_select_related = ("draft", "by")
    change_list_template = "desk/clocks/list.html"
    ordering = ("-id",)
    icon = "science"
    about = _("Drafts of the rules tried on decided cases: what would have ended otherwise, and for whom.")
    empty = _("No draft has been tried yet.")
    empty_hint = _("Open a draft of the policies and choose “Back-test it”.")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:run_id>/progress/", view(self.progress_view), name="refunds_backtestrun_progress"),
            path("<int:run_id>/flips.csv", view(self.flips_view), name="refunds_backtestrun_flips"),
            *super().get_urls(),
        ]

    def headline(self, row: BacktestRun) -> str:
        return gettext("Back-test %(number)s: %(goods)s") % {
            "number": row.pk,
            "goods": row.get_goods_type_display(),
        }

    def badge(self, row: BacktestRun) -> str:
        return look_badge(BACKTESTS[row.state])

    def facts(self, request: HttpRequest, row: BacktestRun) -> list[Fact]:
        found = [
            Fact(_("Draft"), render_to_string("desk/policies/lab_draft.html", {"draft": row.draft})),
            Fact(_("Cases decided"), lab_words.days_of(row)),
            Fact(_("Drawn"), lab_words.drawn(row)),
            Fact(_("Terms"), lab_words.terms_of(row)),
            Fact(_("Asked for"), f"{row.by}, {in_words(row.queued_at)}"),
            Fact(_("Started"), in_words(row.started_at)),
            Fact(_("Finished"), in_words(row.finished_at)),
            Fact(_("What went wrong"), row.error),
        ]
        return [fact for fact in found if fact.value]

    def moves(self, request: HttpRequest, row: BacktestRun) -> Mapping[str, RecordMove]:
        return {"cancel": CANCEL} if row.is_open and request.user.has_perm(MAY_RUN) else {}

    def panels(self, request: HttpRequest, row: BacktestRun) -> Sequence[str]:
        if row.is_open:
            return [render_to_string("desk/policies/lab_progress.html", _progress(row))]
        if row.state != BacktestRun.State.DONE:
            return []
        found = render_to_string("desk/policies/lab_result.html", lab_words.result(row))
        return [found, flips_panel(row, request.GET, opens=request.user.has_perm(MAY_OPEN))]

    def _page(self, request: HttpRequest, row: Any, **tried: Any) -> HttpResponse:
        page: Any = super()._page(request, row, **tried)
        page.template_name = "desk/policies/lab_run.html"
        page.context_data["back"] = reverse("admin:refunds_policydraft_change", args=[row.draft_id])
        page.context_data["said"] = lab_words.headline(row)
        return cast(HttpResponse, page)

    def progress_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """The bar alone, asked for every second; once the run is over the page is read anew."""
        run = self._readable(request, run_id)
        if not run.is_open:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "desk/policies/lab_progress.html", _progress(run))

    def flips_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        run = self._readable(request, run_id)
        if run.state != BacktestRun.State.DONE:
            raise Http404
        return flips_file(run, request.GET)

    def _readable(self, request: HttpRequest, run_id: int) -> BacktestRun:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(BacktestRun, pk=run_id)

    @admin.display(description=_("state"))
    def status(self, row: BacktestRun) -> str:
        return self.badge(row)
