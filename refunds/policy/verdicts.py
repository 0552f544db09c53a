"""Everything a rule can find, in one table, and what each finding settles.

A verdict with an outcome settles the request unless one higher in the table does; the table's order is
therefore the order of precedence, and the order in which rules run cannot matter. A verdict marked
`bars_approval` only stops the machine from approving: what it would have paid goes to a person, what it
would have asked the seller it still asks.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Outcome = Literal["approve", "reject", "ask_seller", "review", "wait"]
Result = Literal["met", "unmet", "unknown"]


class Verdict(NamedTuple):
    """`clause` is the requirement the finding rests on; a lower `rank` settles before a higher one."""

    key: str
    result: Result
    clause: str
    outcome: Outcome | None
    bars_approval: bool
    rule: str
    rank: int


class _Row(NamedTuple):
    key: str
    result: Result
    clause: str
    outcome: Outcome | None = None
    bars_approval: bool = False


_ROWS: tuple[_Row, ...] = (
    # Settling verdicts, first to last.
    _Row("reason.person", "unknown", "B1", "review"),
    _Row("duplicate.single", "unknown", "B1", "review"),
    _Row("paid.missing", "unmet", "B2", "reject"),
    _Row("records.no_capture", "unknown", "B2", "review"),
    _Row("records.no_units", "unknown", "B2", "review"),
    _Row("duplicate.refunded", "unmet", "C4", "reject"),
    _Row("duplicate.replaced", "unknown", "C4", "review"),
    _Row("window.late", "unmet", "B6", "reject"),
    _Row("window.late_coins", "unmet", "B6", "reject"),
    _Row("window.late_condition", "unmet", "B6", "reject"),
    _Row("window.late_right", "unmet", "B6", "reject"),
    _Row("promo.spent", "unmet", "B3", "reject"),
    _Row("usage.used", "unmet", "B3", "reject"),
    _Row("fault.none", "unmet", "B2", "reject"),
    _Row("amount.nothing", "unmet", "C2", "reject"),
    _Row("amount.over_units", "unmet", "G2", "reject"),
    _Row("amount.over_available", "unmet", "G2", "reject"),
    _Row("arrival_wait.early", "unmet", "B7", "wait"),
    _Row("usage.mixed", "unknown", "B3", "review"),
    _Row("usage.suspected", "unknown", "B4", "review"),
    _Row("usage.revealed_not_delivered", "unknown", "A4", "review"),
    _Row("risk.signals", "unknown", "B8", "review"),
    _Row("amount.no_rate", "unknown", "B9", "review"),
    # Verdicts that only bar the machine from approving.
    _Row("amount.above_limit", "unknown", "B8", None, True),
    _Row("cross_border.unverified", "unknown", "B9", None, True),
    # Verdicts that are shown and settle nothing by themselves.
    _Row("reason.listed", "met", "B1"),
    _Row("paid.captured", "met", "B2"),
    _Row("paid.by_shop", "met", "B2"),
    _Row("records.complete", "met", "B2"),
    _Row("records.no_delivery", "unknown", "B2"),
    _Row("duplicate.captures", "met", "B1"),
    _Row("duplicate.none", "met", "C4"),
    _Row("window.open", "met", "B6"),
    _Row("window.not_completed", "met", "B6"),
    _Row("promo.untouched", "met", "B3"),
    _Row("usage.unused", "met", "A4"),
    _Row("usage.before_delivery", "met", "A3"),
    _Row("usage.seen", "unknown", "A4"),
    _Row("usage.credited", "unknown", "B5"),
    _Row("fault.claimed", "unknown", "B2"),
    _Row("fault.unmeasured", "unknown", "B9"),
    _Row("fault.before_delivery", "met", "A3"),
    _Row("fault.promise", "met", "B2"),
    _Row("fault.withdrawal", "met", "B10"),
    _Row("fault.small", "met", "B8"),
    _Row("seller_promise.met", "met", "B2"),
    _Row("seller_promise.over", "unmet", "B2"),
    _Row("seller_promise.none", "unmet", "B2"),
    _Row("region.met", "met", "B10"),
    _Row("region.waived", "unmet", "B10"),
    _Row("region.over", "unmet", "B10"),
    _Row("arrival_wait.over", "met", "B7"),
    _Row("amount.small", "met", "B8"),
    _Row("amount.within", "met", "B8"),
    _Row("cross_border.verified", "met", "B9"),
    _Row("risk.none", "met", "B8"),
    _Row("evidence.not_asked", "met", "D2"),
    _Row("evidence.complete", "met", "D2"),
    _Row("evidence.missing", "unknown", "D2"),
)

VERDICTS: dict[str, Verdict] = {
    row.key: Verdict(*row, rule=row.key.partition(".")[0], rank=rank) for rank, row in enumerate(_ROWS)
}
