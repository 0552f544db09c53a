"""Which decided cases a run is over, and reading them: by ranges of the key, so that parts can be judged apart.

The statements are written out because they go over a million rows; docs/performance.md says what they cost.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.db import connection

from ..machine import PAYABLE, State
from ..models import BacktestRun, Decision, PolicyVersion

PART = 20_000  # cases; half a second of work

# A request decided again (a wait that is over, an application made anew) is one case, as it was decided last. Reading
# by request keeps to the order of one index, so that nothing is sorted or looked up row by row.
_LAST = """
    SELECT DISTINCT ON (request_id) {columns} FROM refunds_decision
    WHERE id <= %(as_of)s {within} ORDER BY request_id, id DESC
"""
_CHOSEN = "d.policy_id = ANY(%(policies)s::bigint[]) AND d.at >= %(since)s AND d.at < %(until)s"
_LOT = "hashint8extended(d.request_id, %(seed)s::bigint)"

_PARTS = f"""
WITH chosen AS (
    SELECT d.request_id, {_LOT} AS lot
    FROM ({_LAST.format(columns="request_id, policy_id, at", within="")}) d WHERE {_CHOSEN} {{sampled}}
), numbered AS (
    SELECT request_id, lot, (row_number() OVER (ORDER BY request_id) - 1) / %(part)s AS number FROM chosen
)
SELECT min(request_id), max(request_id), count(*), max(lot) FROM numbered GROUP BY number ORDER BY number
"""
_SAMPLED = "ORDER BY lot, d.request_id LIMIT %(sample)s"

# What a person said of it since: their last judgement, and against it where a supervisor heard the seller's appeal.
_WITHIN = "AND request_id >= %(first)s AND request_id <= %(last)s"
_CASES = f"""
SELECT d.request_id, d.policy_id, d.outcome, d.at::text, d.facts::text,
    CASE WHEN j.id IS NULL THEN ''
        WHEN j.outcome = 'reject' OR EXISTS (
            SELECT 1 FROM refunds_appeal a WHERE a.request_id = j.request_id AND a.party = 'seller'
            AND a.outcome = 'overturned' AND a.against_sequence = j.sequence
        ) THEN 'reject' ELSE 'approve' END,
    j.id IS NOT NULL AND EXISTS (
        SELECT 1 FROM refunds_transition t
        WHERE t.request_id = j.request_id AND t.sequence = j.sequence AND t.from_state = 'arbitration'
    )
FROM ({_LAST.format(columns="request_id, policy_id, outcome, at, facts", within=_WITHIN)}) d
LEFT JOIN (
    SELECT DISTINCT ON (request_id) id, request_id, sequence, outcome, at FROM refunds_judgement
    WHERE true {_WITHIN} ORDER BY request_id, sequence DESC
) j ON j.request_id = d.request_id AND j.at >= d.at
WHERE {_CHOSEN} AND (%(highest_lot)s::bigint IS NULL OR {_LOT} <= %(highest_lot)s::bigint)
ORDER BY d.request_id
"""

_ENDS = """
SELECT id, seller_id, currency, amount, state, approved_amount FROM refunds_refundrequest WHERE id = ANY(%s)
"""


class Span(NamedTuple):
    """A part of the cases: those of the run between two requests."""

    first: int
    last: int
    planned: int


class Plan(NamedTuple):
    as_of: int
    highest_lot: int | None
    spans: list[Span]


class Case(NamedTuple):
    """A decision as it was made: `facts` as text, and what a person ruled afterwards ("" where none did)."""

    request_id: int
    policy_id: int
    outcome: str
    at: str  # in ISO 8601, UTC
    facts: str
    ruling: str
    arbitrated: bool


class End(NamedTuple):
    """How a request stands now. `paid` is what goes back in minor units; None while it is open."""

    seller_id: int
    currency: str
    asked: int
    paid: int | None


def versions_of(goods_type: str) -> list[PolicyVersion]:
    return list(PolicyVersion.objects.filter(goods_type=goods_type).order_by("version"))


def plan(run: BacktestRun, policies: list[int]) -> Plan:
    """The cases as they are now, cut into parts: one statement over one index."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM refunds_decision")
        (as_of,) = cursor.fetchone()
        sampled = "" if run.sample is None else _SAMPLED
        cursor.execute(
            _PARTS.format(sampled=sampled),
            {**_choice(run, policies), "as_of": as_of, "part": PART, "sample": run.sample},
        )
        rows = cursor.fetchall()
    highest = max((row[3] for row in rows), default=None) if run.sample is not None else None
    return Plan(as_of, highest, [Span(*row[:3]) for row in rows])


def parts_at_most(run: BacktestRun, at_most: int) -> int:
    """How many parts the run can have before it is planned, counted to `at_most`: its days are not looked at."""
    cases = decided_cases(run.goods_type, at_most=at_most * PART)
    return -(-min(cases, run.sample or cases) // PART)


def cases_of(run: BacktestRun, policies: list[int], first: int, last: int) -> list[Case]:
    """The cases of one part, by the key."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CASES,
            {**_choice(run, policies), "as_of": run.as_of, "first": first, "last": last, "highest_lot": run.highest_lot},
        )  # fmt: skip
        return list(map(Case._make, cursor.fetchall()))


def ends_of(request_ids: Iterable[int]) -> dict[int, End]:
    with connection.cursor() as cursor:
        cursor.execute(_ENDS, [list(request_ids)])
        return dict(_ends(cursor.fetchall()))


def decided_cases(goods_type: str, *, at_most: int, as_of: int | None = None) -> int:
    """How many requests for these goods were decided, counted to `at_most`: what a run could be over. `as_of` is the
    last decision looked at.
    """
    policies = [version.pk for version in versions_of(goods_type)]
    decided = Decision.objects.filter(policy_id__in=policies).order_by()
    if as_of is not None:
        decided = decided.filter(pk__lte=as_of)
    return decided.values("request").distinct()[:at_most].count()


def _choice(run: BacktestRun, policies: list[int]) -> dict[str, Any]:
    return {"policies": policies, "since": run.since, "until": run.until, "seed": run.seed}


_UNPAID = {State.REJECTED, State.WITHDRAWN, State.REPLACED}


def _ends(rows: Iterable[tuple[int, int, str, int, str, int | None]]) -> Iterator[tuple[int, End]]:
    for request_id, seller_id, currency, asked, state, approved in rows:
        paid = approved if state in PAYABLE else 0 if state in _UNPAID else None
        yield request_id, End(seller_id, currency, asked, paid)
