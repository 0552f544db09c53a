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
from django.views.decorators.http import require_POST
from unfold.views import ChangeList

from marketplace.identity.admin import ReadOnlyAdmin
from marketplace.identity.models import User
from marketplace.kernel.templatetags.recourse import money
from refunds.casefile.views import person
from refunds.desk_queries import ASKED_OF, NEEDS_A_PERSON, QUEUES
from refunds.desk_search import WAYS, Hit, find, the_one
from refunds.machine import OPEN
from refunds.models import RefundRequest
from refunds.operations.hold import touch
from refunds.permissions import is_outside, reach

from .bulk_ticks import TicksCases
from .case import case_view
from .casefile import casefile_view
from .evidence import evidence_view
from .file_for_buyer import filing_view, find_order_view
from .holding import claim_next_view, hold_view, next_queue
from .letter import letter_view
from .looks import state_badge, waits_for
from .palette import find_view
from .sensitive import code_view, identity_view
from .sidebar import QUEUE_PARAMETER, chosen_queue, counts, open_queues, shown_count


class QueueFilter(admin.SimpleListFilter):
    """The tabs, as far as the list is concerned; they are drawn by desk/queue_tabs.html, not among the filters."""

    title = _("queue")
    parameter_name = QUEUE_PARAMETER
    template = "desk/nothing.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(queue.key, queue.label) for queue in QUEUES.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RefundRequest]) -> QuerySet[RefundRequest]:
        return queryset.filter(chosen_queue(request).picks(timezone.now(), cast(User, request.user)))


class Cases(ChangeList):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_active_filters = bool(set(self.filter_params) - {QUEUE_PARAMETER})  # a tab is no filter

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        hits = _hits(request, self.query) if self.query else []
        for row in self.result_list:
            row.is_mine = row.holder_id == request.user.pk
            row.found_by = [str(WAYS[hit.way].label) for hit in hits if hit.request_id == row.pk]

    def url_for_result(self, result: RefundRequest) -> str:
        return reverse("admin:refunds_refundrequest_case", args=[result.number])


@admin.register(RefundRequest)
class RefundRequestAdmin(TicksCases, ReadOnlyAdmin):
    list_display = ("case", "goods", "parties", "why", "sum", "status", "deadline", "in_hand")
    list_display_links = ("case",)
    list_filter = (QueueFilter, "state", "reason", "order__goods_type", "channel")
    list_select_related = ("order", "buyer", "seller", "holder")
    list_before_template = "desk/queue_tabs.html"
    list_per_page = 25
    search_exact = ("number",)  # shows the box; find() does the searching
    search_help_text = _(
        "Any number: refund, order, payment, transfer, dispute, ticket, buyer, or the end of a phone"
    )

    def get_urls(self) -> list[URLPattern]:
        letter, find_case = map(self.admin_site.admin_view, (self.letter_piece, self.find_case))
        claim_next, hold = (
            self.admin_site.admin_view(require_POST(page)) for page in (self.claim_next_page, self.hold_page)
        )
        pages = (
            self.case_page, self.evidence_page, self.casefile_page, self.filing_page, self.code_page,
            self.identity_page,
        )  # fmt: skip
        view, evidence, casefile, filing, code, identity = map(self.admin_site.admin_view, pages)
        return [
            path("find/", find_case, name="refunds_refundrequest_find"),
            path("claim-next/", claim_next, name="refunds_refundrequest_claim_next"),
            path("case/<str:number>/hold/", hold, name="refunds_refundrequest_hold"),
            path("case/<str:number>/", view, name="refunds_refundrequest_case"),
            path("case/<str:number>/letter/", letter, name="refunds_refundrequest_letter"),
            path("case/<str:number>/evidence/", evidence, name="refunds_refundrequest_evidence"),
            path(
                "case/<str:number>/evidence/<int:position>/", identity, name="refunds_refundrequest_identity"
            ),
            path("case/<str:number>/code/", code, name="refunds_refundrequest_code"),
            path("case/<str:number>/file/", casefile, name="refunds_refundrequest_casefile"),
            path("file/<str:no>/", filing, name="refunds_refundrequest_file"),
            *super().get_urls(),
        ]

    def case_page(self, request: HttpRequest, number: str) -> HttpResponse:
        self._at_work(request, number)
        return case_view(self, request, number)

    def letter_piece(self, request: HttpRequest, number: str) -> HttpResponse:
        return letter_view(self, request, number)

    def find_case(self, request: HttpRequest) -> HttpResponse:
        return find_view(self, request)

    def claim_next_page(self, request: HttpRequest) -> HttpResponse:
        return claim_next_view(self, request)

    def hold_page(self, request: HttpRequest, number: str) -> HttpResponse:
        return hold_view(self, request, number)

    def evidence_page(self, request: HttpRequest, number: str) -> HttpResponse:
        self._at_work(request, number)
        return evidence_view(self, request, number)

    def identity_page(self, request: HttpRequest, number: str, position: int) -> HttpResponseBase:
        self._at_work(request, number)
        return identity_view(self, request, number, position)

    def code_page(self, request: HttpRequest, number: str) -> HttpResponseBase:
        self._at_work(request, number)
        return code_view(self, request, number)

    def casefile_page(self, request: HttpRequest, number: str) -> HttpResponseBase:
        self._at_work(request, number)
        return casefile_view(self, request, number)

    def filing_page(self, request: HttpRequest, no: str) -> HttpResponse:
        return filing_view(self, request, no)

    def _at_work(self, request: HttpRequest, number: str) -> None:
        touch(number=number, user=cast(User, request.user), now=timezone.now())

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """An arbiter sees cases, not on whose desk they are."""
        hidden = {"in_hand"} if is_outside(cast(User, request.user)) else set()
        return tuple(column for column in self.list_display if column not in hidden)

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
        if (hit := _meant(request)) and self.has_view_permission(request):
            by = gettext("Found by %(number)s.") % {"number": WAYS[hit.way].label}
            messages.info(request, by)
            return HttpResponseRedirect(reverse("admin:refunds_refundrequest_case", args=[hit.number]))
        chosen, found, user = chosen_queue(request), counts(request), cast(User, request.user)
        context = {
            "title": chosen.label,
            "chosen_queue": chosen,
            "is_narrowed": bool(set(request.GET) - {QUEUE_PARAMETER, "q", "p"}),
            "next_queue": next_queue(chosen, user),
            "queues": [(queue, shown_count(found.get(key, 0))) for key, queue in open_queues(user).items()],
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
        return queryset.filter(pk__in={hit.request_id for hit in _hits(request, search_term)}), False

    @admin.display(description=_("case"))
    def case(self, row: Any) -> SafeString:
        if not row.found_by:
            return format_html('<span class="desk-number">{}</span>', row.number)
        by = gettext("found by %(number)s") % {"number": ", ".join(row.found_by)}
        return format_html(
            '<span class="desk-number">{}</span><small class="desk-found">{}</small>', row.number, by
        )

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
        whom = gettext("Second person") if row.proposer_id else waits_for(row.state, row.asked_of)
        shown = {
            "badge": state_badge(row.state),
            "needs_person": row.needs_person,
            "waits_for": whom if row.state in OPEN else "",
        }
        return render_to_string("desk/state.html", shown)

    @admin.display(description=_("deadline"))
    def deadline(self, row: RefundRequest) -> SafeString:
        return render_to_string("desk/deadline.html", {"due_at": row.due_at})

    @admin.display(description=_("in hand of"))
    def in_hand(self, row: Any) -> SafeString | str:
        if row.is_mine:
            return format_html('<span class="desk-you">{}</span>', gettext("You"))
        return person(row.holder) or gettext("nobody")


def _hits(request: HttpRequest, term: str) -> list[Hit]:
    """Looked for once for a page, whoever asks."""
    if not hasattr(request, "desk_hits"):
        request.desk_hits = find(term, cast(User, request.user))  # type: ignore[attr-defined]
    return cast(list[Hit], request.desk_hits)  # type: ignore[attr-defined]


def _meant(request: HttpRequest) -> Hit | None:
    """The one case a search means, where nothing but a number was asked for."""
    term = request.GET.get("q", "").strip()
    return the_one(_hits(request, term)) if term and set(request.GET) <= {"q", QUEUE_PARAMETER} else None


def _two_lines(first: str, second: str) -> SafeString:
    return format_html(
        '<span class="desk-two"><span class="desk-clip" title="{}">{}</span><small class="desk-clip">{}</small></span>',
        first, first, second,
    )  # fmt: skip
