"""One's own account: where one is signed in, and what one signs in with."""

from typing import Any, NamedTuple, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketplace.kernel.errors import NotFound
from marketplace.kernel.http import origin_of

from ..models import RecoveryCode, StaffSession, User
from ..operations import staff_sessions
from ..operations.second_factor import is_enrolled
from .devices import device_in_words
from .gate import is_required, session_of


class ShownSession(NamedTuple):
    row: StaffSession
    device: str
    is_this: bool


def sessions_of(user: User, this: int | None = None) -> list[ShownSession]:
    rows = staff_sessions.live(user, timezone.now())
    return [ShownSession(row, device_in_words(row.device), row.pk == this) for row in rows]


def account_view(site: Any, request: HttpRequest) -> HttpResponse:
    """GET shows it; POST ends one session, or all but this one."""
    user, row = cast(User, request.user), session_of(request)
    if request.method == "POST":
        _end(request, user, row)
        return HttpResponseRedirect(reverse("admin:account"))
    context = {
        **site.each_context(request),
        "title": _("My account"),
        "sessions": sessions_of(user, row.pk),
        "is_enrolled": is_enrolled(user),
        "is_required": is_required(),
        "codes_left": RecoveryCode.objects.filter(user=user, used_at__isnull=True).count(),
    }
    return TemplateResponse(request, "desk/account/account.html", context)


def _end(request: HttpRequest, user: User, row: StaffSession) -> None:
    origin, now, which = origin_of(request), timezone.now(), request.POST.get("session", "")
    if which == "others":
        ended = staff_sessions.end_others(row=row, user=user, origin=origin, now=now)
        text = ngettext("%(n)d session ended.", "%(n)d sessions ended.", ended) % {"n": ended}
        messages.success(request, text)
        return
    try:
        if not (which.isascii() and which.isdigit() and len(which) < 19):
            raise NotFound()
        staff_sessions.end_one(session_id=int(which), user=user, origin=origin, now=now)
    except NotFound:
        messages.warning(request, _("This session was over already."))
    else:
        messages.success(request, _("Session ended."))
