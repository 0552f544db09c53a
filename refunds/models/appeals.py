"""A decision contested by one side, and what a supervisor made of it (requirement F8)."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ..machine import Party
from .closing import closed_once
from .requests import RefundRequest

MAX_CLAUSE = 16  # characters of one clause

# Who decided, or proposed the decision that two persons made, does not judge the complaint about it.
BY_ANOTHER = """
    IF EXISTS (SELECT 1 FROM refunds_judgement j WHERE j.request_id = NEW.request_id
               AND j.sequence = NEW.against_sequence AND j.by_id IN (NEW.decided_by_id, NEW.proposed_by_id))
    OR EXISTS (SELECT 1 FROM refunds_proposal p WHERE p.request_id = NEW.request_id
               AND p.sequence = NEW.against_sequence - 1 AND p.by_id IN (NEW.decided_by_id, NEW.proposed_by_id)) THEN
        RAISE EXCEPTION 'who decided a case does not decide the appeal against it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'appeal_decided_by_another';
    END IF;
    RETURN NEW;
"""
# What the seller has borne of a refund: what its bookings took from the seller's accounts, less what came back. A
# payment taken twice was the buyer's all along.
BORNE = """
    SELECT coalesce(sum(p.amount), 0)::bigint FROM refunds_refundrequest r
    JOIN sellers_seller s ON s.id = r.seller_id
    JOIN payments_transfer f ON f.reference = r.number
    JOIN ledger_transaction t
        ON t.reference IN ('refund:' || f.number, 'payout:' || f.number, 'reversal:refund:' || f.number)
    JOIN ledger_posting p ON p.transaction_id = t.id
    JOIN ledger_account a ON a.id = p.account_id
        AND a.kind IN ('escrow', 'payable', 'deposit', 'debt') AND a.owner = s.code
    WHERE r.id = {request} AND r.reason <> 'duplicate_charge'
"""
WITHIN_WHAT_WAS_BORNE = f"""
    IF NEW.amount > 0 AND NEW.amount > ({BORNE.format(request="NEW.request_id")}) THEN
        RAISE EXCEPTION 'no more is made good than the seller bore'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'appeal_within_what_was_borne';
    END IF;
    RETURN NEW;
"""


class Appeal(models.Model):
    """One appeal a side and request. It moves no state: a supervisor decides it once, and not whoever made the
    decision it is against. `amount` is what the platform makes good to a seller, in minor units.

    `against_sequence` is the judgement contested; a migration adds the foreign key Django cannot declare.
    """

    class Outcome(models.TextChoices):
        HEARD = "heard", _("Heard: a reviewer decides anew")
        ESCALATED = "escalated", _("Taken to arbitration")
        DISMISSED = "dismissed", _("Dismissed")
        UPHELD = "upheld", _("Decision upheld")
        OVERTURNED = "overturned", _("Decision overturned")

    OF_BUYER = (Outcome.HEARD, Outcome.ESCALATED, Outcome.DISMISSED)
    OF_SELLER = (Outcome.UPHELD, Outcome.OVERTURNED)
    SIDES = (Party.BUYER, Party.SELLER)

    request = models.ForeignKey(
        RefundRequest, on_delete=models.PROTECT, related_name="appeals", verbose_name=_("refund request")
    )
    party = models.CharField(
        _("side"),
        max_length=16,
        choices=[(Party.BUYER, Party.BUYER.label), (Party.SELLER, Party.SELLER.label)],
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )  # the seller's person
    clauses = ArrayField(models.CharField(max_length=MAX_CLAUSE), verbose_name=_("clauses"))
    text = models.TextField(_("grounds"))
    against_sequence = models.PositiveIntegerField()
    two_person_above = models.BigIntegerField()  # the request's limit (F7), so that a row bounds itself
    at = models.DateTimeField(_("at"))
    due_at = models.DateTimeField(_("due"))

    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    proposed_amount = models.BigIntegerField(_("amount proposed"), null=True)
    proposed_note = models.TextField(blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome, blank=True)
    amount = models.BigIntegerField(_("made good"), default=0)
    note = models.TextField(_("reasons"), blank=True)

    class Meta:
        verbose_name = _("appeal")
        verbose_name_plural = _("appeals")
        constraints = [
            models.UniqueConstraint(fields=["request", "party"], name="one_appeal_a_side"),
            models.CheckConstraint(
                condition=Q(party=Party.BUYER, user__isnull=True) | Q(party=Party.SELLER, user__isnull=False),
                name="appeal_names_its_side",
            ),
            models.CheckConstraint(condition=Q(clauses__len__gte=1) & ~Q(text=""), name="appeal_has_grounds"),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True, decided_by__isnull=True, outcome="", note="", amount=0)
                | Q(decided_at__isnull=False, decided_by__isnull=False)
                & ~Q(note="")
                & (
                    Q(party=Party.BUYER, outcome__in=("heard", "escalated", "dismissed"), amount=0)
                    | Q(party=Party.SELLER, outcome="upheld", amount=0)
                    | Q(party=Party.SELLER, outcome="overturned", amount__gt=0)
                ),
                name="appeal_decided_as_its_side_can_be",
            ),
            models.CheckConstraint(
                condition=Q(proposed_by__isnull=True, proposed_amount__isnull=True, proposed_note="")
                | Q(
                    party=Party.SELLER,
                    proposed_by__isnull=False,
                    proposed_amount__isnull=False,
                    proposed_amount__gt=F("two_person_above"),
                ),
                name="appeal_proposed_above_the_limit",
            ),
            # Above the limit of F7 two persons decide what the platform bears.
            models.CheckConstraint(
                condition=Q(amount__lte=F("two_person_above"))
                | Q(
                    proposed_by__isnull=False,
                    proposed_amount__isnull=False,
                    proposed_amount=F("amount"),
                )
                & ~Q(proposed_by=F("decided_by")),
                name="appeal_two_persons_above_limit",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="appeal_waiting", condition=Q(decided_at__isnull=True)
            ),
            models.Index(fields=["decided_at"], name="appeal_by_decision"),
        ]
        triggers = [
            *closed_once(
                "decided_at",
                ["request_id", "party", "user_id", "clauses", "text", "against_sequence", "two_person_above", "at", "due_at"],
            ),
            pgtrigger.Trigger(
                name="by_another",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                func=BY_ANOTHER,
            ),
            pgtrigger.Trigger(
                name="within_what_was_borne",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                func=WITHIN_WHAT_WAS_BORNE,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.request_id}/{self.party}"

    @property
    def is_waiting(self) -> bool:
        return self.decided_at is None
