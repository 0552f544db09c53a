"""Buyer tokens: signed, so that reading one costs no query; revocation is looked up at most twice a minute."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .models import Buyer, BuyerSession

SALT = "buyer-token"
REVOCATION_SECONDS = 30


class Token(NamedTuple):
    token: str
    expires_at: datetime


def issue(
    buyer: Buyer, *, issued_to: str, now: datetime, ip: str | None = None, user_agent: str = ""
) -> Token:
    expires_at = now + timedelta(hours=settings.BUYER_TOKEN_HOURS)
    session = BuyerSession.objects.create(
        buyer=buyer, issued_to=issued_to, ip=ip, user_agent=user_agent[:255], expires_at=expires_at
    )
    payload = {"b": buyer.pk, "s": session.pk, "x": int(expires_at.timestamp())}
    return Token(signing.dumps(payload, salt=SALT, compress=False), expires_at)


class BuyerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; request.user is a Buyer with its id alone, loaded by whoever needs more."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed(_("Write the header as: Authorization: Bearer <token>."))
        try:
            payload = signing.loads(parts[1].decode("ascii"), salt=SALT)
        except (signing.BadSignature, UnicodeDecodeError) as error:
            raise AuthenticationFailed(_("The token is not valid. Sign in again.")) from error
        if payload["x"] <= timezone.now().timestamp() or _is_revoked(payload["s"]):
            raise AuthenticationFailed(_("The token has expired. Sign in again."))
        return Buyer(pk=payload["b"]), payload

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def buyer_id(request: Request) -> int:
    """The signed-in buyer's id, for views that require authentication."""
    return int(request.user.pk)  # type: ignore[arg-type]  # never None behind IsAuthenticated


def _is_revoked(session_id: int) -> bool:
    return bool(
        cache.get_or_set(
            f"session-revoked:{session_id}",
            lambda: not BuyerSession.objects.filter(pk=session_id, revoked_at=None).exists(),
            REVOCATION_SECONDS,
        )
    )
