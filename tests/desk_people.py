"""Staff with a second factor, and what their app shows."""

from datetime import datetime, timedelta

from django.test import Client
from django.utils import timezone

from marketplace.identity import totp
from marketplace.identity.models import SecondFactor, StaffSession, User
from marketplace.identity.operations import second_factor, staff_sessions
from marketplace.kernel import crypto
from marketplace.kernel.http import NOWHERE

PASSWORD = "a-long-password-7"


def with_password(user: User) -> User:
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    return user


def secret_of(user: User) -> str:
    factor = SecondFactor.objects.get(user=user)
    return crypto.unseal(factor.sealed_secret, f"second_factor:{user.pk}")


def code(user: User, at: datetime | None = None) -> str:
    """What the app shows. Codes are good once: one asked for twice is that of the next thirty seconds."""
    at = at or timezone.now()
    spent = SecondFactor.objects.get(user=user).last_step
    if int(at.timestamp()) // totp.STEP <= spent:
        at = datetime.fromtimestamp((spent + 1) * totp.STEP, tz=at.tzinfo)
    return totp.code_at(secret_of(user), at)


def enrol(user: User, now: datetime | None = None) -> list[str]:
    """Set up some minutes ago, so that the app's codes of now are unspent. Returns the recovery codes."""
    then = (now or timezone.now()) - timedelta(minutes=5)
    second_factor.begin(user=user, now=then)
    return second_factor.confirm(user=user, typed=code(user, then), origin=NOWHERE, now=then)


def whole_session(user: User) -> Client:
    """Signed in with all that is asked of `user`."""
    client = Client()
    client.force_login(user, backend="marketplace.identity.backends.RoleBackend")
    row = StaffSession.objects.filter(user=user).latest("id")
    staff_sessions.admit(row, now=timezone.now())
    return client


def make_stale(user: User, minutes: int = 11) -> None:
    """The last proof of this person was so long ago."""
    StaffSession.objects.filter(user=user).update(proved_at=timezone.now() - timedelta(minutes=minutes))
