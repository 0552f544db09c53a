"""The queues: open work, the nearest deadline first (requirement K1)."""

from collections.abc import Iterable
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.views import ChangeList

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.identity.models import User
from marketplace.kernel.templatetags.recourse import money
from refunds.desk_queries import ASKED_OF, NEEDS_A_PERSON, QUEUES, find
from refunds.models import RefundRequest
from refunds.permissions import is_outside, reach

from .bulk_ticks import TicksCases
from .case import case_view
from .casefile import casefile_view
from .evidence import evidence_view
from .file_for_buyer import filing_view, find_order_view
from .looks import state_badge, waits_for
from .sidebar import FOR_ARBITERS, QUEUE_PARAMETER, chosen_queue, counts, shown_count


class QueueFilter(admin.SimpleListFilter):
    """The tabs, as far as the list is concerned; they are drawn by desk/queue_tabs.html, not among the filters."""

    title = _("queue")
    parameter_name = QUEUE_PARAMETER
    template = "desk/nothing.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(queue.key, queue.label) for queue in QUEUES.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RefundRequest]) -> QuerySet[RefundRequest]:
        return queryset.filter(chosen_queue(request).picks(timezone.now()))


class Cases(ChangeList):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_active_filters = bool(set(self.filter_params) - {QUEUE_PARAMETER})  # a tab is no filter

    def url_for_result(self, result: RefundRequest) -> str:
        return reverse("admin:refunds_refundrequest_case", args=[result.number])


@admin.register(RefundRequest)
class RefundRequestAdmin(TicksCases, ReadOnlyAdmin):
    list_display = ("case", "goods", "parties", "why", "sum", "status", "waits_for", "deadline")
    list_display_links = ("case",)
    list_filter = (QueueFilter, "state", "reason", "order__goods_type", "channel")
    list_select_related = ("order", "buyer", "seller")
    list_before_template = "desk/queue_tabs.html"
    list_per_page = 25
    search_exact = ("number",)  # shows the box; find() does the searching
    search_help_text = _("Refund, order, payment or transfer number")

    def get_urls(self) -> list[URLPattern]:
        pages = (self.case_page, self.evidence_page, self.casefile_page, self.filing_page)
        view, evidence, casefile, filing = map(self.admin_site.admin_view, pages)
        return [
            path("case/<str:number>/", view, name="refunds_refundrequest_case"),
            path("case/<str:number>/evidence/", evidence, name="refunds_refundrequest_evidence"),
            path("case/<str:number>/file/", casefile, name="refunds_refundrequest_casefile"),
            path("file/<str:no>/", filing, name="refunds_refundrequest_file"),
            *super().get_urls(),
        ]

    def case_page(self, request: HttpRequest, number: str) -> HttpResponse:
        return case_view(self, request, number)

    def evidence_page(self, request: HttpRequest, number: str) -> HttpResponse:
        return evidence_view(self, request, number)

    def casefile_page(self, request: HttpRequest, number: str) -> HttpResponseBase:
        return casefile_view(self, request, number)

    def filing_page(self, request: HttpRequest, no: str) -> HttpResponse:
        return filing_view(self, request, no)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("refunds.add_refundrequest"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A request is filed for a buyer's order: it begins with the order's number."""
        return find_order_view(self, request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The case page takes the place of the form over a row: operations open their own transaction."""
        return self._to_case(request, object_id)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self._to_case(request, object_id)

    def _to_case(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):  # where it leads to names the case
            raise PermissionDenied
        number = (
            self.get_queryset(request).filter(pk=object_id).values_list("number", flat=True).first()
            if object_id.isdigit()
            else None
        )
        if number is None:
            messages.warning(request, gettext("There is no such request."))
            return HttpResponseRedirect(reverse("admin:refunds_refundrequest_changelist"))
        return HttpResponseRedirect(reverse("admin:refunds_refundrequest_case", args=[number]))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Cases

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        chosen = chosen_queue(request)
        found = counts(request)
        context = {
            "title": chosen.label,
            "chosen_queue": chosen,
            "is_narrowed": bool(set(request.GET) - {QUEUE_PARAMETER, "q", "p"}),
            "queues": [
                (queue, shown_count(found.get(queue.key, 0)))
                for queue in QUEUES.values()
                if queue.key in FOR_ARBITERS or not is_outside(cast(User, request.user))
            ],
            **(extra_context or {}),
        }
        answer: HttpResponse = super().changelist_view(request, context)
        return answer

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefundRequest]:
        rows: QuerySet[RefundRequest] = super().get_queryset(request)
        rows = rows.filter(reach(cast(User, request.user)))
        return rows.annotate(needs_person=NEEDS_A_PERSON, asked_of=ASKED_OF).defer("description", "details")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return chosen_queue(request).order

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RefundRequest], search_term: str
    ) -> tuple[QuerySet[RefundRequest], bool]:
        if not search_term.strip():
            return queryset, False
        return queryset & find(search_term), False

    @admin.display(description=_("case"))
    def case(self, row: RefundRequest) -> SafeString:
        return format_html('<span class="desk-number">{}</span>', row.number)

    @admin.display(description=_("goods"))
    def goods(self, row: RefundRequest) -> SafeString:
        return _two_lines(row.order.title, row.order.get_goods_type_display())

    @admin.display(description=_("buyer and seller"))
    def parties(self, row: RefundRequest) -> SafeString:
        return _two_lines(str(row.buyer), str(row.seller))

    @admin.display(description=_("reason"))
    def why(self, row: RefundRequest) -> str:
        return row.get_reason_display()

    @admin.display(description=_("amount"))
    def sum(self, row: RefundRequest) -> SafeString:
        return format_html('<span class="desk-money">{}</span>', money(row.amount, row.currency))

    @admin.display(description=_("state"))
    def status(self, row: Any) -> SafeString:
        return render_to_string(
            "desk/state.html", {"badge": state_badge(row.state), "needs_person": row.needs_person}
        )

    @admin.display(description=_("waits for"))
    def waits_for(self, row: Any) -> str:
        return str(waits_for(row.state, row.asked_of))

    @admin.display(description=_("deadline"))
    def deadline(self, row: RefundRequest) -> SafeString:
        return render_to_string("desk/deadline.html", {"due_at": row.due_at})


def _two_lines(first: str, second: str) -> SafeString:
    return format_html(
        '<span class="desk-two"><span class="desk-clip" title="{}">{}</span><small class="desk-clip">{}</small></span>',
        first, first, second,
    )  # fmt: skip
