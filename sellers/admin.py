"""Sellers, to be read."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from marketplace.identity.admin import ReadOnlyAdmin

from .models import Seller


@admin.register(Seller)
class SellerAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "verified_at", "created_at")
    list_filter = (("verified_at", admin.EmptyFieldListFilter),)
    ordering = ("-id",)
    search_start = ("code",)
    search_exact = ("name",)
    search_help_text = _("Seller's code or full name")
    fields = ("code", "name", "verified_at", "created_at", "people")
    readonly_fields = ("people",)

    @admin.display(description=_("sellers' people"))
    def people(self, seller: Seller) -> str:
        names = seller.members.order_by("id").values_list("user__username", flat=True)
        return ", ".join(names) or "–"
