"""Booking: the one way postings are written."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import IntegrityError, connection, transaction

from .models import Account
from .recipes import RECIPES

# Accounts known to be committed. Accounts are never removed, so this only ever grows.
_known: set[tuple[str, str, str]] = set()


class AlreadyBooked(Exception):
    """This business reference has its booking; nothing was written."""


def book(
    *, recipe: str, reference: str, amount: int, currency: str, occurred_at: datetime, **parties: str
) -> None:
    """Post `amount` minor units by `recipe` under `reference`, inside the caller's transaction.

    `parties` name the owners the recipe's lines ask for (channel=, seller=). Raises AlreadyBooked.
    """
    lines = [(line.kind.value, parties[line.owner], line.sign * amount) for line in RECIPES[recipe]]
    ensure_accounts({(kind, owner, currency) for kind, owner, _amount in lines})
    kinds, owners, amounts = zip(*lines, strict=True)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "WITH t AS (INSERT INTO ledger_transaction (reference, recipe, occurred_at)"
                " VALUES (%s, %s, %s) RETURNING id)"
                " INSERT INTO ledger_posting (transaction_id, account_id, amount, currency)"
                " SELECT t.id, a.id, line.amount, a.currency"
                " FROM t, unnest(%s::text[], %s::text[], %s::bigint[]) AS line(kind, owner, amount)"
                " JOIN ledger_account a ON a.kind = line.kind AND a.owner = line.owner AND a.currency = %s",
                [reference, recipe, occurred_at, list(kinds), list(owners), list(amounts), currency],
            )
    except IntegrityError as error:
        if "ledger_transaction_reference" in str(error):
            raise AlreadyBooked(reference) from error
        raise


def ensure_accounts(wanted: set[tuple[str, str, str]]) -> None:
    """Create the (kind, owner, currency) accounts that are missing."""
    missing = sorted(wanted - _known)
    if not missing:
        return
    Account.objects.bulk_create(
        [Account(kind=kind, owner=owner, currency=currency) for kind, owner, currency in missing],
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
    """`book` for many movements by one recipe. Raises AlreadyBooked and then books none.

    Rows travel as JSON, which costs a tenth of binding them one by one, and carry their ids, because the planner
    cannot know how many there are and would join thousands by nested loops.
    """
    ensure_accounts({(kind, owner, b.currency) for b in bookings for kind, owner, _sign in _lines(recipe, b)})
    accounts = {
        (a.kind, a.owner, a.currency): a.pk for a in Account.objects.filter(owner__in=_owners(bookings))
    }
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT ARRAY(SELECT nextval('ledger_transaction_id_seq') FROM generate_series(1, %s))",
                [len(bookings)],
            )
            numbered = list(zip(cursor.fetchone()[0], bookings, strict=True))
            cursor.execute(
                "INSERT INTO ledger_transaction (id, reference, recipe, occurred_at) SELECT id, reference, %s, at"
                " FROM jsonb_to_recordset(%s::jsonb) AS b(id bigint, reference text, at timestamptz)",
                [
                    recipe,
                    json.dumps(
                        [
                            {"id": i, "reference": b.reference, "at": b.occurred_at.isoformat()}
                            for i, b in numbered
                        ]
                    ),
                ],
            )
            postings = [
                {
                    "t": i,
                    "a": accounts[kind, owner, b.currency],
                    "amount": sign * b.amount,
                    "currency": b.currency,
                }
                for i, b in numbered
                for kind, owner, sign in _lines(recipe, b)
            ]
            cursor.execute(
                "INSERT INTO ledger_posting (transaction_id, account_id, amount, currency) SELECT t, a, amount, currency"
                " FROM jsonb_to_recordset(%s::jsonb) AS p(t bigint, a bigint, amount bigint, currency text)",
                [json.dumps(postings)],
            )
    except IntegrityError as error:
        if "ledger_transaction_reference" in str(error):
            raise AlreadyBooked(", ".join(b.reference for b in bookings[:3])) from error
        raise


def _lines(recipe: str, booking: Booking) -> list[tuple[str, str, int]]:
    return [(line.kind.value, booking.parties[line.owner], line.sign) for line in RECIPES[recipe]]


def _owners(bookings: Sequence[Booking]) -> set[str]:
    return {owner for booking in bookings for owner in booking.parties.values()}
