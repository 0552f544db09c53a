"""Every invariant as one query that returns its breaks; `manage.py verify` runs them all.

The database holds most of these by constraint. They are asked again because a restore, a superuser or a bug in a
constraint could have broken what no constraint will look at again.
"""

from django.db import connection

from .cases import CASES
from .desk import DESK
from .invariant import Invariant
from .money import MONEY

INVARIANTS = (*MONEY, *CASES, *DESK)


def breaks(invariant: Invariant, limit: int = 100) -> list[tuple[object, ...]]:
    """Up to `limit` rows that break the invariant."""
    with connection.cursor() as cursor:
        cursor.execute(f"{invariant.sql} LIMIT {limit}", [])
        found: list[tuple[object, ...]] = cursor.fetchall()
        return found
