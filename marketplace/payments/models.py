"""Money in (Capture), what is spoken for of it (Claim), and money out (Transfer)."""

import pgtrigger
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only
from marketplace.kernel.money import Money
from marketplace.orders.models import Order

from .channels import Channel

# Capture.claimed is the sum of its live claims, kept here so that no writer can forget it (requirement G2).
COUNT_NEW_CLAIM = (
    "UPDATE payments_capture SET claimed = claimed + NEW.amount WHERE id = NEW.capture_id; RETURN NEW;"
)
COUNT_RELEASE = (
    "UPDATE payments_capture SET claimed = claimed - NEW.amount WHERE id = NEW.capture_id; RETURN NEW;"
)
CLAIM_IS_FIXED = """
    IF TG_OP = 'DELETE' OR OLD.released_at IS NOT NULL OR OLD.capture_id <> NEW.capture_id
       OR OLD.amount <> NEW.amount OR OLD.kind <> NEW.kind OR OLD.reference <> NEW.reference THEN
        RAISE EXCEPTION 'a claim is never changed or removed, only released once';
    END IF;
    RETURN NEW;
"""


class Capture(models.Model):
    """A payment the channel captured. CHECK claimed <= amount is the law of G2."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="captures")
    merchant = models.CharField(_("merchant account"), max_length=64)  # the shop's code
    channel = models.CharField(_("channel"), max_length=20, choices=Channel)
    channel_no = models.CharField(_("channel's number"), max_length=128)
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    captured_at = models.DateTimeField(_("captured at"))
    claimed = models.BigIntegerField(_("claimed"), default=0)  # written by triggers on Claim alone

    class Meta:
        verbose_name = _("capture")
        verbose_name_plural = _("captures")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "channel", "channel_no"], name="capture_once"),
            models.CheckConstraint(
                condition=models.Q(claimed__gte=0, claimed__lte=models.F("amount")),
                name="claims_within_capture",
            ),
        ]
        indexes = [models.Index(fields=["channel_no"], name="capture_by_channel_no")]

    def __str__(self) -> str:
        return f"{self.channel} {self.channel_no}"

    @property
    def available(self) -> int:
        return self.amount - self.claimed


class Claim(models.Model):
    """A part of a capture spoken for: reserved the moment it is promised, so nothing can promise it twice."""

    class Kind(models.TextChoices):
        REFUND = "refund", _("Refund")
        CHARGEBACK = "chargeback", _("Chargeback")

    capture = models.ForeignKey(Capture, on_delete=models.PROTECT, related_name="claims")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    reference = models.CharField(_("reference"), max_length=40)  # a refund request's number
    amount = models.BigIntegerField(_("amount"))
    created_at = models.DateTimeField(_("created at"))
    released_at = models.DateTimeField(_("released at"), null=True)

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="claim_positive"),
            models.UniqueConstraint(fields=["capture", "kind", "reference"], name="claim_once_per_reference"),
        ]
        indexes = [models.Index(fields=["reference"], name="claim_by_reference")]
        triggers = [
            pgtrigger.Trigger(
                name="count_new", operation=pgtrigger.Insert, when=pgtrigger.After, func=COUNT_NEW_CLAIM
            ),
            pgtrigger.Trigger(
                name="count_release",
                operation=pgtrigger.UpdateOf("released_at"),
                when=pgtrigger.After,
                func=COUNT_RELEASE,
            ),
            pgtrigger.Trigger(
                name="fixed",
                operation=pgtrigger.Update | pgtrigger.Delete,
                when=pgtrigger.Before,
                func=CLAIM_IS_FIXED,
            ),
            append_only()[1],
        ]


class TransferState(models.TextChoices):
    QUEUED = "queued", _("Queued")  # not yet tried, or to be tried again at next_try_at
    SENDING = "sending", _("Being sent")  # handed to the channel; the answer is not recorded yet
    PENDING = "pending", _("With the channel")  # accepted, not settled
    SUCCEEDED = "succeeded", _("Paid back")
    MANUAL = "manual", _("Needs a person")  # the channel refused for good


class Transfer(models.Model):
    """Money on its way out for one claim, always under the same number, so that the channel pays it once."""

    State = TransferState
    OPEN_STATES = (State.QUEUED, State.SENDING, State.PENDING)

    claim = models.OneToOneField(Claim, on_delete=models.PROTECT, related_name="transfer")
    number = models.CharField(_("transfer number"), max_length=20, unique=True)
    reference = models.CharField(_("reference"), max_length=40)  # as its claim's
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.QUEUED)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(_("next try at"))
    channel_refund_no = models.CharField(_("channel's refund number"), max_length=128, blank=True)
    error_code = models.CharField(_("error"), max_length=64, blank=True)
    error_detail = models.CharField(_("error detail"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"))
    sent_at = models.DateTimeField(_("sent at"), null=True)
    settled_at = models.DateTimeField(_("settled at"), null=True)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        indexes = [
            models.Index(
                fields=["next_try_at"],
                name="transfer_due",
                condition=models.Q(state__in=["queued", "sending", "pending"]),
            ),
            models.Index(fields=["reference"], name="transfer_by_reference"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(settled_at__isnull=False) ^ ~models.Q(state="succeeded"),
                name="transfer_settled_when_succeeded",
            )
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def money(self) -> Money:
        return Money(self.claim.amount, self.claim.capture.currency)


class SandboxRefund(models.Model):
    """The sandbox channel's own books: what a real channel keeps on its side (gateways/sandbox.py)."""

    number = models.CharField(max_length=64, unique=True)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    calls = models.PositiveIntegerField(default=1)
    succeeds_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())
