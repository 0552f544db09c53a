"""What a member of staff signs in with beside a password, and where they are signed in (requirement K3)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .people import User


class SecondFactor(models.Model):
    """An authenticator app. Not confirmed yet, it asks nothing of anybody; its secret is sealed to its user."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    sealed_secret = models.BinaryField()  # base32, sealed under context "second_factor:<user id>"
    started_at = models.DateTimeField(_("started at"))
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True)
    last_step = models.BigIntegerField(default=0)  # codes of this 30-second step and before it are spent

    class Meta:
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")


class RecoveryCode(models.Model):
    """One way in without the phone, good once. Its digest is keyed: of no use without FINGERPRINT_KEY."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.BinaryField(max_length=32)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")]


class StaffSession(models.Model):
    """One sign-in at the desk, from there to its end. The session itself holds this row's id and no more."""

    class End(models.TextChoices):
        SIGNED_OUT = "signed_out", _("Signed out")
        IDLE = "idle", _("Not used for too long")
        DAY = "day", _("The working day was over")
        ENDED = "ended", _("Ended by a person")
        PASSWORD = "password", _("The password was changed")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="staff_sessions")
    session_key = models.CharField(max_length=40, blank=True)
    ip = models.GenericIPAddressField(_("IP address"), null=True)
    device = models.CharField(_("device"), max_length=255, blank=True)  # the browser in its own words
    started_at = models.DateTimeField(_("first seen"))
    seen_at = models.DateTimeField(_("last seen"))
    second_factor_at = models.DateTimeField(null=True)
    proved_at = models.DateTimeField()  # when this person last showed that it is them
    ended_at = models.DateTimeField(null=True)
    end = models.CharField(max_length=16, choices=End, blank=True)

    class Meta:
        verbose_name = _("staff session")
        verbose_name_plural = _("staff sessions")
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end="") | (Q(ended_at__isnull=False) & ~Q(end="")),
                name="staff_session_ends_for_a_reason",
            )
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="staff_session_by_user"),
            models.Index(fields=["seen_at"], name="staff_session_by_age"),
        ]
