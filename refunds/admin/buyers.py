"""Buyers, to be read, and the one thing staff record of them: that their identity is verified (requirement B9)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import Buyer, User
from refunds.operations.identity import MAY_VERIFY, verify_identity
from refunds.operations.money_desk import MAX_WHY

from .looks import Look, look_badge
from .record import Fact, RecordAdmin, RecordMove

VERIFIED = Look("verified_user", "good", _("Identity verified"))


class SeenForm(forms.Form):
    note = forms.CharField(
        label=_("What was seen"),
        help_text=_("The kind of document and how it was checked. Never its number."),
        required=False,
        max_length=MAX_WHY,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def _verify(buyer: Buyer, user: User, data: Mapping[str, Any], now: datetime) -> object:
    return verify_identity(buyer_id=buyer.pk, note=data["note"], user=user, now=now)


VERIFY = RecordMove(
    _("Verify the identity"), _("Money that waits for it goes out at once. This cannot be taken back."),
    "verified_user", "good", SeenForm, _verify, _("Verified. What waited for it is being paid."),
    needs_step_up=True,
)  # fmt: skip


@admin.register(Buyer)
class BuyerAdmin(RecordAdmin):
    list_display = ("external_id", "source", "region", "email", "phone", "identity_verified_at", "created_at")
    list_filter = ("region",)
    ordering = ("-id",)
    search_exact = ("external_id", "email", "phone")
    search_help_text = _("Buyer id, email or phone")

    def badge(self, row: Buyer) -> str:
        return look_badge(VERIFIED) if row.identity_verified_at else ""

    def facts(self, request: HttpRequest, row: Buyer) -> Sequence[Fact]:
        return [
            Fact(_("Shop"), row.source),
            Fact(_("Buyer id"), row.external_id),
            Fact(_("Region"), row.region),
            Fact(_("Email"), row.email),
            Fact(_("Phone"), row.phone),
            Fact(_("Device"), row.device),
            Fact(_("IP address"), row.ip),
            Fact(_("First seen"), _time(row.created_at)),
            Fact(_("Identity verified"), _time(row.identity_verified_at)),
            Fact(_("Verified by"), _verified_by(row)),
        ]

    def moves(self, request: HttpRequest, row: Buyer) -> Mapping[str, RecordMove]:
        may = row.identity_verified_at is None and request.user.has_perm(MAY_VERIFY)
        return {"verify": VERIFY} if may else {}


def _verified_by(buyer: Buyer) -> str:
    """Who, and what they saw; "" for one whose shop, or nobody, vouched."""
    kind = ContentType.objects.get_for_model(Buyer)
    rows = LogEntry.objects.filter(content_type=kind, object_id=str(buyer.pk)).select_related("user")
    entry = rows.order_by("-id").first()
    return f"{entry.user}: {entry.change_message}" if entry else ""


def _time(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""
