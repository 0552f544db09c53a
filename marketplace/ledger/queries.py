"""Balances, trial balance and statements, as of any instant. Amounts are debits minus credits, in minor units."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Sum

from .models import Account, Posting


def balance(kind: str, owner: str, currency: str, *, at: datetime | None = None) -> int:
    """What the account came to at `at` (inclusive), or comes to now."""
    account = Account.objects.filter(kind=kind, owner=owner, currency=currency).first()
    if account is None:
        return 0
    if at is None and account.balance is not None:
        return account.balance
    postings = Posting.objects.filter(account=account)
    if at is not None:
        postings = postings.filter(transaction__occurred_at__lte=at)
    return int(postings.aggregate(total=Sum("amount"))["total"] or 0)


def balances(owner: str) -> dict[tuple[str, str], int]:
    """What each of the owner's accounts comes to now, by currency and kind; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.currency, a.kind, coalesce(a.balance,"
            " (SELECT sum(p.amount) FROM ledger_posting p WHERE p.account_id = a.id), 0)::bigint"
            " FROM ledger_account a WHERE a.owner = %s ORDER BY a.currency, a.kind",
            [owner],
        )
        return {(currency, kind): amount for currency, kind, amount in cursor.fetchall()}


def posted(reference: str, kind: str) -> int:
    """What the booking under this reference moved on accounts of this kind; 0 where it did not."""
    rows = Posting.objects.filter(transaction__reference=reference, account__kind=kind)
    return int(rows.aggregate(total=Sum("amount"))["total"] or 0)


class TrialRow(NamedTuple):
    kind: str
    owner: str
    currency: str
    balance: int


def trial_balance(at: datetime, *, owner: str | None = None) -> list[TrialRow]:
    """Every account that was ever posted to until `at`, by currency, kind and owner; each currency sums to zero.

    With `owner` only that owner's accounts, which sum to what they sum to.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.kind, a.owner, a.currency, sum(p.amount)::bigint FROM ledger_posting p"
            " JOIN ledger_account a ON a.id = p.account_id JOIN ledger_transaction t ON t.id = p.transaction_id"
            " WHERE t.occurred_at <= %(at)s AND (%(owner)s::text IS NULL OR a.owner = %(owner)s)"
            " GROUP BY a.id ORDER BY a.currency, a.kind, a.owner",
            {"at": at, "owner": owner},
        )
        return [TrialRow(*row) for row in cursor.fetchall()]


class StatementLine(NamedTuple):
    at: datetime
    reference: str
    recipe: str
    amount: int
    balance: int  # after this line


def statement(
    kind: str, owner: str, currency: str, *, since: datetime, until: datetime, limit: int | None = None
) -> Iterator[StatementLine]:
    """The account's movements with since <= at < until, oldest first, each with the balance it led to; with `limit`
    the first so many.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM (SELECT t.occurred_at, t.reference, t.recipe, p.amount,"
            " (sum(p.amount) OVER (ORDER BY t.occurred_at, p.id))::bigint AS balance FROM ledger_posting p"
            " JOIN ledger_account a ON a.id = p.account_id JOIN ledger_transaction t ON t.id = p.transaction_id"
            " WHERE a.kind = %s AND a.owner = %s AND a.currency = %s AND t.occurred_at < %s"
            " ORDER BY t.occurred_at, p.id) AS line WHERE occurred_at >= %s LIMIT %s",
            [kind, owner, currency, until, since, limit],
        )
        for row in cursor.fetchall():
            yield StatementLine(*row)
