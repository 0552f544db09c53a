"""What Django says of every sign-in and sign-out, whichever page it came through, kept in the audit log.

Signals, because the desk, the portal and a session that runs out all end in the same two functions of Django's.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from marketplace.kernel.http import origin_of

from .models import AuditKind, StaffSession, User
from .operations import staff_sessions
from .operations.keep import keep

SESSION = "staff_session"  # the id of the row, in the session


@receiver(user_logged_in)
def _signed_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    now, origin = timezone.now(), origin_of(request)
    if user.is_staff:
        key = request.session.session_key or ""
        row = staff_sessions.start(user=user, session_key=key, origin=origin, now=now)
        request.session[SESSION] = row.pk
    keep(AuditKind.SIGNED_IN, user=user, subject=request.path, origin=origin, now=now)


@receiver(user_logged_out)
def _signed_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    now = timezone.now()
    rows = StaffSession.objects.filter(pk=request.session.get(SESSION) or 0)
    if user is not None and staff_sessions.end(rows, why=StaffSession.End.SIGNED_OUT, now=now):
        keep(AuditKind.SIGNED_OUT, user=user, origin=origin_of(request), now=now)


@receiver(user_login_failed)
def _failed(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Heard after axes, which says how often it was. Tries during a lock are not kept: there may be any number."""
    tries = getattr(request, "axes_failures_since_start", None)
    if request is None or tries is None or tries > settings.AXES_FAILURE_LIMIT:
        return
    now, origin = timezone.now(), origin_of(request)
    name = str(credentials.get("username") or "")[:150].replace("\0", "")
    who = User.objects.filter(username=name).first()
    said: dict[str, Any] = {"name": "" if who else name, "about": who, "subject": request.path[:200]}
    keep(AuditKind.SIGN_IN_FAILED, origin=origin, now=now, **said)
    if getattr(request, "axes_locked_out", False):
        keep(AuditKind.LOCKED, origin=origin, now=now, **said)
