"""Payouts by hand as finance sees them. Each is decided on its transfer's page."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.views import ChangeList

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.kernel.templatetags.recourse import money
from marketplace.payments.models import Payout

from . import looks
from .sidebar import PAYOUT_STATE
from .transfers import payout_badge

STATES = {
    "waiting": Q(decided_by__isnull=True),
    "paid": Q(paid_at__isnull=False),
    "rejected": Q(rejected_at__isnull=False),
}


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = PAYOUT_STATE

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(state, looks.PAYOUTS[state].word) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payout]) -> QuerySet[Payout]:
        return queryset.filter(STATES.get(self.value() or "", Q()))


class Payouts(ChangeList):  # type: ignore[misc]
    def url_for_result(self, result: Payout) -> str:
        return _page_of(result)


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    list_display = (
        "transfer", "sum", "payee_hint", "status", "proposed_by", "proposed_at", "decided_by", "bank_reference",
    )  # fmt: skip
    list_filter = (StateFilter,)
    list_select_related = ("transfer__claim__capture", "proposed_by", "decided_by")
    ordering = ("-id",)
    search_exact = ("transfer__number", "transfer__reference", "bank_reference")
    search_help_text = _("Transfer or refund number, or bank's reference")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payout]:
        rows: QuerySet[Payout] = super().get_queryset(request)
        return rows.defer("sealed_payee")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Payouts

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        payout = Payout.objects.filter(pk=object_id).first() if object_id.isdigit() else None
        if payout is None:
            messages.warning(request, gettext("There is no such payout."))
            return HttpResponseRedirect(reverse("admin:payments_payout_changelist"))
        return HttpResponseRedirect(_page_of(payout))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self.change_view(request, object_id)

    @admin.display(description=_("amount"))
    def sum(self, payout: Payout) -> str:
        return money(*payout.transfer.money)

    @admin.display(description=_("state"))
    def status(self, payout: Payout) -> str:
        return payout_badge(payout)


def _page_of(payout: Payout) -> str:
    return reverse("admin:payments_transfer_change", args=[payout.transfer_id])
