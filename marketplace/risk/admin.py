"""Standing doubts about buyers: raised and cleared by supervisors and the risk desk, never deleted or rewritten."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplace.identity.admin import ReadOnlyAdmin

from .models import Signal


class ClearForm(forms.ModelForm):  # type: ignore[type-arg]
    is_cleared = forms.BooleanField(
        required=False,
        label=_("Clear this signal"),
        help_text=_("The machine may then approve this buyer's requests again. This cannot be taken back."),
    )

    class Meta:
        model = Signal
        fields: tuple[str, ...] = ()


@admin.register(Signal)
class SignalAdmin(ReadOnlyAdmin):
    list_display = ("buyer", "kind", "note", "raised_by", "raised_at", "cleared_at")
    list_filter = ("kind", ("cleared_at", admin.EmptyFieldListFilter))
    list_select_related = ("buyer", "raised_by")
    ordering = ("-id",)
    search_exact = ("buyer__external_id",)
    search_help_text = _("Buyer id")
    raw_id_fields = ("buyer",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("risk.add_signal"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("risk.change_signal")) and (obj is None or obj.cleared_at is None)

    def get_fields(self, request: HttpRequest, obj: Signal | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("buyer", "kind", "note")
        clear = ("is_cleared",) if self.has_change_permission(request, obj) else ()
        return ("buyer", "kind", "note", "raised_by", "raised_at", "cleared_at", *clear)

    def get_readonly_fields(self, request: HttpRequest, obj: Signal | None = None) -> tuple[str, ...]:
        return ("buyer", "kind", "note", "raised_by", "raised_at", "cleared_at") if obj else ()

    def get_form(
        self, request: HttpRequest, obj: Signal | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if change and self.has_change_permission(request, obj):
            kwargs["form"] = ClearForm
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Signal, form: Any, change: bool) -> None:
        if not change:
            obj.raised_by_id = request.user.pk
        elif form.cleaned_data["is_cleared"]:
            obj.cleared_at = timezone.now()
        super().save_model(request, obj, form, change)
