"""Money out: a Transfer by the channel, and a Payout by hand where the channel cannot."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.money import Money

from .captures import Claim

# A number once given stays with its claim for good; what was called off is never sent, money that arrived can only
# come back, as a failure the channel reports (requirement G6), and what a chargeback paid is not paid by us any more.
KEEPS_ITS_NUMBER = """
    IF OLD.number <> NEW.number OR OLD.claim_id <> NEW.claim_id OR OLD.reference <> NEW.reference
       OR (OLD.state IN ('cancelled', 'charged_back') AND NEW.state <> OLD.state)
       OR (NEW.state = 'charged_back' AND OLD.state NOT IN ('failed', 'abnormal', 'manual', 'charged_back'))
       OR (OLD.state = 'succeeded' AND NEW.state NOT IN ('succeeded', 'failed', 'abnormal')) THEN
        RAISE EXCEPTION 'transfer % cannot become % %', OLD.number, NEW.state, NEW.number;
    END IF;
    RETURN NEW;
"""


class TransferState(models.TextChoices):
    QUEUED = "queued", _("Queued")  # not yet tried, or to be tried again at next_try_at
    SENDING = "sending", _("Being sent")  # handed to the channel; the answer is not recorded yet
    PENDING = "pending", _("With the channel")  # accepted, not settled
    SUCCEEDED = "succeeded", _("Paid back")
    FAILED = "failed", _("Refused by the channel")  # it has not paid and will not: by hand (G7)
    ABNORMAL = "abnormal", _("Cannot be delivered")  # it took our money and found the card closed: by hand
    MANUAL = "manual", _("Needs a person")  # nobody knows, or the channel wants something of us first
    CANCELLED = "cancelled", _("Called off")  # never sent: its claim was released for something else
    CHARGED_BACK = (
        "charged_back",
        _("Paid by a chargeback"),
    )  # stuck, and the buyer took it back at the channel


class Transfer(models.Model):
    """Money on its way out for one claim, always under the same number, so that the channel pays it once."""

    State = TransferState
    OPEN_STATES = (State.QUEUED, State.SENDING, State.PENDING)
    BY_HAND_STATES = (State.FAILED, State.ABNORMAL)  # the channel has said that it does not pay
    STUCK_STATES = (*BY_HAND_STATES, State.MANUAL)
    RELEASED_STATES = (State.CANCELLED, State.CHARGED_BACK)  # its claim holds nothing any more

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
    # Until then the refund may be asked for again; later the channel may have forgotten the number (Stripe, 24 h).
    resend_until = models.DateTimeField(_("may be sent again until"), null=True)
    accepted_at = models.DateTimeField(_("accepted at"), null=True)  # the channel has it, and will settle it
    settled_at = models.DateTimeField(_("settled at"), null=True)
    # Of its claim, what a lost chargeback paid in its stead; the rest goes on under a number of its own.
    by_chargeback = models.BigIntegerField(_("paid by a chargeback"), default=0, db_default=0)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        indexes = [
            models.Index(
                fields=["next_try_at"],
                name="transfer_due",
                condition=Q(state__in=["queued", "sending", "pending"]),
            ),
            models.Index(
                fields=["state", "created_at"],
                name="transfer_stuck",
                condition=Q(state__in=["failed", "abnormal", "manual"]),
            ),
            models.Index(fields=["reference"], name="transfer_by_reference"),
            models.Index(
                fields=["channel_refund_no"],
                name="transfer_by_channel_no",
                condition=~Q(channel_refund_no=""),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(settled_at__isnull=False) ^ ~Q(state="succeeded"),
                name="transfer_settled_when_succeeded",
            ),
            models.CheckConstraint(
                condition=~Q(state="cancelled") | Q(sent_at__isnull=True),
                name="what_was_sent_is_not_cancelled",
            ),
            models.CheckConstraint(
                condition=Q(state="charged_back", by_chargeback__gt=0)
                | (~Q(state="charged_back") & Q(by_chargeback=0)),
                name="charged_back_says_how_much",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="keeps_its_number",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func=KEEPS_ITS_NUMBER,
            )
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def money(self) -> Money:
        return Money(self.claim.amount, self.claim.capture.currency)

    @property
    def part(self) -> Money:
        """What of its refund it stands for: of one that a chargeback paid in part, that part."""
        return Money(self.by_chargeback or self.claim.amount, self.claim.capture.currency)


class Payout(models.Model):
    """A refund paid by hand, because the channel cannot: proposed by one person, confirmed as paid by another (G7)."""

    transfer = models.ForeignKey(
        Transfer, on_delete=models.PROTECT, related_name="payouts", verbose_name=_("transfer")
    )
    sealed_payee = (
        models.BinaryField()
    )  # JSON {name, bank, account} sealed under context "payout:<transfer number>"
    payee_hint = models.CharField(
        _("payee"), max_length=64
    )  # what lists may show: name and the account's last four
    note = models.TextField(_("reason"))
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("proposed by")
    )
    proposed_at = models.DateTimeField(_("proposed at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+",
        verbose_name=_("decided by"),
    )  # fmt: skip
    paid_at = models.DateTimeField(_("paid at"), null=True)
    bank_reference = models.CharField(_("bank's reference"), max_length=64, blank=True)
    rejected_at = models.DateTimeField(_("rejected at"), null=True)

    class Meta:
        verbose_name = _("payout by hand")
        verbose_name_plural = _("payouts by hand")
        constraints = [
            models.UniqueConstraint(
                fields=["transfer"], condition=Q(rejected_at__isnull=True), name="one_payout_per_transfer"
            ),
            models.UniqueConstraint(
                fields=["bank_reference"], condition=~Q(bank_reference=""), name="bank_reference_once"
            ),
            # Maker is not checker.
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="payout_by_two_persons",
            ),
            models.CheckConstraint(
                condition=Q(
                    decided_by__isnull=True, paid_at__isnull=True, rejected_at__isnull=True, bank_reference=""
                )
                | (
                    Q(decided_by__isnull=False, paid_at__isnull=False, rejected_at__isnull=True)
                    & ~Q(bank_reference="")
                )
                | Q(
                    decided_by__isnull=False,
                    paid_at__isnull=True,
                    rejected_at__isnull=False,
                    bank_reference="",
                ),
                name="payout_paid_or_rejected",
            ),
        ]


class SandboxRefund(models.Model):
    """The sandbox channel's own books: what a real channel keeps on its side (gateways/sandbox.py)."""

    number = models.CharField(max_length=64, unique=True)
    channel_no = models.CharField(max_length=128)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    calls = models.PositiveIntegerField(default=1)
    succeeds_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())
