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
from refunds.desk_queries import QUEUES, find
from refunds.machine import State
from refunds.permissions import is_outside, reach

from .shortcuts import EVERYWHERE
from .sidebar import FOR_ARBITERS, navigation, queue_url

SHOWN = 8
SHORTEST = 3  # characters of a number: fewer find too much to be meant
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
    queues = {
        queue_url(key): queue
        for key, queue in QUEUES.items()
        if request.user.has_perm("refunds.view_refundrequest")
        and (key in FOR_ARBITERS or not is_outside(cast(User, request.user)))
    }
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
    """Cases by the beginning of a number, or a whole one, as JSON; of those within this person's reach."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    term = request.GET.get("q", "").strip()
    if len(term) < SHORTEST:
        return JsonResponse({"cases": []})
    rows = find(term).filter(reach(cast(User, request.user))).select_related("order").order_by("-id")[:SHOWN]
    return JsonResponse(
        {
            "cases": [
                {
                    "number": row.number,
                    "title": row.order.title,
                    "state": State(row.state).label,
                    "amount": money(row.amount, row.currency),
                    "link": reverse("admin:refunds_refundrequest_case", args=[row.number]),
                }
                for row in rows
            ]
        }
    )
