"""Bring the figures up to date: the days that something new is counted on are made anew, whole (requirement K2).

What is new is read from the tables of history by id, beyond a mark. Ids are given before a transaction commits, so a row
may appear below one that was seen long ago: a mark that followed the highest id seen would lose it for ever. Therefore
a mark moves in two steps. A run notes the highest id, and after that takes a transaction number of its own. A later run
that finds no transaction under way which is older than that number knows that all up to that id is there, or will never
be; only then is it done. Until then those rows are read again with each run, which changes nothing (docs/adr/0018).
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection, transaction

from ..figures.periods import in_a_row
from ..figures.rollups import ROLLUPS, SOURCES, Rollup, touched
from ..models.figures import FigureMark

_HIGHEST = "SELECT " + ", ".join(f"(SELECT max(id) FROM {table})" for table in SOURCES.values())
# A snapshot names the transactions of all databases of the server; those of others write nothing here, and one of them may
# take for ever. Whose database is not known is taken for ours.
_UNDER_WAY = """
WITH elsewhere AS (
    SELECT l.transactionid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'transactionid' AND l.granted AND l.mode = 'ExclusiveLock' AND a.datname <> current_database()
)
SELECT pg_current_xact_id()::text::bigint, coalesce(
    (SELECT min(x::text::bigint) FROM pg_snapshot_xip(pg_current_snapshot()) x
     WHERE NOT EXISTS (SELECT 1 FROM elsewhere e WHERE e.transactionid = x::xid)),
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
"""


def roll_up(now: datetime) -> bool:
    """False, and nothing done, where another run is at it. All of a run commits or nothing does."""
    FigureMark.objects.bulk_create([FigureMark(source=source) for source in SOURCES], ignore_conflicts=True)
    with transaction.atomic(durable=True):
        seen = _highest()  # before this transaction has a number
        marks = list(FigureMark.objects.select_for_update(skip_locked=True).order_by("source"))
        if len(marks) < len(SOURCES):
            return False
        number, oldest = _under_way()
        for rollup in ROLLUPS:
            make_anew(rollup, {mark.source: mark.done for mark in marks})
        for mark in marks:
            if mark.seen_by <= oldest:
                mark.done, mark.seen, mark.seen_by = mark.seen, seen[mark.source], number
            mark.at = now
            mark.save()
    return True


def make_anew(rollup: Rollup, done: Mapping[str, int]) -> None:
    """All rows of the days touched by what lies beyond the marks."""
    days = touched(rollup, {source: f"%({source})s" for source in SOURCES})
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT day FROM ({days}) d(day) ORDER BY day", done)
        found = [day for (day,) in cursor.fetchall()]
        cursor.execute(f"DELETE FROM {rollup.table} WHERE day = ANY(%s)", [found])
        for period in in_a_row(found):
            starts, ends = period.instants
            cursor.execute(
                f"INSERT INTO {rollup.table} ({rollup.columns}) {rollup.rows}",
                {"starts": starts, "ends": ends},
            )


def _highest() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_HIGHEST)
        return {source: found or 0 for source, found in zip(SOURCES, cursor.fetchone(), strict=True)}


def _under_way() -> tuple[int, int]:
    """The number of this transaction, and that of the oldest one in this database which has not ended."""
    with connection.cursor() as cursor:
        cursor.execute(_UNDER_WAY)
        number, oldest = cursor.fetchone()
        return number, oldest
