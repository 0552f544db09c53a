"""Who passes at the desk: nobody of the staff gets further than the sign-in asks, wherever a session counts."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ..hooks import SESSION
from ..models import StaffSession, User
from ..operations import staff_sessions

OFFERED = "offered"
# Routes that look at no session.
SESSIONLESS = ("api/", "channels/", "health/", "i18n/")
# What is open before the second factor was shown, or set up.
BEFORE = frozenset(
    {
        "admin:login",
        "admin:login_code",
        "admin:logout",
        "admin:second_factor",
        "portal:login",
        "portal:logout",
    }
)


def is_required() -> bool:
    """Whatever is not the one word that loosens it: a slip of the pen opens nothing."""
    return str(settings.STAFF_MFA) != OFFERED


class DeskGate:
    """Middleware. Denies by default: of staff, every address not named above wants a session that is whole.

    `request.staff_session` is the row, for the pages that ask for a fresh proof.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        assert match is not None
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or match.route.startswith(SESSIONLESS):
            return None
        if not (isinstance(request.user, User) and request.user.is_staff):
            return None
        now = timezone.now()
        row = staff_sessions.found(request.session.get(SESSION))
        if row is None or row.user_id != request.user.pk:
            return _out(request, "")
        if why := staff_sessions.run_out(row, now):
            staff_sessions.end(StaffSession.objects.filter(pk=row.pk), why=why, now=now)
            return _out(request, why)
        staff_sessions.see(row, session_key=request.session.session_key or "", now=now)
        request.staff_session = row  # type: ignore[attr-defined]
        if match.view_name in BEFORE:
            return None
        if row.has_factor:  # type: ignore[attr-defined]  # annotated by found()
            return None if row.second_factor_at else _to(request, "admin:login_code")
        return _to(request, "admin:second_factor") if is_required() else None


def session_of(request: HttpRequest) -> StaffSession:
    """The row of a request that came through the gate."""
    row: StaffSession = request.staff_session  # type: ignore[attr-defined]
    return row


def _to(request: HttpRequest, view: str) -> HttpResponse:
    return redirect_to_login(request.get_full_path() if request.method == "GET" else "", reverse(view))


def _out(request: HttpRequest, why: str) -> HttpResponse:
    """Signed out, and told why where they may wonder."""
    logout(request)
    if request.resolver_match and request.resolver_match.view_name in BEFORE:
        return HttpResponseRedirect(request.get_full_path())
    if why in (StaffSession.End.IDLE, StaffSession.End.DAY):
        messages.info(request, _("You were signed out: %(why)s.") % {"why": StaffSession.End(why).label})
    return redirect_to_login(request.get_full_path(), reverse("admin:login"))
