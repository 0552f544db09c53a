"""Clauses to choose from: those of this case's findings with what was found, then all of the policy with their words."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from marketplace.kernel.language import is_english
from refunds.models import Decision
from refunds.policy import Terms
from refunds.policy.plain import plain


class Clause(NamedTuple):
    code: str
    words: str
    is_found: bool  # it stands in the case's findings


def clauses(findings: Iterable[Mapping[str, Any]], decision: Decision | None) -> list[Clause]:
    """`findings` in the order in which they are shown, with their texts; `decision` with its policy."""
    found = [Clause(finding["clause"], finding["text"], True) for finding in findings]
    if decision is None:
        return found
    terms = Terms.model_validate(decision.policy.terms)
    rules = plain(terms, "en" if is_english() else "zh-hans")
    return found + [Clause(rule["clause"], rule["text"], False) for rule in rules]
