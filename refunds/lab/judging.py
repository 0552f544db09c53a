"""Deciding a case anew under a draft, by the moment and the facts it was decided by."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import from_json

from ..policy import Decision, Facts, Finding, Terms, decide, deciding
from .cases import Case, End, ends_of
from .tally import Effect, Kind, Tally

# What is the machine's own word; the rest is left to people.
VERDICTS = frozenset({"approve", "reject"})


class Flip(NamedTuple):
    """A case that the draft decides otherwise: the decision by its own version, made anew, and the draft's."""

    request_id: int
    was: Decision
    would_be: Decision
    effect: Effect


class Judged(NamedTuple):
    tally: Tally
    flips: list[Flip]


def judge(cases: Iterable[Case], draft: Terms, versions: Mapping[int, Terms]) -> Judged:
    """Decide every case under the draft. `versions` holds the terms each was decided by, by policy id.

    What was decided is kept and decisions are pure, so the version is asked again only where the draft departs from
    what is kept: then it is known whether the terms did it, or the program, which has changed since.
    """
    tally, apart = Tally(), []
    kinds = tally.kinds
    for case in cases:
        try:
            facts = Facts.from_json(from_json(case.facts))
            at = datetime.fromisoformat(case.at)
            made = decide(facts, draft, at)
        except (
            ValueError,
            TypeError,
        ) as wrong:  # FactsUnreadable, UnknownReason; an amount that is no number
            tally.fail(case.request_id, str(wrong))
            continue
        was = case.outcome
        if made.outcome != was:
            before = decide(facts, versions[case.policy_id], at)
            tally.by_program += before.outcome != was
            was = before.outcome
            if made.outcome != was:
                apart.append((case.request_id, facts.reason, before, made))
        kinds[Kind(was, made.outcome, facts.reason, case.ruling, case.arbitrated)] += 1
    ends = ends_of([request_id for request_id, *_rest in apart])
    flips = [
        Flip(request_id, was, would_be, _effect(reason, was, would_be, ends[request_id]))
        for request_id, reason, was, would_be in apart
    ]
    for flip in flips:
        tally.add(flip.effect)
    return Judged(tally, flips)


def _effect(reason: str, was: Decision, would_be: Decision, end: End) -> Effect:
    """What goes back under the draft: what it approves, nothing where it rejects, what people found where it leaves to
    people what was left to them before; and nobody knows what they would have found of the rest.
    """
    after: int | None
    if end.paid is None:
        after = None
    elif would_be.outcome in VERDICTS:
        after = would_be.amount if would_be.outcome == "approve" else 0
    else:
        after = None if was.outcome in VERDICTS else end.paid
    return Effect(end.seller_id, reason, end.currency, end.asked, end.paid, after)


def finding(decision: Decision) -> dict[str, Any] | None:
    """The finding that settled it, as decisions keep them."""
    settled: Finding | None = deciding(decision)
    return None if settled is None else settled.to_json()
