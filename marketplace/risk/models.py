"""What makes a buyer's next request a person's business (requirement H4)."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import Buyer


class Signal(models.Model):
    """A standing doubt about a buyer. While one is not cleared, the machine approves nothing for them (B8)."""

    class Kind(models.TextChoices):
        CHARGEBACK = "chargeback", _("Chargeback received")
        FORGED_EVIDENCE = "forged_evidence", _("Forged or reused evidence")
        REDEEMED_THEN_INVALID = "redeemed_then_invalid", _("Redeemed, then called invalid")
        ACCOUNT_TAKEOVER = "account_takeover", _("Signs of account takeover")
        OTHER = "other", _("Other")

    buyer = models.ForeignKey(
        Buyer, on_delete=models.PROTECT, related_name="signals", verbose_name=_("buyer")
    )
    kind = models.CharField(_("kind"), max_length=32, choices=Kind)
    note = models.TextField(_("note"))
    raised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    raised_at = models.DateTimeField(_("raised at"), db_default=Now())
    cleared_at = models.DateTimeField(_("cleared at"), null=True, blank=True)

    class Meta:
        verbose_name = _("risk signal")
        verbose_name_plural = _("risk signals")
        indexes = [
            models.Index(
                fields=["buyer"], name="signal_standing", condition=models.Q(cleared_at__isnull=True)
            )
        ]
