"""What a list shows now as CSV or XLSX, for those who may, and the log of who took what (requirement K5)."""

import io
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any, cast

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.identity.models import ListExport, User
from marketplace.identity.operations.exporting import PERMISSION, note_export
from marketplace.kernel.csvfile import write_csv, write_xlsx

from .lists import LISTS, Shape
from .saved_views import kept_query, list_url, may_open

ROWS_AT_MOST = 50_000  # a spreadsheet takes more, and nobody reads it
CHUNK = 2_000  # rows a cursor of the database hands over at once
IN_MEMORY = 1 << 20  # bytes; a longer file waits on the disk
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def may_export(request: HttpRequest, label: str) -> bool:
    return request.user.has_perm(PERMISSION) and may_open(request, label)


@admin.register(ListExport)
class ListExportAdmin(ReadOnlyAdmin):
    list_display = ("at", "by", "of_list", "query", "form", "rows")
    list_filter = ("form",)
    list_select_related = ("by",)
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.export_view))
        return [path("of/<str:label>/", view, name="identity_listexport_of"), *super().get_urls()]

    def export_view(self, request: HttpRequest, label: str) -> HttpResponseBase:
        """The list of `label` with the filters of this address. The log's row is there before the file leaves."""
        if label not in LISTS:
            raise Http404
        if not may_export(request, label):
            raise PermissionDenied
        form = "xlsx" if request.POST.get("form") == "xlsx" else "csv"
        query = kept_query(request.META.get("QUERY_STRING", ""))
        try:
            rows = _shown(request, label)
        except (IncorrectLookupParameters, DisallowedModelAdminLookup):
            return _back(request, label, "", gettext("The list's filters do not fit. Set them again."))
        if rows.values("pk")[: ROWS_AT_MOST + 1].count() > ROWS_AT_MOST:
            text = gettext(
                "More than %(most)s rows. Narrow the list with filters or a search, and export again."
            )
            return _back(request, label, query, text % {"most": f"{ROWS_AT_MOST:,}"})
        file, count = written(rows, Shape(label), form)
        now = timezone.now()
        note_export(user=cast(User, request.user), list=label, query=query, form=form, rows=count, now=now)
        name = f"{label.partition('.')[2]}-{timezone.localtime(now):%Y%m%d-%H%M%S}.{form}"
        return FileResponse(file, as_attachment=True, filename=name, content_type=TYPES[form])

    @admin.display(description=_("list"))
    def of_list(self, row: ListExport) -> str:
        return str(apps.get_model(row.list)._meta.verbose_name_plural)


def written(rows: QuerySet[Any], shape: Shape, form: str) -> tuple[Any, int]:
    """The file, to be read from its beginning, and its number of lines. Only the declared columns are read."""
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # the response closes it
    count = 0

    def lines() -> Iterator[list[Any]]:
        nonlocal count
        for row in rows.values_list(*shape.paths).iterator(chunk_size=CHUNK):
            count += 1
            yield shape.line(row)

    if form == "xlsx":
        write_xlsx(cast(Any, file), shape.header, lines())
    else:
        text = io.TextIOWrapper(cast(Any, file), encoding="utf-8", newline="", write_through=True)
        write_csv(text, shape.header, lines())
        text.detach()
    file.seek(0)
    return file, count


def _shown(request: HttpRequest, label: str) -> QuerySet[Any]:
    """All that the list shows, of every page, in its order. Raises what an address that does not fit raises."""
    model_admin = admin.site._registry[apps.get_model(label)]
    rows: QuerySet[Any] = model_admin.get_changelist_instance(request).queryset
    return rows


def _back(request: HttpRequest, label: str, query: str, why: str) -> HttpResponseRedirect:
    messages.error(request, why)
    return HttpResponseRedirect(f"{list_url(label)}?{query}")
