"""Two pages of the desk over the books: the trial balance, and an account's statement; each as a file too."""

from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.kernel.csvfile import csv_file
from marketplace.kernel.money import major

from .models import Account, Kind
from .queries import statement, trial_balance

ROWS_SHOWN = 500  # the file has them all
STATEMENT_DAYS = 30
INSTANT = "%Y-%m-%dT%H:%M:%S"


def _instant(label: Any) -> forms.DateTimeField:
    """To the second, in business time."""
    widget = forms.DateTimeInput({"type": "datetime-local", "step": 1}, format=INSTANT)
    return forms.DateTimeField(label=label, widget=widget)


class AsOf(forms.Form):
    at = _instant(gettext_lazy("As of"))
    owner = forms.CharField(
        label=gettext_lazy("Owner"), required=False, max_length=64,
        widget=forms.TextInput({"placeholder": gettext_lazy("All")}),
    )  # fmt: skip


class Between(forms.Form):
    since = _instant(gettext_lazy("From"))
    until = _instant(gettext_lazy("Before"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("since") and cleaned.get("until") and cleaned["since"] > cleaned["until"]:
            self.add_error("until", _("This lies before the other."))
        return cleaned


def trial_balance_page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Every account as of an instant; each currency sums to zero where no owner narrows it."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    form = AsOf(request.GET if "at" in request.GET else None, initial={"at": timezone.now()})
    chosen = _chosen(form)
    rows = trial_balance(chosen["at"], owner=chosen.get("owner") or None) if chosen else []
    if "csv" in request.GET and chosen:
        header = [_("Currency"), _("Ledger account"), _("Owner"), _("Balance")]
        lines = ([r.currency, Kind(r.kind).label, r.owner, major(r.balance, r.currency)] for r in rows)
        return csv_file(f"trial-balance-{timezone.localtime(chosen['at']):%Y%m%d-%H%M%S}.csv", header, lines)
    sums = [
        (currency, sum(row.balance for row in group))
        for currency, group in groupby(rows, key=lambda row: row.currency)
    ]
    context = {
        "title": _("Trial balance"),
        "rows": [(Kind(row.kind).label, row) for row in rows[:ROWS_SHOWN]],
        "sums": sums,
        "has_more": len(rows) > ROWS_SHOWN,
        "is_whole": bool(chosen and not chosen.get("owner")),
    }
    return _page(model_admin, request, "desk/ledger/trial_balance.html", form, context)


def statement_page(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """One account's movements, each with the balance it led to."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    account = Account.objects.filter(pk=pk).first()
    if account is None:
        raise Http404
    now = timezone.now()
    usual = {"since": now - timedelta(days=STATEMENT_DAYS), "until": now}
    form = Between(request.GET if "since" in request.GET else None, initial=usual)
    chosen = _chosen(form)
    of = (account.kind, account.owner, account.currency)
    if "csv" in request.GET and chosen:
        header = [_("Time"), _("Reference"), _("Movement"), _("Amount"), _("Balance"), _("Currency")]
        lines = (
            [_shown(line.at), line.reference, line.recipe, major(line.amount, account.currency),
             major(line.balance, account.currency), account.currency]
            for line in statement(*of, **chosen)
        )  # fmt: skip
        return csv_file(f"statement-{account.pk}.csv", header, lines)
    found = list(statement(*of, **chosen, limit=ROWS_SHOWN + 1)) if chosen else []
    context = {
        "title": _("Statement: %(account)s")
        % {"account": f"{account.get_kind_display()} · {account.owner} · {account.currency}"},
        "account": account,
        "lines": list(islice(found, ROWS_SHOWN)),
        "has_more": len(found) > ROWS_SHOWN,
    }
    return _page(model_admin, request, "desk/ledger/statement.html", form, context)


def _chosen(form: forms.Form) -> dict[str, Any] | None:
    """What was asked for, the usual where nothing was, nothing where it makes no sense."""
    if not form.is_bound:
        return dict(form.initial)
    return form.cleaned_data if form.is_valid() else None


def _page(
    model_admin: Any, request: HttpRequest, template: str, form: forms.Form, context: dict[str, Any]
) -> HttpResponse:
    whole = {
        **model_admin.admin_site.each_context(request),
        "form": form,
        "back": reverse("admin:ledger_account_changelist"),
        **context,
    }
    return TemplateResponse(request, template, whole, status=422 if form.errors else 200)


def _shown(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")
