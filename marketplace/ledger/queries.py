"""Balances, summed from the postings: no row for writers to queue at."""

from django.db.models import Sum

from .models import Account, Posting


def balance(kind: str, owner: str, currency: str) -> int:
    """Debits minus credits, minor units."""
    account = Account.objects.filter(kind=kind, owner=owner, currency=currency).first()
    total = Posting.objects.filter(account=account).aggregate(total=Sum("amount"))["total"] if account else 0
    return total or 0
