"""The books, to be read: each movement with its postings, the accounts, and both as of any instant that is past."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.kernel.templatetags.recourse import money

from .models import Account, Posting, Transaction
from .pages import statement_page, trial_balance_page

# Of an account that keeps no balance; worked out for the rows a page shows.
_SUMMED = Subquery(
    Posting.objects.filter(account=OuterRef("pk"))
    .order_by()
    .values("account")
    .annotate(total=Sum("amount"))
    .values("total")
)


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("kind", "owner", "currency", "comes_to")
    list_filter = ("kind", "currency")
    list_before_template = "desk/ledger/links.html"
    ordering = ("kind", "owner", "currency", "id")
    search_exact = ("owner",)
    search_help_text = _("Channel or seller code")
    fields = ("kind", "owner", "currency", "comes_to", "movements")
    readonly_fields = ("comes_to", "movements")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("trial-balance/", view(self.trial_balance), name="ledger_account_trial_balance"),
            path("<int:pk>/statement/", view(self.statement), name="ledger_account_statement"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        rows: QuerySet[Account] = super().get_queryset(request)
        return rows.annotate(total=Coalesce("balance", _SUMMED, 0))

    def trial_balance(self, request: HttpRequest) -> HttpResponse:
        return trial_balance_page(self, request)

    def statement(self, request: HttpRequest, pk: int) -> HttpResponse:
        return statement_page(self, request, pk)

    @admin.display(description=_("balance"))
    def comes_to(self, account: Any) -> str:
        return money(account.total, account.currency)

    @admin.display(description=_("movements"))
    def movements(self, account: Account) -> SafeString:
        url = reverse("admin:ledger_account_statement", args=[account.pk])
        return format_html('<a class="desk-number" href="{}">{}</a>', url, _("Statement"))


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    list_display = ("reference", "recipe", "occurred_at", "recorded_at")
    ordering = ("-id",)
    search_start = ("reference",)
    search_help_text = _("Reference, such as refund:RT…")
    fields = ("reference", "recipe", "occurred_at", "recorded_at", "postings_in_balance")
    readonly_fields = ("postings_in_balance",)

    @admin.display(description=_("postings"))
    def postings_in_balance(self, transaction: Transaction) -> SafeString:
        postings = transaction.postings.select_related("account").order_by("id")
        return render_to_string("desk/postings.html", {"postings": postings})
