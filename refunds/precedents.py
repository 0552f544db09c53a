"""The decided cases nearest to one that is to be decided (requirement F9), and what they say about it.

Near is: the same goods, the same reason, the same findings of the policy, the same words. Words are found by tokens:
of Chinese text every two neighbouring characters, of Latin text its words (there is no dictionary to keep).
"""

import re
import time
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from .faults import FOR_BUYER
from .machine import Party
from .models import Decision, Judgement, Message, RefundRequest

# What each likeness adds; together 1.
GOODS, REASON, FINDINGS, WORDS = 0.15, 0.25, 0.35, 0.25
SHOWN = 5
FLOOR = 0.8  # below it a case is shown, but binds nobody: all alike and not a word in common is a kind, no precedent
CLEAR = 3  # so many of those shown above the floor, all decided the other way, want a reason

# Bounds that keep the search at a few milliseconds over any number of decided cases.
LATEST = 200  # of the same goods and reason
MATCHES = 1500  # rows that the rarest words may be expected to find; the best of them by rank are scored
BEST = 200
MOST_TOKENS = 64
STATISTICS_SECONDS = 300.0

_RUN = re.compile(r"[\u3400-\u9fff]+|[a-z0-9]+")
_NUMBER = re.compile(r"\d{5,}")  # of an account, an order, a telephone: says who, not what


class Question(NamedTuple):
    """What is known of the case to be decided."""

    request_id: int
    goods_type: str
    reason: str
    results: frozenset[str]
    tokens: tuple[str, ...]
    before: datetime | None = None  # none that was decided later


class Precedent(NamedTuple):
    """A decided case, and how it is like this one. Shares are between 0 and 1."""

    number: str
    outcome: str
    fault: str
    clause: str
    at: datetime
    same_goods: bool
    same_reason: bool
    findings: float
    words: float

    @property
    def similarity(self) -> float:
        return (
            GOODS * self.same_goods
            + REASON * self.same_reason
            + FINDINGS * self.findings
            + WORDS * self.words
        )

    @property
    def binds(self) -> bool:
        return self.similarity >= FLOOR

    @property
    def is_for_buyer(self) -> bool:
        return self.outcome in FOR_BUYER


def tokens_of(text: str) -> list[str]:
    """Each token once, in the order of the text, at most MOST_TOKENS."""
    found: dict[str, None] = {}
    for run in _RUN.findall(unicodedata.normalize("NFKC", text).lower()):
        if run.isascii():
            parts = [] if _NUMBER.search(run) else [run[:32]]
        else:
            parts = [run[i : i + 2] for i in range(len(run) - 1)] or [run]
        found.update(dict.fromkeys(parts))
    return list(found)[:MOST_TOKENS]


def question_of(request: RefundRequest) -> Question:
    """`request` with its order. What both sides said counts; what staff said is about the answer."""
    said = Message.objects.filter(
        request.in_view(), request=request, author__in=[Party.BUYER, Party.SELLER], is_internal=False
    ).order_by("id")
    decision = Decision.objects.filter(request.in_view(), request=request).order_by("-id").first()
    return Question(
        request_id=request.pk,
        goods_type=request.order.goods_type,
        reason=request.reason,
        results=frozenset(finding["key"] for finding in decision.findings) if decision else frozenset(),
        tokens=tuple(tokens_of("\n".join([request.description, *said.values_list("text", flat=True)]))),
        before=request.as_of,
    )


_KEEP = """
INSERT INTO refunds_casewords (request_id, judgement_id, goods_type, reason, results, tokens)
VALUES (%s, %s, %s, %s, %s, array_to_tsvector(%s::text[]))
ON CONFLICT (request_id) DO UPDATE SET judgement_id = EXCLUDED.judgement_id, results = EXCLUDED.results,
    tokens = EXCLUDED.tokens
"""


def remember(judgement: Judgement, question: Question) -> None:
    """Make the case just decided findable; one decided again is found by its last judgement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            [
                question.request_id,
                judgement.pk,
                question.goods_type,
                question.reason,
                " ".join(sorted(question.results)),
                list(question.tokens),
            ],
        )


# The latest of the same kind, and those with the same rare words, whatever their kind. A stripped tsvector ranks by
# the share of the query's words it holds: ts_rank divides by pi^2/6, which is taken out again.
_NEAREST = """
WITH near AS (
    (SELECT request_id FROM refunds_casewords
     WHERE goods_type = %(goods_type)s AND reason = %(reason)s AND request_id <> %(request)s
     ORDER BY judgement_id DESC LIMIT %(latest)s)
    UNION
    (SELECT request_id FROM refunds_casewords
     WHERE tokens @@ %(rare)s::tsquery AND request_id <> %(request)s
     ORDER BY ts_rank('{1,1,1,1}', tokens, %(all)s::tsquery) DESC LIMIT %(best)s)
)
SELECT r.number, j.outcome, j.fault, j.clause, j.at, w.goods_type, w.reason, w.results, length(w.tokens),
    ts_rank('{1,1,1,1}', w.tokens, %(all)s::tsquery) * 1.6449340668
FROM near JOIN refunds_casewords w USING (request_id) JOIN refunds_judgement j ON j.id = w.judgement_id
JOIN refunds_refundrequest r ON r.id = w.request_id
WHERE j.at < coalesce(%(before)s::timestamptz, 'infinity')
"""


def nearest(question: Question, limit: int = SHOWN) -> list[Precedent]:
    """The nearest decided cases, nearest first; of equals the latest. One query, bounded whatever there is."""
    with connection.cursor() as cursor:
        cursor.execute(
            _NEAREST,
            {
                "request": question.request_id,
                "goods_type": question.goods_type,
                "reason": question.reason,
                "rare": _any_of(_rarest(question.tokens)),
                "all": _any_of(question.tokens),
                "latest": LATEST,
                "best": BEST,
                "before": question.before,
            },
        )
        rows = cursor.fetchall()
    found = [_weigh(question, *row) for row in rows]
    return sorted(found, key=lambda case: (case.similarity, case.at, case.number), reverse=True)[:limit]


def against(precedents: Iterable[Precedent], *, for_buyer: bool) -> list[Precedent]:
    """Those that a decision for the buyer (or not) departs from, where they are a clear majority; else none."""
    other_way = [case for case in precedents if case.binds and case.is_for_buyer != for_buyer]
    return other_way if len(other_way) >= CLEAR else []


def _weigh(
    question: Question,
    number: str,
    outcome: str,
    fault: str,
    clause: str,
    at: datetime,
    goods_type: str,
    reason: str,
    results: str,
    length: int,
    share: float,
) -> Precedent:
    theirs = frozenset(results.split())
    both = question.results | theirs
    return Precedent(
        number,
        outcome,
        fault,
        clause,
        at,
        same_goods=goods_type == question.goods_type,
        same_reason=reason == question.reason,
        findings=len(question.results & theirs) / len(both) if both else 0.0,
        # Common words, twice, by all words of the two: a short text is not like every long one that holds it.
        words=2 * round(share * len(question.tokens)) / (len(question.tokens) + length)
        if question.tokens
        else 0.0,
    )


def _any_of(tokens: Sequence[str]) -> str:
    """A tsquery; tokens are letters and digits, so quoting is all they need."""
    return " | ".join(f"'{token}'" for token in tokens)


_STATISTICS = """
SELECT greatest(c.reltuples, 0), s.most_common_elems::text::text[], s.most_common_elem_freqs
FROM pg_class c LEFT JOIN pg_stats s
    ON s.schemaname = current_schema() AND s.tablename = c.relname AND s.attname = 'tokens'
WHERE c.oid = 'refunds_casewords'::regclass
"""
_statistics: tuple[float, float, dict[str, float]] = (0.0, 0.0, {})


def _rarest(tokens: Sequence[str]) -> list[str]:
    """The rarest of these words, as many as find MATCHES rows at most. What everybody writes finds nothing out.

    How often a word occurs the planner counted for itself; one it does not list is rare.
    """
    rows, shares = _frequencies()
    chosen, expected = [], 0.0
    for token in sorted(tokens, key=lambda token: shares.get(token, 0.0)):
        expected += shares.get(token, 0.0) * rows
        if expected > MATCHES:
            break
        chosen.append(token)
    return chosen


def _frequencies() -> tuple[float, dict[str, float]]:
    """Rows, and the share of them that holds each common token; as old as the last ANALYZE, or a few minutes more."""
    global _statistics
    read_at, rows, shares = _statistics
    if not read_at or time.monotonic() - read_at > STATISTICS_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(_STATISTICS)
            rows, common, frequencies = cursor.fetchone()
        shares = dict(
            zip(common or [], frequencies or [], strict=False)
        )  # the frequencies end in their bounds
        _statistics = (time.monotonic(), rows, shares)
    return rows, shares
