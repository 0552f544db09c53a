"""Orders and shops as they came in, to be read. Card codes, even sealed, are never loaded here."""

import json

from django.contrib import admin
from django.db.models import Prefetch
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.kernel.templatetags.recourse import money

from .models import Order, Shop, UnitEvent


@admin.register(Shop)
class ShopAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "created_at")
    ordering = ("code", "id")
    search_start = ("code",)
    fields = ("code", "name", "created_at")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("no", "external_no", "shown_title", "goods_type", "price", "buyer", "seller", "paid_at")
    list_filter = ("goods_type", "shop")
    list_select_related = ("buyer", "seller")
    ordering = ("-id",)
    search_exact = ("no", "external_no")
    search_help_text = _("Order number, ours or the shop's")
    fieldsets = (
        (None, {"fields": (("no", "external_no"), ("shop", "region"), ("buyer", "seller"))}),
        (
            _("Goods"),
            {"fields": ("shown_title", ("goods_type", "quantity"), ("price", "fx_rate"), "target_as_given")},
        ),
        (_("As shown at purchase"), {"fields": ("page", "terms", "consent_as_given")}),
        (_("Times"), {"fields": (("placed_at", "paid_at"), ("completed_at", "taken_at"))}),
        (_("Payments and units"), {"fields": ("payments", "units_with_events")}),
    )
    readonly_fields = (
        "shown_title", "price", "target_as_given", "page", "terms", "consent_as_given", "payments", "units_with_events",
    )  # fmt: skip

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Order | None:
        return (
            Order.objects.select_related("buyer", "seller", "shop", "product").filter(pk=object_id).first()
            if object_id.isdigit()
            else None
        )

    @admin.display(description=_("title"))
    def shown_title(self, order: Order) -> str:
        return order.title

    @admin.display(description=_("total"))
    def price(self, order: Order) -> str:
        return money(order.total, order.currency)

    @admin.display(description=_("product page"))
    def page(self, order: Order) -> SafeString:
        return format_html('<div class="desk-page">{}</div>', order.snapshot.get("page_text") or "–")

    @admin.display(description=_("terms"))
    def terms(self, order: Order) -> str:
        return _json(order.snapshot.get("terms"))

    @admin.display(description=_("target"))
    def target_as_given(self, order: Order) -> str:
        return _json(order.target)

    @admin.display(description=_("consent to immediate delivery"))
    def consent_as_given(self, order: Order) -> str:
        return _json(order.consent)

    @admin.display(description=_("payments"))
    def payments(self, order: Order) -> SafeString:
        return render_to_string(
            "desk/order_payments.html", {"captures": order.captures.order_by("captured_at", "id")}
        )

    @admin.display(description=_("units"))
    def units_with_events(self, order: Order) -> SafeString:
        units = order.units.defer("sealed_secret", "secret_fingerprint").order_by("id")
        events = Prefetch("events", UnitEvent.objects.order_by("at", "id"))
        return render_to_string(
            "desk/order_units.html", {"units": units.prefetch_related(events), "order": order}
        )


def _json(value: object) -> str:
    if not value:
        return "–"
    return format_html('<pre class="desk-json">{}</pre>', json.dumps(value, ensure_ascii=False, indent=2))
