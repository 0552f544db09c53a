"""Money to the seller: a capture settled out of escrow, and a withdrawal of what is payable (requirements G4, G5)."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only
from sellers.models import Seller

from .captures import Capture

COUNT_SETTLED = (
    "UPDATE payments_capture SET settled = settled + NEW.amount WHERE id = NEW.capture_id; RETURN NEW;"
)
# The order of a withdrawal's life, and what is fixed from the start.
WITHDRAWAL_MOVES_ON = """
    IF TG_OP = 'DELETE' OR OLD.state IN ('paid', 'rejected') OR OLD.amount <> NEW.amount
       OR OLD.seller_id <> NEW.seller_id OR OLD.currency <> NEW.currency OR OLD.number <> NEW.number THEN
        RAISE EXCEPTION 'a withdrawal is decided once and keeps its seller and amount';
    END IF;
    RETURN NEW;
"""


class Settlement(models.Model):
    """A capture, or what is left of it, earned by its seller. Never changed: a later refund is a claim of its own."""

    capture = models.ForeignKey(Capture, on_delete=models.PROTECT, related_name="settlements")
    amount = models.BigIntegerField(_("amount"))
    commission = models.BigIntegerField(_("commission"))  # of it, kept by the platform
    debt_repaid = models.BigIntegerField(_("debt repaid"))  # of it, kept for what was advanced before
    settled_at = models.DateTimeField(_("settled at"))

    class Meta:
        verbose_name = _("settlement")
        verbose_name_plural = _("settlements")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    amount__gt=0,
                    commission__gte=0,
                    debt_repaid__gte=0,
                    amount__gte=F("commission") + F("debt_repaid"),
                ),
                name="settlement_adds_up",
            )
        ]
        triggers = [
            *append_only(),
            pgtrigger.Trigger(
                name="count_settled", operation=pgtrigger.Insert, when=pgtrigger.After, func=COUNT_SETTLED
            ),
        ]


class WithdrawalState(models.TextChoices):
    REQUESTED = "requested", _("Waiting for finance")
    PAID = "paid", _("Paid out")
    REJECTED = "rejected", _("Rejected")


class Withdrawal(models.Model):
    """A seller takes payable money out. The amount is set aside when asked for, and paid by a member of staff."""

    State = WithdrawalState

    seller = models.ForeignKey(
        Seller, on_delete=models.PROTECT, related_name="withdrawals", verbose_name=_("seller")
    )
    number = models.CharField(_("withdrawal number"), max_length=20, unique=True)
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.REQUESTED)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("requested by")
    )
    requested_at = models.DateTimeField(_("requested at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+",
        verbose_name=_("decided by"),
    )  # fmt: skip
    decided_at = models.DateTimeField(_("decided at"), null=True)
    bank_reference = models.CharField(_("bank's reference"), max_length=64, blank=True)
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("withdrawal")
        verbose_name_plural = _("withdrawals")
        indexes = [models.Index(fields=["seller", "-id"], name="withdrawal_by_seller")]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="withdrawal_positive"),
            models.CheckConstraint(
                condition=Q(state="requested", decided_by__isnull=True, decided_at__isnull=True)
                | (~Q(state="requested") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="withdrawal_names_who_decided",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="withdrawal_by_two_persons",
            ),
            models.CheckConstraint(
                condition=Q(state="paid") ^ Q(bank_reference=""), name="withdrawal_paid_has_reference"
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="moves_on",
                operation=pgtrigger.Update | pgtrigger.Delete,
                when=pgtrigger.Before,
                func=WITHDRAWAL_MOVES_ON,
            )
        ]

    def __str__(self) -> str:
        return self.number
