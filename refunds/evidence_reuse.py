"""Where a file was seen before (requirement D4): the same bytes, or a picture that looks alike, in another case.

Computed when it is read, both ways at once: the earlier case shows it as well, and two files that came in at the
same moment are not missed. It is a flag for a reviewer, and decides nothing.
"""

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from .evidence.similar import FLIPS, NEAR

FEW = 5  # of each file


class Reuse(NamedTuple):
    """The file it resembles: its case, its number there, the bits of 64 that differ (None: the same bytes)."""

    number: str
    position: int
    distance: int | None
    same_buyer: bool

    @property
    def is_exact(self) -> bool:
        return self.distance is None


# Each arm is served by an index: two hashes, and the bands with each bit turned once (evidence/similar.py).
_SQL = """
SELECT e.id, r.number, o.position, o.distance, r.buyer_id = mine.buyer_id
FROM refunds_evidence e
JOIN refunds_refundrequest mine ON mine.id = e.request_id
CROSS JOIN LATERAL (
    SELECT array_agg(band # flip) AS probes, coalesce(%(before)s::timestamptz, 'infinity') AS before FROM unnest(e.bands) AS band, unnest(%(flips)s::int[]) AS flip
) p
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (found.id) found.id, found.request_id, found.position, found.distance FROM (
        (SELECT x.id, x.request_id, x.position, NULL::int AS distance FROM refunds_evidence x
         WHERE x.original_sha256 = e.original_sha256 AND x.request_id <> e.request_id AND x.at < p.before LIMIT %(few)s)
        UNION ALL
        (SELECT x.id, x.request_id, x.position, NULL::int FROM refunds_evidence x
         WHERE x.sha256 = e.sha256 AND x.request_id <> e.request_id AND x.at < p.before LIMIT %(few)s)
        UNION ALL
        (SELECT x.id, x.request_id, x.position, bit_count((x.dhash # e.dhash)::bit(64))::int FROM refunds_evidence x
         WHERE x.bands && p.probes AND x.request_id <> e.request_id
           AND x.at < p.before AND bit_count((x.dhash # e.dhash)::bit(64)) <= %(near)s LIMIT %(few)s)
    ) found ORDER BY found.id, found.distance NULLS FIRST
) o
JOIN refunds_refundrequest r ON r.id = o.request_id
WHERE e.request_id = %(request)s
ORDER BY e.id, o.distance NULLS FIRST, o.id
"""


def reused(request_id: int, before: datetime | None = None) -> dict[int, list[Reuse]]:
    """By evidence id, the likest first; FEW of each file at most. With `before`, as of that instant."""
    found: dict[int, list[Reuse]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL, {"request": request_id, "flips": list(FLIPS), "near": NEAR, "few": FEW, "before": before}
        )
        for evidence_id, *rest in cursor.fetchall():
            if len(found[evidence_id]) < FEW:
                found[evidence_id].append(Reuse(*rest))
    return dict(found)
