"""What would be decided, rule by rule, before anything is filed (requirement C1); and what a description lacks (C3)."""

import hashlib
import json
from datetime import datetime
from typing import Any

from marketplace.kernel.money import Money

from .descriptions import unsaid_of
from .facts import OrderFacts
from .findings import findings_json
from .operations.file import Filing, judge_filing
from .reasons import reason_warning


def digest(filing: Filing) -> str:
    """Of what the rules look at: a form carries it, so that what is filed is what was looked at."""
    looked_at = [filing.reason, filing.remedy, sorted(filing.units or ()), filing.amount]
    return hashlib.sha256(json.dumps(looked_at).encode()).hexdigest()[:32]


def preview(known: OrderFacts, filing: Filing, now: datetime, *, is_described: bool = True) -> dict[str, Any]:
    """As GET /orders/{no}/refund-eligibility/ answers. Raises as judge_filing."""
    decision = judge_filing(known, filing, now).verdict.decision
    units = len(filing.units or known.units)
    is_asked = is_described and not decision.one_click
    return {
        "outcome": decision.outcome,
        "amount": Money(decision.amount, known.order.currency).json(),
        "one_click": decision.one_click,
        "findings": findings_json([finding.to_json() for finding in decision.findings]),
        "would_change": findings_json(decision.would_change),
        "evidence_needed": list(decision.evidence_needed),
        "warning": reason_warning(filing.reason) or None,
        "description_missing": unsaid_of(
            known.order, filing.reason, filing.description, units, filing.details
        )
        if is_asked
        else [],
    }
