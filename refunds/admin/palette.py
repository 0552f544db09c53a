"""The command palette: a case by any of its numbers, the queues and pages this person may open, what this page offers.

The pages stand in every page of the desk (templates/unfold/helpers/command.html); static/desk/palette.js searches them
where they are, and asks for numbers here.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from marketplace.identity.models import User
from marketplace.kernel.templatetags.recourse import money
from refunds.desk_search import ENDS_FROM, WAYS, find
from refunds.machine import State
from refunds.models import RefundRequest

from .shortcuts import EVERYWHERE
from .sidebar import navigation, open_queues, queue_url

SHOWN = 8
LANGUAGES = ("zh-hans", "en")


class Item(NamedTuple):
    title: str
    group: str
    icon: str
    link: str
    words: str  # its title in both languages, which is what is searched


def site_context(request: HttpRequest) -> dict[str, Any]:
    """On every page of the desk. Colours come from desk/theme.css: as an inline style they would need a looser content
    security policy. The pages are gathered where the template asks for them, not for a sign-in page.
    """
    return {"colors": None, "palette": lambda: list(items(request)), "everywhere": EVERYWHERE}


def items(request: HttpRequest) -> Iterator[Item]:
    """Queues first, then the pages of the side bar: of both those alone that this person may open."""
    sees_cases = request.user.has_perm("refunds.view_refundrequest")
    mine = open_queues(cast(User, request.user)) if sees_cases else {}
    queues = {queue_url(key): queue for key, queue in mine.items()}
    for link, queue in queues.items():
        yield Item(str(queue.label), _("Queue"), queue.icon, link, _in_both(queue.label))
    for group in navigation(request):
        for item in group["items"]:
            if item["link"] not in queues:
                title = item["title"]
                yield Item(str(title), str(group["title"]), item["icon"], item["link"], _in_both(title))


def _in_both(title: object) -> str:
    words = []
    for language in LANGUAGES:
        with translation.override(language):
            words.append(str(title))
    return " ".join(words)


def find_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Cases by any of their numbers, as JSON, with the kind of number; of those within this person's reach."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    term = request.GET.get("q", "").strip()
    if len(term) < ENDS_FROM:
        return JsonResponse({"cases": []})
    ways = {hit.request_id: str(WAYS[hit.way].label) for hit in find(term, cast(User, request.user))}
    rows = RefundRequest.objects.filter(pk__in=ways).select_related("order").order_by("-id")[:SHOWN]
    return JsonResponse(
        {
            "cases": [
                {
                    "number": row.number,
                    "title": row.order.title,
                    "state": State(row.state).label,
                    "amount": money(row.amount, row.currency),
                    "by": ways[row.pk],
                    "link": reverse("admin:refunds_refundrequest_case", args=[row.number]),
                }
                for row in rows
            ]
        }
    )
