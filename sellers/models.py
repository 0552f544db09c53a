"""Who sells, and which people act for them. Knows nothing of orders or refunds."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Seller(models.Model):
    """A seller; one that an order named before anybody registered it is unverified (requirement I1)."""

    code = models.CharField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("seller")
        verbose_name_plural = _("sellers")

    def __str__(self) -> str:
        return self.name if self.name == self.code else f"{self.name} ({self.code})"


class Membership(models.Model):
    """A person who acts for a seller in the portal."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="membership")
    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="members")

    class Meta:
        verbose_name = _("seller's person")
        verbose_name_plural = _("sellers' people")
