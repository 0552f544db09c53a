"""Who is who: people who sign in to a screen (User) and people who bought something (Buyer)."""

import pgtrigger
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Collate, Now, Reverse
from django.utils.translation import gettext_lazy as _

from ..roles import Role


def _role(row: str) -> str:
    """What a row of users may do here, in SQL; a dash for nobody of the staff, or no longer."""
    return f"CASE WHEN {row}.is_staff AND {row}.is_active THEN coalesce(nullif({row}.role, ''), '?') ELSE '–' END"


def _on_record(before: str) -> str:
    """However a role is given or taken, by a command or by hand in the database: it is on record."""
    return f"""
        INSERT INTO identity_auditentry (kind, about_id, name, subject, number, reason, device, at)
        VALUES ('role_changed', NEW.id, '', {before} || ' → ' || {_role("NEW")}, '', '', '', now());
        RETURN NULL;
    """


# A person on the phone is found by its last digits. By bytes, so that the index answers for beginnings.
PHONE_BACKWARDS = Collate(Reverse("phone"), "C")


class User(AbstractUser):
    """Staff (with a role) or a seller's person (with a membership in sellers)."""

    role = models.CharField(_("role"), max_length=20, choices=Role, blank=True)
    start_view = models.ForeignKey(  # what the desk opens with; else its first page
        "SavedView", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        triggers = [
            pgtrigger.Trigger(
                name="staff_on_record",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                condition=pgtrigger.Q(new__is_staff=True),
                func=_on_record("'–'"),
            ),
            pgtrigger.Trigger(
                name="role_on_record",
                operation=pgtrigger.UpdateOf("role", "is_staff", "is_active"),
                when=pgtrigger.After,
                condition=pgtrigger.AnyChange("role", "is_staff", "is_active"),
                func=_on_record(_role("OLD")),
            ),
        ]


class Buyer(models.Model):
    """A buyer as one shop knows them; `source` is that shop's code. With a password they sign in here too."""

    source = models.CharField(_("shop"), max_length=64)
    external_id = models.CharField(_("buyer id"), max_length=128)
    region = models.CharField(_("region"), max_length=8, default="CN")
    email = models.EmailField(_("email"), blank=True)
    phone = models.CharField(_("phone"), max_length=32, blank=True)
    device = models.CharField(_("device"), max_length=128, blank=True)
    ip = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    password = models.CharField(max_length=128, blank=True)
    identity_verified_at = models.DateTimeField(_("identity verified at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("buyer")
        verbose_name_plural = _("buyers")
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="buyer_once_per_shop"),
            models.UniqueConstraint(
                fields=["email"], condition=~models.Q(password=""), name="buyer_signs_in_by_one_email"
            ),
        ]
        indexes = [
            models.Index(fields=["external_id"], name="buyer_by_external_id"),
            models.Index(PHONE_BACKWARDS, name="buyer_by_end_of_phone"),
        ]

    def __str__(self) -> str:
        return f"{self.source}:{self.external_id}"

    @property
    def is_authenticated(self) -> bool:
        return True

    def set_password(self, raw: str) -> None:
        self.password = make_password(raw)

    def check_password(self, raw: str) -> bool:
        return bool(self.password) and check_password(raw, self.password)


class BuyerSession(models.Model):
    """One token given out: revocable, listed to its owner (requirement H9)."""

    buyer = models.ForeignKey(Buyer, on_delete=models.CASCADE, related_name="sessions")
    issued_to = models.CharField(max_length=64)  # "login", or "shop:<code>" where a shop asked for it
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
