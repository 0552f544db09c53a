"""What makes a buyer's next request a person's business (H4), and what a buyer takes up with the channel (H1, H8)."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import Buyer
from marketplace.kernel.money import Money
from marketplace.payments.channels import Channel
from marketplace.payments.models import Capture, Claim


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
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+",
        verbose_name=_("raised by"),
    )  # fmt: skip
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


class DisputeState(models.TextChoices):
    OPEN = "open", _("Open")
    WON = "won", _("Decided for us")
    LOST = "lost", _("Decided for the buyer")


class Dispute(models.Model):
    """A chargeback, or a complaint at the channel. It claims what is left of the payment, so no refund pays it too.

    What the claim does not cover had been paid back already when the dispute came in, or was on its way: that part is
    to be fought. Where it is lost, and what was on its way did not arrive, that claim becomes the dispute's.
    """

    class Kind(models.TextChoices):
        CHARGEBACK = "chargeback", _("Chargeback")  # the channel has taken the money
        COMPLAINT = "complaint", _("Complaint at the channel")  # the channel wants an answer

    State = DisputeState

    number = models.CharField(_("dispute number"), max_length=20, unique=True)  # ours
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    channel = models.CharField(_("channel"), max_length=20, choices=Channel)
    channel_dispute_no = models.CharField(_("channel's dispute number"), max_length=128)
    capture = models.ForeignKey(Capture, on_delete=models.PROTECT, related_name="disputes")
    claim = models.OneToOneField(Claim, on_delete=models.PROTECT, null=True, related_name="dispute")
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    reason = models.CharField(_("reason"), max_length=64, blank=True)  # the channel's own code
    state = models.CharField(_("state"), max_length=8, choices=DisputeState, default=DisputeState.OPEN)
    opened_at = models.DateTimeField(_("opened at"))
    due_at = models.DateTimeField(_("answer due"), null=True)  # by the channel's clock
    closed_at = models.DateTimeField(_("closed at"), null=True)

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        constraints = [
            models.UniqueConstraint(fields=["channel", "channel_dispute_no"], name="dispute_once"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="dispute_amount_positive"),
            models.CheckConstraint(
                condition=models.Q(state="open") ^ models.Q(closed_at__isnull=False), name="dispute_closed_at"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="dispute_open", condition=models.Q(state="open")),
            models.Index(fields=["channel_dispute_no"], name="dispute_by_channel_no"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def contested(self) -> int:
        """What its claim does not cover."""
        return self.amount - (self.claim.amount if self.claim else 0)
