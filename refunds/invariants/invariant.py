"""What one invariant is."""

from typing import NamedTuple


class Invariant(NamedTuple):
    """`sql` returns one row per break, its first column naming the row that is wrong."""

    name: str
    law: str
    sql: str


def states(of: frozenset[str]) -> str:
    """As a list in SQL."""
    return ", ".join(f"'{state}'" for state in sorted(map(str, of)))
