"""Files that a supervisor brings in: upload, what is in them, confirm, progress, and the rows that did not go in."""

import csv
import io
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.identity.models import User
from marketplace.kernel.csvfile import csv_file
from marketplace.kernel.errors import Refusal
from refunds import desk_imports, importing, importing_days
from refunds.models import FileImport, ImportKind

from .looks import IMPORTS, look_badge

SHOWN = 50  # bad rows on the page; the file has them all
COLUMNS = {ImportKind.REQUESTS: importing.COLUMNS, ImportKind.DAYS: importing_days.COLUMNS}


class UploadForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("What it holds"), choices=ImportKind.choices)
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV with a header row, UTF-8 or GB18030, at most 2 MB."),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.jsonl,.txt"}),
    )


@admin.register(FileImport)
class FileImportAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "status", "good", "bad", "uploaded_at")
    list_filter = ("kind",)
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        bad = self.admin_site.admin_view(self.bad_rows_view)
        return [path("<int:pk>/bad-rows.csv", bad, name="refunds_fileimport_bad_rows"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[FileImport]:
        """Their own: a file holds what people wrote."""
        rows: QuerySet[FileImport] = super().get_queryset(request)
        return rows.filter(by=cast(User, request.user)).defer("body")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("refunds.add_fileimport"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._form_page(request, UploadForm())
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._form_page(request, form, status=422)
        file = form.cleaned_data["file"]
        try:
            row = desk_imports.upload(
                user=cast(User, request.user), kind=form.cleaned_data["kind"], name=file.name,
                body=file.read(desk_imports.BYTES_AT_MOST + 1), language=get_language() or "", now=timezone.now(),
            )  # fmt: skip
        except Refusal as refusal:
            form.add_error("file", str(refusal.detail))
            return self._form_page(request, form, status=refusal.status)
        return HttpResponseRedirect(_page_of(row))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_queryset(request).filter(pk=object_id).first() if object_id.isdigit() else None
        if row is None:
            messages.warning(request, _("There is no such row."))
            return HttpResponseRedirect(reverse("admin:refunds_fileimport_changelist"))
        if request.method == "POST":
            try:
                desk_imports.confirm(user=cast(User, request.user), import_id=row.pk, now=timezone.now())
            except Refusal as refusal:
                messages.error(request, str(refusal.detail))
                return self._page(request, row, status=refusal.status)
            return HttpResponseRedirect(_page_of(row))
        return self._page(request, row)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:refunds_fileimport_change", args=[object_id]))

    def bad_rows_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self.get_queryset(request).filter(pk=pk).first() if self.has_view_permission(request) else None
        if row is None:
            raise PermissionDenied
        header, *lines = list(csv.reader(io.StringIO(row.bad_rows))) or [[]]
        return csv_file(f"bad-rows-{row.pk}.csv", header, lines)

    def _form_page(self, request: HttpRequest, form: UploadForm, status: int = 200) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Bring in a file"),
            "form": form,
            "columns": [(kind.label, ", ".join(columns)) for kind, columns in COLUMNS.items()],
            "back": reverse("admin:refunds_fileimport_changelist"),
        }
        return TemplateResponse(request, "desk/imports/form.html", context, status=status)

    def _page(self, request: HttpRequest, row: FileImport, status: int = 200) -> HttpResponse:
        lines = csv.DictReader(io.StringIO(row.bad_rows))
        state = _state(row)
        context = {
            **self.admin_site.each_context(request),
            "title": row.name,
            "row": row,
            "badge": look_badge(IMPORTS[state]),
            "is_running": state in ("looking", "running"),
            "bad_rows": [line for _number, line in zip(range(SHOWN), lines, strict=False)],
            "back": reverse("admin:refunds_fileimport_changelist"),
        }
        whole = "HX-Request" not in request.headers
        template = "desk/imports/page.html" if whole else "desk/imports/found.html"
        return TemplateResponse(request, template, context, status=status)

    @admin.display(description=gettext_lazy("state"))
    def status(self, row: FileImport) -> str:
        return look_badge(IMPORTS[_state(row)])


def _state(row: FileImport) -> str:
    if row.finished_at:
        return "finished"
    if row.confirmed_at:
        return "running"
    return "unreadable" if row.fault else "looked" if row.checked_at else "looking"


def _page_of(row: FileImport) -> str:
    return reverse("admin:refunds_fileimport_change", args=[row.pk])
