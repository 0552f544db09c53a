"""What the buyer will read if this move is made, while it is being written: shown, and sent to nobody."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound
from marketplace.notices.operations.tell import News
from marketplace.notices.texts import Rendered, render
from refunds import desk_queries
from refunds.desk_queries import Case
from refunds.machine import BY_MOVE, STOPS_THE_CLOCK
from refunds.operations.locking import clock_after
from refunds.operations.tell import foretell
from refunds.permissions import moves_for
from refunds.telling import BUYER

from .moves import APPROVALS, Move, bound, open_to

LANGUAGES = {"zh-hans": "中文", "en": "English"}  # each by its own name


class Letter(NamedTuple):
    news: News
    text: Rendered
    language: str
    is_buyers: bool


def letter_view(model_admin: Any, request: HttpRequest, number: str) -> HttpResponse:
    """POST of a move's form: the letter it would send, as a piece of the page. Changes nothing."""
    return cast(HttpResponse, require_POST(_view)(request, model_admin, number))


def _view(request: HttpRequest, model_admin: Any, number: str) -> HttpResponse:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    user, name, now = cast(User, request.user), request.POST.get("move", ""), timezone.now()
    try:
        case = desk_queries.case(number, user)
    except NotFound:
        messages.warning(request, _("There is no case %(number)s.") % {"number": number})
        return HttpResponseRedirect(reverse("admin:refunds_refundrequest_changelist"))
    move = open_to(user, case.request, case.proposal, case.seats, case.votes).get(name)
    if move is None:
        return HttpResponse(status=404)
    form = bound(name, move, case.request, request.POST)
    form.is_valid()  # what is not right yet is said when it is sent; until then it is left out
    asked_for = request.POST.get("language", "")
    context = {
        "letter": letter(case, user, move, name, form.cleaned_data, now, asked_for),
        "languages": LANGUAGES,
        "move": name,
        "note": form.cleaned_data.get("note", ""),
        "waits_for_second": name in APPROVALS
        and case.proposal is None
        and _amount(case, name, form.cleaned_data) > case.request.two_person_above,
        "is_vote": name.startswith("vote"),
    }
    return TemplateResponse(request, "desk/case/letter.html", context)


def letter(
    case: Case, user: User, move: Move, name: str, data: Mapping[str, Any], now: datetime, language: str = ""
) -> Letter | None:
    """In the buyer's language, unless another is asked for; None where the move tells nobody."""
    event = next(edge.event for edge in moves_for(user, case.request) if edge.event in move.events)
    told = foretell(
        case.request,
        event,
        now=now,
        approved=_amount(case, name, data) or None,
        clause=data.get("clause", ""),
        asked=data.get("of", ""),
        due_at=_due_at(case, event, data.get("until"), now),
    )
    news = next((each for each in told if each.recipient_kind == BUYER), None) or next(iter(told), None)
    if news is None:
        return None
    chosen = language if language in LANGUAGES else news.language
    with translation.override(chosen):
        return Letter(
            news, render(news.topic, news.recipient_kind, news.data), chosen, news.recipient_kind == BUYER
        )


def _amount(case: Case, name: str, data: Mapping[str, Any]) -> int:
    """What would go back, in minor units; 0 where the form does not say yet."""
    given = {"approve": case.request.amount, "confirm": data.get("proposed", 0)}
    return int(given.get(name, data.get("amount", 0)) or 0)


def _due_at(case: Case, event: str, until: datetime | None, now: datetime) -> datetime | None:
    """The clock the move starts; one that was stopped while evidence was awaited goes on with what it had left."""
    due = clock_after(event, case.request, now)
    if BY_MOVE[event, case.request.state].source in STOPS_THE_CLOCK:
        stopped = [clock for clock in case.clocks if clock.kind == due.kind and clock.closed_at is not None]
        if stopped:
            last = max(stopped, key=lambda clock: clock.sequence)
            return last.due_at + (now - cast(datetime, last.closed_at))
    return max(filter(None, (due.at, until)), default=None)
