"""Money in, row by row, to be read. Money out is worked on, at the desk (refunds/admin/transfers.py)."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.kernel.templatetags.recourse import money

from .models import Capture


@admin.register(Capture)
class CaptureAdmin(ReadOnlyAdmin):
    list_display = ("channel_no", "channel", "order", "taken", "spoken_for", "captured_at")
    list_filter = ("channel", "currency")
    list_select_related = ("order",)
    ordering = ("-id",)
    search_exact = ("channel_no", "order__no", "order__external_no")
    search_help_text = _("Channel's number or order number")
    fields = ("order", "merchant", "channel", "channel_no", "taken", "spoken_for", "captured_at")
    readonly_fields = ("taken", "spoken_for")

    @admin.display(description=_("amount"))
    def taken(self, capture: Capture) -> str:
        return money(capture.amount, capture.currency)

    @admin.display(description=_("claimed"))
    def spoken_for(self, capture: Capture) -> str:
        return money(capture.claimed, capture.currency)
