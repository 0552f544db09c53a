"""Money in and money out, row by row, to be read."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.kernel.templatetags.recourse import money

from .models import Capture, Transfer


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


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = (
        "number", "reference", "state", "sum", "channel", "attempts", "error_code", "created_at", "settled_at",
    )  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("claim__capture",)
    ordering = ("-id",)
    search_exact = ("number", "reference", "channel_refund_no")
    search_help_text = _("Transfer, refund or channel's number")
    fields = (
        "number", "reference", "state", "sum", "channel", "attempts", "next_try_at", "channel_refund_no",
        "error_code", "error_detail", "created_at", "sent_at", "settled_at",
    )  # fmt: skip
    readonly_fields = ("sum", "channel")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Transfer | None:
        rows = Transfer.objects.select_related("claim__capture")
        return rows.filter(pk=object_id).first() if object_id.isdigit() else None

    @admin.display(description=_("amount"))
    def sum(self, transfer: Transfer) -> str:
        return money(transfer.claim.amount, transfer.claim.capture.currency)

    @admin.display(description=_("channel"))
    def channel(self, transfer: Transfer) -> str:
        return transfer.claim.capture.get_channel_display()
