"""Showing that it is them: a code of the app or a recovery code; the password where no second factor is set up."""

import unicodedata
from datetime import datetime, timedelta

from axes.handlers.proxy import AxesProxyHandler
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from marketplace.kernel import crypto
from marketplace.kernel.errors import Refusal
from marketplace.kernel.http import Origin

from .. import totp
from ..models import AuditEntry, AuditKind, RecoveryCode, SecondFactor, User
from .keep import keep

# A code can only be tried by who knows the password: its failures lock the account wherever they come from, where
# axes counts each address by itself.
MOST_WRONG = 8
LOCKED_FOR = timedelta(minutes=15)
CODES = 10  # recovery codes given out at once
CODE, RECOVERY, PASSWORD = "code", "recovery code", "password"


class WrongProof(Refusal):
    code = "wrong_proof"
    status = 422


class TooManyTries(Refusal):
    code = "too_many_tries"
    status = 429
    title = _("Too many wrong tries. Wait 15 minutes, then try again.")


def prove(*, user: User, typed: str, origin: Origin, now: datetime, is_sign_in: bool = False) -> None:
    """Raises WrongProof, TooManyTries. Each code opens once; a wrong one counts, here and with axes."""
    envelope = _envelope(origin)
    credentials = {"username": user.get_username()}
    if not AxesProxyHandler.is_allowed(envelope, credentials):
        raise TooManyTries()
    with transaction.atomic(durable=True):
        # Held, so that tries at the same time are counted one after the other.
        factor = (
            SecondFactor.objects.select_for_update().filter(user=user, confirmed_at__isnull=False).first()
        )
        if _wrong_lately(user, now) >= MOST_WRONG:
            raise TooManyTries()
        shown = _shown(factor, user, typed, origin, now)
        if shown is None:
            wrong = AuditKind.CODE_WRONG if is_sign_in else AuditKind.PROOF_WRONG
            keep(wrong, user=user, origin=origin, now=now)
            if _wrong_lately(user, now) == MOST_WRONG:
                keep(AuditKind.LOCKED, user=user, origin=origin, now=now)
        elif not is_sign_in:
            keep(AuditKind.PROVED, user=user, subject=shown, origin=origin, now=now)
    if shown is None:
        AxesProxyHandler.user_login_failed(prove, credentials, envelope)
        raise WrongProof(
            _("The password is not right.")
            if factor is None
            else _("This code is not right, or was used already. Take the one your app shows now.")
        )


def opens(factor: SecondFactor, typed: str, now: datetime) -> bool:
    """Whether this is a code of the app that opens now, and spend it."""
    secret = crypto.unseal(factor.sealed_secret, context_of(factor.user_id))
    step = totp.step_of(secret, plain(typed), now)
    if step is None:
        return False
    fresh = SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step)
    return fresh.update(last_step=step) == 1


def context_of(user_id: int) -> str:
    """What the secret is sealed to."""
    return f"second_factor:{user_id}"


def digest_of(user_id: int, recovery_code: str) -> bytes:
    return crypto.fingerprint(f"recovery:{user_id}:{recovery_code}")


def plain(typed: str) -> str:
    """As it is compared: gaps, dashes and full-width digits are only how somebody writes."""
    text = unicodedata.normalize("NFKC", typed)
    return "".join(text.replace("-", " ").split()).upper()


def _shown(factor: SecondFactor | None, user: User, typed: str, origin: Origin, now: datetime) -> str | None:
    """What opened: a word for the log, None where nothing did."""
    if factor is None:
        return PASSWORD if user.check_password(typed) else None
    if opens(factor, typed, now):
        return CODE
    left = RecoveryCode.objects.filter(user=user, used_at__isnull=True)
    if left.filter(digest=digest_of(user.pk, plain(typed))).update(used_at=now) != 1:
        return None
    keep(AuditKind.RECOVERY_USED, user=user, subject=f"{left.count()}/{CODES}", origin=origin, now=now)
    return RECOVERY


def _wrong_lately(user: User, now: datetime) -> int:
    kinds = (AuditKind.CODE_WRONG, AuditKind.PROOF_WRONG)
    return AuditEntry.objects.filter(user=user, kind__in=kinds, at__gt=now - LOCKED_FOR).count()


def _envelope(origin: Origin) -> HttpRequest:
    """For axes, which keeps the whole POST of a failed try: a payee's account would lie there in clear."""
    envelope = HttpRequest()
    envelope.META = {"REMOTE_ADDR": origin.ip} | ({"HTTP_USER_AGENT": origin.device} if origin.device else {})
    return envelope
