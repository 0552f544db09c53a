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


# Every posting moves the balance of an account that keeps one, rows locked in the order of their ids.
MOVE_BALANCES = """
    FOR moved IN SELECT account_id, sum(amount) AS amount FROM new_values GROUP BY account_id ORDER BY account_id LOOP
        UPDATE ledger_account SET balance = balance + moved.amount
        WHERE id = moved.account_id AND balance IS NOT NULL;
    END LOOP;
    RETURN NULL;
"""

PLATFORM = "platform"  # the owner of what belongs to no channel and no seller


class Kind(models.TextChoices):
    """The chart of accounts; an account is a kind, its owner (a channel, a seller, the platform) and a currency."""

    # What we have (debit balances)
    CLEARING = "clearing", _("Channel clearing")  # money at a channel
    BANK = "bank", _("Bank")
    DISPUTED = "disputed", _("Disputed at the channel")  # taken by a chargeback that is not decided
    DEBT = "debt", _("Seller's debt")  # advanced for a seller who could not pay
    # What we owe (credit balances)
    ESCROW = "escrow", _("Escrow")
    PAYABLE = "payable", _("Seller's payable")
    DEPOSIT = "deposit", _("Seller's deposit")
    WITHDRAWING = "withdrawing", _("On its way to the seller")
    ADVANCE = "advance", _("Advance fund")
    # What we earn and lose
    PLATFORM_FEE = "platform_fee", _("Commission earned")
    CHARGEBACK_LOSS = "chargeback_loss", _("Chargeback losses")
    CHANNEL_FEES = "channel_fees", _("Channel fees")
    COMPENSATION = "compensation", _("Refunds made good to sellers")


# Accounts whose balance somebody decides by carry it in their row, where a CHECK bounds it. The others are posted to
# by everybody at once, and a row of theirs would make all bookings wait for each other: they are summed when asked.
NEVER_IN_DEBIT = (Kind.PAYABLE, Kind.DEPOSIT, Kind.WITHDRAWING, Kind.ADVANCE)
NEVER_IN_CREDIT = (Kind.DEBT,)
KEPT = (*NEVER_IN_DEBIT, *NEVER_IN_CREDIT)


class Account(models.Model):
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    owner = models.CharField(_("owner"), max_length=64)
    currency = models.CharField(_("currency"), max_length=3)
    balance = models.BigIntegerField(
        _("balance"), null=True
    )  # of KEPT kinds, written by the trigger on Posting alone

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(fields=["kind", "owner", "currency"], name="account_once"),
            # Target of the foreign key that holds each posting to its account's currency (migration 0002).
            models.UniqueConstraint(fields=["id", "currency"], name="account_currency"),
            models.CheckConstraint(
                condition=models.Q(kind__in=KEPT, balance__isnull=False)
                | (~models.Q(kind__in=KEPT) & models.Q(balance__isnull=True)),
                name="balance_kept_where_it_decides",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind__in=NEVER_IN_DEBIT) | models.Q(balance__lte=0),
                name="never_in_debit",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind__in=NEVER_IN_CREDIT) | models.Q(balance__gte=0),
                name="never_in_credit",
            ),
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
        indexes = [models.Index(fields=["occurred_at"], name="transaction_by_time")]
        triggers = append_only()

    def __str__(self) -> str:
        return self.reference


class Posting(models.Model):
    """All postings of a transaction are written by one statement, and balance there (trigger `balanced`)."""

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="postings")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="postings", db_index=False)
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
            pgtrigger.Trigger(
                name="moves_balances",
                level=pgtrigger.Statement,
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                referencing=pgtrigger.Referencing(new="new_values"),
                declare=[("moved", "record")],
                func=MOVE_BALANCES,
            ),
        ]
        # A statement of account, and the sum of one that keeps no balance.
        indexes = [models.Index(fields=["account"], include=["amount"], name="posting_by_account")]
