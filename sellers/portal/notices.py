"""What the seller was told: newest first, with what is new marked, until it is marked as read."""

from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from marketplace.kernel.errors import NotFound
from marketplace.notices.models import Notice
from marketplace.notices.operations.read import read_as_seller
from marketplace.notices.queries import notices_of
from marketplace.notices.texts import Rendered
from marketplace.notices.texts import render as words_of
from marketplace.notices.topics import RecipientKind
from sellers.models import Membership

from .access import for_member

PAGE_SIZE = 25


class Shown(NamedTuple):
    notice: Notice
    text: Rendered
    has_case: bool


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: HttpRequest, membership: Membership) -> HttpResponse:
    """POST marks all as read up to the newest one that the page showed: what came in since stays new."""
    if request.method == "POST":
        read_as_seller(
            seller_id=membership.seller_id, up_to=key(request.POST.get("up_to", "")), now=timezone.now()
        )
        messages.success(request, _("Marked as read."))
        return redirect("portal:notices")
    rows = notices_of(RecipientKind.SELLER, membership.seller_id)
    found, after = page_of(rows, request.GET.get("after", ""), PAGE_SIZE)
    context = {
        "membership": membership,
        "rows": [_shown(notice) for notice in found],
        "newest": found[0].pk if found else "",
        "has_unread": any(notice.read_at is None for notice in found),
        "next": after,
        "is_later_page": "after" in request.GET,
    }
    return render(request, "portal/notices.html", context)


def page_of(rows: Any, after: str, size: int) -> tuple[list[Any], str]:
    """One page of rows that stand newest first, and the cursor of the next. Raises NotFound for no cursor of ours."""
    found = list((rows.filter(pk__lt=key(after)) if after else rows)[: size + 1])
    return found[:size], str(found[size - 1].pk) if len(found) > size else ""


def key(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound()
    return int(text)


def _shown(notice: Notice) -> Shown:
    return Shown(notice, words_of(notice.topic, notice.recipient_kind, notice.data), "number" in notice.data)
