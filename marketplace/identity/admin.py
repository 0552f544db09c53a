"""What every page of the desk stands on, and the log of what is done at it."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin

from .desk.audit import audit_page
from .models import AuditEntry

COUNT_CAP = 1000


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts to COUNT_CAP and no further, so that a list opens as fast over ten million rows as over ten.

    What lies beyond is reached by searching and filtering.
    """

    template_name = "desk/pagination.html"

    @cached_property
    def count(self) -> int:
        return min(self._found, COUNT_CAP)

    @property
    def is_capped(self) -> bool:
        return self._found > COUNT_CAP

    @cached_property
    def _found(self) -> int:
        if isinstance(self.object_list, QuerySet):
            return self.object_list.values("pk")[: COUNT_CAP + 1].count()
        return len(self.object_list[: COUNT_CAP + 1])


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows to look at. Changes are made by operations, never by a form over a table."""

    actions = None
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    list_fullwidth = True
    sortable_by = ()  # the order is the one an index serves
    search_exact: tuple[str, ...] = ()
    search_start: tuple[str, ...] = ()  # found by how they begin; these have a pattern index

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.search_exact, *self.search_start)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Whole numbers and beginnings only: a search for a part of a number would read the whole table."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q()
        for field in self.search_exact:
            wanted |= Q(**{f"{field}__in": {term, term.upper()}})
        for field in self.search_start:
            wanted |= Q(**{f"{field}__startswith": term}) | Q(**{f"{field}__startswith": term.upper()})
        return queryset.filter(wanted), False


# Roles stand in code (roles.py); groups would suggest otherwise.
admin.site.unregister(Group)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """One page in place of a list."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.log_view)
        return [path("", view, name="identity_auditentry_changelist")]

    def log_view(self, request: HttpRequest) -> HttpResponse:
        return audit_page(self, request)
