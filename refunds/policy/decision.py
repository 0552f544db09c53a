"""From facts to a decision: every rule is asked, then the verdicts are combined by precedence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from .case import Case
from .explain import EXPLAIN, missing_evidence, would_change
from .facts import Facts
from .rules import RULES
from .terms import Terms
from .verdicts import Outcome, Result, Verdict

# From worst to best for the buyer; to wait is worse than to be heard and better than to be refused.
_KINDNESS: dict[Outcome, int] = {"reject": 0, "wait": 1, "review": 2, "ask_seller": 3, "approve": 4}


class Finding(NamedTuple):
    """What one rule found. `facts` are JSON values; `key` picks the text (`render`)."""

    rule: str
    result: Result
    clause: str
    facts: dict[str, Any]
    key: str

    def to_json(self) -> dict[str, Any]:
        return self._asdict()


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome with its whole trace (J2).

    `amount`: minor units to pay when approved, at stake when somebody else is asked, 0 when refused.
    `one_click`: approved as small and unused (B8). `evidence_needed`: kinds still missing (D2).
    `decided_by`: key of the finding that settled it; None where nothing did and the seller is asked.
    """

    outcome: Outcome
    amount: int
    one_click: bool
    decided_by: str | None
    _case: Case = field(repr=False, compare=False)
    _verdicts: list[Verdict] = field(repr=False, compare=False)

    # The trace is written out when read, not when decided: it costs four times the decision itself, and a
    # back-test of a million cases (J6) reads only outcomes. What it is written from cannot change.

    @property
    def findings(self) -> list[Finding]:
        """One finding for every rule that applies, in the order of the rules."""
        return [
            Finding(v.rule, v.result, v.clause, EXPLAIN[v.rule](self._case), v.key) for v in self._verdicts
        ]

    @property
    def would_change(self) -> list[dict[str, Any]]:
        """The smallest missing facts that would turn it, as {rule, key, facts} (J3); empty when approved."""
        return would_change(self._case, self.outcome, self.decided_by)

    @property
    def evidence_needed(self) -> tuple[str, ...]:
        missing = any(verdict.key == "evidence.missing" for verdict in self._verdicts)
        return missing_evidence(self._case) if missing and self.outcome != "approve" else ()

    def to_json(self) -> dict[str, Any]:
        """The decision with its trace as JSON values, as it is stored and answered."""
        return {
            "outcome": self.outcome,
            "amount": self.amount,
            "one_click": self.one_click,
            "decided_by": self.decided_by,
            "findings": [finding.to_json() for finding in self.findings],
            "would_change": self.would_change,
            "evidence_needed": list(self.evidence_needed),
        }


def decide(facts: Facts, terms: Terms, now: datetime) -> Decision:
    """What a machine can decide about a request, with reasons. Pure: the same arguments, the same decision.

    `now` is when it is judged; lateness is measured by `facts.filed_at`, only the arrival wait by `now`.
    Raises UnknownReason where the reason is not in the closed list.
    """
    case = Case(facts, terms, now)
    verdicts = [verdict for rule in RULES.values() if (verdict := rule(case)) is not None]
    outcome, amount, one_click, decided_by = conclude(case, verdicts)
    return Decision(outcome, amount, one_click, decided_by, case, verdicts)


def conclude(case: Case, verdicts: list[Verdict]) -> tuple[Outcome, int, bool, str | None]:
    """Outcome, amount, one_click and deciding key: by the order of the table of verdicts, not of the list."""
    deciders = case.reason.deciders
    first: Verdict | None = None
    bar: Verdict | None = None
    for verdict in verdicts:
        if verdict.outcome is not None:
            if (first is None or verdict.rank < first.rank) and (
                deciders is None or verdict.rule in deciders
            ):
                first = verdict
        elif verdict.bars_approval and (bar is None or verdict.rank < bar.rank):
            bar = verdict

    if first is not None and first.outcome is not None:
        amount = 0 if first.outcome == "reject" else case.stake
        return first.outcome, amount, False, first.key
    # Without a ground to pay on, or where a replacement is wanted, it is the seller's to answer.
    if case.road is None or case.facts.remedy != "refund":
        return "ask_seller", case.stake, False, None
    if bar is not None:
        return "review", case.stake, False, bar.key
    return "approve", case.stake, bool(case.small), case.road


def kinder(a: Decision, b: Decision) -> Decision:
    """The decision better for the buyer; `a` on a tie: pass the version in force at purchase first (J5)."""
    return b if _kindness(b) > _kindness(a) else a


def _kindness(decision: Decision) -> tuple[int, int, bool, float, int]:
    may_file_at = decision._case.may_file_at
    # Of two waits the shorter is kinder, and of two otherwise equal answers the one that asks for less.
    sooner = -may_file_at.timestamp() if decision.outcome == "wait" and may_file_at else 0.0
    asks_less = -len(decision.evidence_needed)
    return _KINDNESS[decision.outcome], decision.amount, decision.one_click, sooner, asks_less


def deciding(decision: Decision) -> Finding | None:
    """The finding that settled a decision; None where nothing did and the seller is asked."""
    return next((finding for finding in decision.findings if finding.key == decision.decided_by), None)
