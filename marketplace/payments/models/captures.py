"""Money in (Capture), and what is spoken for of it (Claim).

A capture's money is in escrow until it is settled to the seller, and each part of it can be claimed once. Three sums
in its row say how far it is spoken for; triggers keep them, and CHECKs bound them (requirement G2):

    amount            what the buyer paid
    settled           of it, no more in escrow: the seller has earned it
    claimed           promised to somebody, wherever it is to come from
    claimed_settled   of that, to come from the seller's own money, because it was settled before
"""

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only
from marketplace.orders.models import Order

from ..channels import Channel

COUNT_NEW_CLAIM = """
    UPDATE payments_capture
    SET claimed = claimed + NEW.amount, claimed_settled = claimed_settled + NEW.from_settled
    WHERE id = NEW.capture_id;
    RETURN NEW;
"""
COUNT_RELEASE = """
    UPDATE payments_capture
    SET claimed = claimed - NEW.amount, claimed_settled = claimed_settled - NEW.from_settled
    WHERE id = NEW.capture_id;
    RETURN NEW;
"""
CLAIM_IS_FIXED = """
    IF TG_OP = 'DELETE' OR OLD.released_at IS NOT NULL OR OLD.capture_id <> NEW.capture_id
       OR OLD.amount <> NEW.amount OR OLD.from_settled <> NEW.from_settled
       OR OLD.kind <> NEW.kind OR OLD.reference <> NEW.reference THEN
        RAISE EXCEPTION 'a claim is never changed or removed, only released once';
    END IF;
    RETURN NEW;
"""
# Checked at commit: who frees the money of a transfer says in the same transaction that it pays no more.
RELEASED_WITH_ITS_TRANSFER = """
    IF EXISTS (SELECT 1 FROM payments_transfer t
               WHERE t.claim_id = NEW.id AND t.state NOT IN ('cancelled', 'charged_back')) THEN
        RAISE EXCEPTION 'the claim of a transfer that may still be paid is not released';
    END IF;
    RETURN NULL;
"""


class Capture(models.Model):
    """A payment the channel captured."""

    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="captures", verbose_name=_("order")
    )
    merchant = models.CharField(_("merchant account"), max_length=64)  # the shop's code
    channel = models.CharField(_("channel"), max_length=20, choices=Channel)
    channel_no = models.CharField(_("channel's number"), max_length=128)
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    captured_at = models.DateTimeField(_("captured at"))
    # Written by triggers on Claim and Settlement alone.
    claimed = models.BigIntegerField(_("claimed"), default=0)
    claimed_settled = models.BigIntegerField(default=0, db_default=0)
    settled = models.BigIntegerField(_("settled"), default=0, db_default=0)

    class Meta:
        verbose_name = _("capture")
        verbose_name_plural = _("captures")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "channel", "channel_no"], name="capture_once"),
            models.CheckConstraint(
                condition=models.Q(claimed__gte=0, claimed__lte=models.F("amount")),
                name="claims_within_capture",
            ),
            # What was settled has left escrow: it is not claimed from there, and not settled again.
            models.CheckConstraint(
                condition=models.Q(
                    claimed_settled__gte=0,
                    claimed_settled__lte=models.F("settled"),
                    settled__lte=models.F("amount") - models.F("claimed") + models.F("claimed_settled"),
                ),
                name="escrow_pays_once",
            ),
        ]
        indexes = [models.Index(fields=["channel_no"], name="capture_by_channel_no")]

    def __str__(self) -> str:
        return f"{self.channel} {self.channel_no}"

    @property
    def available(self) -> int:
        """What nobody has been promised."""
        return self.amount - self.claimed

    @property
    def in_escrow(self) -> int:
        """Of that, what is not settled: it can be claimed from escrow, or settled."""
        return self.amount - self.settled - (self.claimed - self.claimed_settled)


class Claim(models.Model):
    """A part of a capture spoken for: reserved the moment it is promised, so nothing can promise it twice."""

    class Kind(models.TextChoices):
        REFUND = "refund", _("Refund")
        CHARGEBACK = "chargeback", _("Chargeback")
        COMPLAINT = "complaint", _("Complaint at the channel")
        REPLACEMENT = "replacement", _("Replacement on offer")

    capture = models.ForeignKey(Capture, on_delete=models.PROTECT, related_name="claims")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    reference = models.CharField(_("reference"), max_length=40)  # a refund request's or a dispute's number
    amount = models.BigIntegerField(_("amount"))
    from_settled = models.BigIntegerField(_("from the seller's own money"), default=0, db_default=0)
    created_at = models.DateTimeField(_("created at"))
    released_at = models.DateTimeField(_("released at"), null=True)

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="claim_positive"),
            models.CheckConstraint(
                condition=models.Q(from_settled__gte=0, from_settled__lte=models.F("amount")),
                name="claim_from_settled_within",
            ),
            models.UniqueConstraint(
                fields=["capture", "kind", "reference"],
                condition=models.Q(released_at__isnull=True),
                name="claim_once_per_reference",
            ),
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
                name="released_with_its_transfer",
                operation=pgtrigger.UpdateOf("released_at"),
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                func=RELEASED_WITH_ITS_TRANSFER,
            ),
            pgtrigger.Trigger(
                name="fixed",
                operation=pgtrigger.Update | pgtrigger.Delete,
                when=pgtrigger.Before,
                func=CLAIM_IS_FIXED,
            ),
            append_only()[1],
        ]
