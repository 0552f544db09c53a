"""Who did what at the desk: one append-only table for sign-ins, sensitive views and what was done to accounts (K3)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only

from .people import User


class AuditKind(models.TextChoices):
    SIGNED_IN = "signed_in", _("Signed in")
    SIGNED_OUT = "signed_out", _("Signed out")
    SIGN_IN_FAILED = "sign_in_failed", _("Sign-in failed")
    LOCKED = "locked", _("Locked after too many tries")
    CODE_WRONG = "code_wrong", _("Wrong code at sign-in")
    RECOVERY_USED = "recovery_used", _("Recovery code used")
    PROVED = "proved", _("Proved who they are")
    PROOF_WRONG = "proof_wrong", _("Proof was wrong")
    ENROLLED = "enrolled", _("Second factor set up")
    CODES_RENEWED = "codes_renewed", _("Recovery codes renewed")
    FACTOR_REMOVED = "factor_removed", _("Second factor removed")
    FACTOR_RESET = "factor_reset", _("Second factor reset by another")
    PASSWORD_CHANGED = "password_changed", _("Password changed")
    SESSION_ENDED = "session_ended", _("Session ended")
    ROLE_CHANGED = "role_changed", _("Role changed")
    CODE_SHOWN = "code_shown", _("Card code shown")
    IDENTITY_OPENED = "identity_opened", _("Identity document opened")


SENSITIVE = (AuditKind.CODE_SHOWN, AuditKind.IDENTITY_OPENED)


class AuditEntry(models.Model):
    """One thing done. `user` did it; `name` is what an unknown person typed, `about` whose account it was."""

    kind = models.CharField(_("kind"), max_length=20, choices=AuditKind)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=150, blank=True)
    about = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    subject = models.CharField(_("what"), max_length=200, blank=True)
    number = models.CharField(_("case"), max_length=32, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    ip = models.GenericIPAddressField(_("IP address"), null=True)
    device = models.CharField(_("device"), max_length=255, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=AuditKind.values), name="audit_of_a_known_kind"),
            # Whoever looks at a code or a document is known, and says why.
            models.CheckConstraint(
                condition=~Q(kind__in=SENSITIVE)
                | (Q(user__isnull=False) & ~Q(reason="") & ~Q(subject="") & ~Q(number="")),
                name="audit_sensitive_view_has_its_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_by_time"),
            models.Index(fields=["user", "-at", "-id"], name="audit_by_user"),
            models.Index(fields=["kind", "-at", "-id"], name="audit_by_kind"),
        ]
        triggers = append_only()
