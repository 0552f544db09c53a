"""Append-only double entry. A posting is signed: debit positive, credit negative, minor units."""

import pgtrigger
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only

BALANCED = """
    IF EXISTS (SELECT 1 FROM new_values GROUP BY transaction_id, currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'postings of a transaction must sum to zero in each currency' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""


class Kind(models.TextChoices):
    """The chart of accounts; an account is a kind, its owner (a channel or a seller code) and a currency."""

    CLEARING = "clearing", _("Channel clearing")
    ESCROW = "escrow", _("Escrow")


class Account(models.Model):
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    owner = models.CharField(_("owner"), max_length=64)
    currency = models.CharField(_("currency"), max_length=3)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(fields=["kind", "owner", "currency"], name="account_once"),
            # Target of the foreign key that holds each posting to its account's currency (migration 0002).
            models.UniqueConstraint(fields=["id", "currency"], name="account_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.owner}:{self.currency}"


class Transaction(models.Model):
    """One business movement; `reference` names it once and for all ("refund:RT…")."""

    reference = models.CharField(_("reference"), max_length=100, unique=True)
    recipe = models.CharField(_("movement"), max_length=32)
    occurred_at = models.DateTimeField(_("occurred at"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("ledger transaction")
        verbose_name_plural = _("ledger transactions")
        triggers = append_only()

    def __str__(self) -> str:
        return self.reference


class Posting(models.Model):
    """All postings of a transaction are written by one statement, and balance there (trigger `balanced`)."""

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="postings")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="postings")
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        constraints = [models.CheckConstraint(condition=~models.Q(amount=0), name="posting_not_zero")]
        triggers = [
            *append_only(),
            pgtrigger.Trigger(
                name="balanced",
                level=pgtrigger.Statement,
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                referencing=pgtrigger.Referencing(new="new_values"),
                func=BALANCED,
            ),
        ]
