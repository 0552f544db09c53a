"""The books, to be read: each movement with its postings."""

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from marketplace.identity.admin import ReadOnlyAdmin

from .models import Account, Transaction


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("kind", "owner", "currency")
    list_filter = ("kind", "currency")
    ordering = ("kind", "owner", "currency", "id")
    search_exact = ("owner",)
    search_help_text = _("Channel or seller code")
    fields = ("kind", "owner", "currency")


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
