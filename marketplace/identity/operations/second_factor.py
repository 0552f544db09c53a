"""A second factor is set up, confirmed by its first code, given new recovery codes, removed, or reset by another."""

import secrets
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.kernel import crypto
from marketplace.kernel.errors import NotPermitted, Refusal
from marketplace.kernel.http import Origin

from .. import totp
from ..models import AuditKind, RecoveryCode, SecondFactor, User
from .keep import keep
from .prove import CODES, context_of, digest_of, opens

MAY_MANAGE = "identity.change_user"
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing that is read as something else


class AlreadyEnrolled(Refusal):
    code = "already_enrolled"
    title = _("A second factor is set up already. Remove it first to set up another.")


class NotEnrolled(Refusal):
    code = "not_enrolled"
    title = _("No second factor is set up.")


class FirstCodeWrong(Refusal):
    code = "first_code_wrong"
    status = 422
    title = _(
        "This is not the code the app shows now. See that the phone's clock is set automatically, and try the next."
    )


class ReasonNeeded(Refusal):
    code = "reason_needed"
    status = 422
    title = _("Say why, in at most 500 characters. It is kept in the audit log.")


def reason_of(typed: str) -> str:
    """Raises ReasonNeeded."""
    reason = typed.strip()
    if not 0 < len(reason) <= 500:
        raise ReasonNeeded()
    return reason


def begin(*, user: User, now: datetime) -> None:
    """A new secret, which asks nothing of anybody before it is confirmed. Raises AlreadyEnrolled."""
    with transaction.atomic(durable=True):
        known = SecondFactor.objects.select_for_update().filter(user=user).first()
        if known is not None and known.confirmed_at is not None:
            raise AlreadyEnrolled()
        sealed = crypto.seal(totp.new_secret(), context_of(user.pk))
        new = {"sealed_secret": sealed, "started_at": now, "last_step": 0}
        SecondFactor.objects.update_or_create(user=user, defaults=new)


def begun(user: User) -> str | None:
    """The secret that waits for its first code; None where none does."""
    waiting = SecondFactor.objects.filter(user=user, confirmed_at__isnull=True).first()
    return crypto.unseal(waiting.sealed_secret, context_of(user.pk)) if waiting else None


def is_enrolled(user: User) -> bool:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def confirm(*, user: User, typed: str, origin: Origin, now: datetime) -> list[str]:
    """The first code proves that the app has the secret. Returns the recovery codes, which are kept nowhere in clear.

    Raises NotEnrolled, AlreadyEnrolled, FirstCodeWrong.
    """
    with transaction.atomic(durable=True):
        factor = SecondFactor.objects.select_for_update().filter(user=user).first()
        if factor is None:
            raise NotEnrolled()
        if factor.confirmed_at is not None:
            raise AlreadyEnrolled()
        if not opens(factor, typed, now):
            raise FirstCodeWrong()
        SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=now)
        keep(AuditKind.ENROLLED, user=user, origin=origin, now=now)
        return _new_codes(user)


def renew_codes(*, user: User, origin: Origin, now: datetime) -> list[str]:
    """New recovery codes; the former are worth nothing from here on. Raises NotEnrolled."""
    with transaction.atomic(durable=True):
        _locked(user)
        keep(AuditKind.CODES_RENEWED, user=user, origin=origin, now=now)
        return _new_codes(user)


def remove(*, user: User, origin: Origin, now: datetime) -> None:
    """Raises NotEnrolled."""
    with transaction.atomic(durable=True):
        _forget(_locked(user))
        keep(AuditKind.FACTOR_REMOVED, user=user, origin=origin, now=now)


def reset(*, person: User, user: User, reason: str, origin: Origin, now: datetime) -> None:
    """For who lost the phone: `user` has made sure that it is `person` who asks.

    Raises NotPermitted, ReasonNeeded, NotEnrolled.
    """
    if not user.has_perm(MAY_MANAGE):
        raise NotPermitted()
    if person.pk == user.pk:
        raise NotPermitted(_("Remove your own on the page of your account; it asks for a code."))
    reason = reason_of(reason)
    with transaction.atomic(durable=True):
        _forget(_locked(person))
        keep(AuditKind.FACTOR_RESET, user=user, about=person, reason=reason, origin=origin, now=now)


def reset_by_operator(*, person: User, now: datetime) -> None:
    """The same from the command line, by who needs no rights there. Raises NotEnrolled."""
    with transaction.atomic(durable=True):
        _forget(_locked(person))
        keep(AuditKind.FACTOR_RESET, about=person, reason="manage.py reset_second_factor", now=now)


def _locked(user: User) -> SecondFactor:
    """Raises NotEnrolled."""
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at__isnull=False).first()
    if factor is None:
        raise NotEnrolled()
    return factor


def _forget(factor: SecondFactor) -> None:
    RecoveryCode.objects.filter(user=factor.user_id).delete()
    factor.delete()


def _new_codes(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    codes = ["".join(secrets.choice(ALPHABET) for _letter in range(10)) for _each in range(CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=digest_of(user.pk, code)) for code in codes
    )
    return [f"{code[:5]}-{code[5:]}" for code in codes]
