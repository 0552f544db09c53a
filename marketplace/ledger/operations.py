"""Booking: the one way postings are written."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import IntegrityError, connection, transaction

from .models import KEPT, Account, Kind
from .recipes import RECIPES, REVERSAL

AccountKey = tuple[str, str, str]  # kind, owner, currency

# Accounts known to be committed. Accounts are never removed, so this only ever grows.
_known: set[tuple[str, str, str]] = set()


class AlreadyBooked(Exception):
    """This business reference has its booking; nothing was written."""


class NothingToReverse(Exception):
    """No booking stands under this reference, or its reversal does already; nothing was written."""


class AccountMissing(Exception):
    """An account this process took for granted is gone (a restored database); the caller's transaction fails, and
    the next try creates it."""


# Header and postings in one round trip; the counts tell a known reference from a missing account.
_BOOK = """
WITH t AS (
    INSERT INTO ledger_transaction (reference, recipe, occurred_at) VALUES (%s, %s, %s)
    ON CONFLICT (reference) DO NOTHING RETURNING id
), p AS (
    INSERT INTO ledger_posting (transaction_id, account_id, amount, currency)
    SELECT t.id, a.id, line.amount, a.currency
    FROM t, unnest(%s::text[], %s::text[], %s::bigint[]) AS line(kind, owner, amount)
    JOIN ledger_account a ON a.kind = line.kind AND a.owner = line.owner AND a.currency = %s
    RETURNING 1
)
SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM p)
"""


def book(
    *,
    recipe: str,
    reference: str,
    amount: int,
    currency: str,
    occurred_at: datetime,
    shares: Mapping[str, int] | None = None,
    **parties: str,
) -> None:
    """Post `amount` minor units by `recipe` under `reference`, inside the caller's transaction.

    `parties` name the owners the recipe's lines ask for (channel=, seller=); `shares` say how its lines with a share
    divide the amount. Raises AlreadyBooked, AccountMissing; IntegrityError where the shares miss the amount or an
    account would turn its balance (a payable in debit).
    """
    lines = [
        (line.kind.value, parties.get(line.owner, line.owner), line.sign * part)
        for line in RECIPES[recipe]
        if (part := (shares or {}).get(line.share, 0) if line.share else amount)
    ]
    ensure_accounts({(kind, owner, currency) for kind, owner, _amount in lines})
    kinds, owners, amounts = zip(*lines, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _BOOK, [reference, recipe, occurred_at, list(kinds), list(owners), list(amounts), currency]
        )
        booked, posted = cursor.fetchone()
    if not booked:
        raise AlreadyBooked(reference)
    if posted != len(lines):
        _known.clear()
        raise AccountMissing(reference)


_REVERSE = """
WITH t AS (
    INSERT INTO ledger_transaction (reference, recipe, occurred_at)
    SELECT 'reversal:' || reference, %(recipe)s, %(at)s FROM ledger_transaction WHERE reference = %(reference)s
    ON CONFLICT (reference) DO NOTHING RETURNING id
)
INSERT INTO ledger_posting (transaction_id, account_id, amount, currency)
SELECT t.id, p.account_id, -p.amount, p.currency
FROM t, ledger_posting p JOIN ledger_transaction o ON o.id = p.transaction_id WHERE o.reference = %(reference)s
"""


def reverse(reference: str, occurred_at: datetime) -> None:
    """Book the opposite of what stands under `reference`, as "reversal:<reference>": nothing is edited (G1).

    Raises NothingToReverse, where it was never booked or is reversed already; IntegrityError as `book` does.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REVERSE, {"recipe": REVERSAL, "at": occurred_at, "reference": reference})
        if not cursor.rowcount:
            raise NothingToReverse(reference)


def lock_balances(kinds: Iterable[Kind], owner: str, currency: str) -> dict[str, int]:
    """The kept balances of an owner's accounts as positive amounts, locked until commit; 0 where there is no account.

    An account that is missing here is not locked: who creates it meanwhile only adds to what was found.
    """
    kinds = list(kinds)
    rows = (
        Account.objects.select_for_update(no_key=True)
        .filter(kind__in=kinds, owner=owner, currency=currency)
        .order_by("id")
        .values_list("kind", "balance")
    )
    found = {kind: abs(balance or 0) for kind, balance in rows}
    return {kind.value: found.get(kind.value, 0) for kind in kinds}


def ensure_accounts(wanted: set[tuple[str, str, str]]) -> None:
    """Create the (kind, owner, currency) accounts that are missing."""
    missing = sorted(wanted - _known)
    if not missing:
        return
    Account.objects.bulk_create(
        [
            Account(kind=kind, owner=owner, currency=currency, balance=0 if kind in KEPT else None)
            for kind, owner, currency in missing
        ],
        ignore_conflicts=True,
    )
    transaction.on_commit(lambda: _known.update(missing))


class Booking(NamedTuple):
    """One movement of `book_many`; parties as in `book`."""

    reference: str
    amount: int
    currency: str
    occurred_at: datetime
    parties: dict[str, str]


def book_many(recipe: str, bookings: Sequence[Booking]) -> None:
    """`book` for many movements by one recipe without shares. Raises AlreadyBooked and then books none.

    Rows go by COPY with ids taken beforehand; accounts are looked up, not taken for granted.
    """
    lines = [(line.kind.value, line.owner, line.sign) for line in RECIPES[recipe]]
    accounts = _account_ids(
        {(kind, b.parties[owner], b.currency) for b in bookings for kind, owner, _s in lines}
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT ARRAY(SELECT nextval('ledger_transaction_id_seq') FROM generate_series(1, %s))",
                [len(bookings)],
            )
            numbered = list(zip(cursor.fetchone()[0], bookings, strict=True))
            with (
                connection.wrap_database_errors,
                cursor.copy(
                    "COPY ledger_transaction (id, reference, recipe, occurred_at) FROM STDIN"
                ) as rows,
            ):
                for i, b in numbered:
                    rows.write_row((i, b.reference, recipe, b.occurred_at))
            with (
                connection.wrap_database_errors,
                cursor.copy(
                    "COPY ledger_posting (transaction_id, account_id, amount, currency) FROM STDIN"
                ) as rows,
            ):
                for i, b in numbered:
                    for kind, owner, sign in lines:
                        account = accounts[kind, b.parties[owner], b.currency]
                        rows.write_row((i, account, sign * b.amount, b.currency))
    except IntegrityError as error:
        if "ledger_transaction_reference" in str(error):
            raise AlreadyBooked(", ".join(b.reference for b in bookings[:3])) from error
        raise


def _account_ids(wanted: set[AccountKey]) -> dict[AccountKey, int]:
    """Ids by (kind, owner, currency); what is missing is created, whatever `_known` remembers."""
    found = _accounts(wanted)
    if missing := wanted - found.keys():
        _known.difference_update(missing)
        ensure_accounts(missing)
        found = _accounts(wanted)
    return found


def _accounts(wanted: set[AccountKey]) -> dict[AccountKey, int]:
    rows = Account.objects.filter(owner__in={owner for _kind, owner, _currency in wanted})
    return {(a.kind, a.owner, a.currency): a.pk for a in rows}
