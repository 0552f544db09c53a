"""What the decision says would change it does change it (J3), and the kinder of two versions wins (J5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from refunds.policy import (
    DEFAULTS,
    Decision,
    Facts,
    FactsUnreadable,
    Terms,
    UnknownReason,
    decide,
    kinder,
)

from .cast import NOW, facts_of, terms_of

DONE: dict[str, Any] = {
    "goods": "card_code",
    "fen": 9900,
    "reason": "not_activated",
    "paid": "-3d",
    "delivered": "-3d",
    "completed": "-3d",
}
KINDNESS = {"reject": 0, "wait": 1, "review": 2, "ask_seller": 3, "approve": 4}


def judged(facts: Facts, now: datetime = NOW, **terms: Any) -> Decision:
    return decide(facts, Terms.model_validate({**DEFAULTS[facts.goods_type], **terms}), now)


def change(made: Decision) -> dict[str, Any]:
    first: dict[str, Any] = made.would_change[0]
    return first


def better(before: Decision, after: Decision) -> bool:
    return KINDNESS[after.outcome] > KINDNESS[before.outcome]


def test_filing_for_the_unused_units_alone_turns_a_mixed_case() -> None:
    units = [
        {"ref": "a", "fen": 4950, "delivered": "-3d", "events": ["redeemed"]},
        {"ref": "b", "fen": 4950, "delivered": "-3d"},
    ]
    facts = facts_of({**DONE, "units": units})
    made = judged(facts)
    assert change(made) == {"rule": "usage", "key": "change.units", "facts": {"units": ["b"]}}
    alone = facts._replace(amount=4950, units=tuple(u for u in facts.units if u.ref == "b"))
    assert better(made, judged(alone))


def test_leaving_out_the_refunded_unit_turns_a_second_refund() -> None:
    units = [{"ref": "a", "fen": 4950, "refunded": 4950}, {"ref": "b", "fen": 4950, "delivered": "-3d"}]
    facts = facts_of({**DONE, "amount": 4950, "units": units})
    made = judged(facts)
    assert change(made)["facts"] == {"units": ["b"]}
    assert better(made, judged(facts._replace(units=facts.units[1:])))


def test_nothing_left_to_file_for_points_to_a_person() -> None:
    made = judged(facts_of({**DONE, "units": [{"fen": 9900, "refunded": 9900}]}))
    assert [c["key"] for c in made.would_change] == ["change.person"]
    claimed = judged(facts_of({**DONE, "captures": [["alipay", 9900, "-3d", 9900]]}))
    assert [c["key"] for c in claimed.would_change] == ["change.person"]


def test_the_amount_named_can_be_asked_for() -> None:
    facts = facts_of({**DONE, "amount": 9901, "captures": [["alipay", 9900, "-3d", 400]]})
    made = judged(facts)
    at_most = change(made)["facts"]["at_most"]["amount"]
    assert at_most == 9500
    assert better(made, judged(facts._replace(amount=at_most)))
    assert not better(made, judged(facts._replace(amount=at_most + 1)))


def test_the_instant_named_ends_the_wait() -> None:
    facts = facts_of({"goods": "card_code", "fen": 9900, "reason": "not_delivered", "paid": "-1m"})
    made = judged(facts)
    at = datetime.fromisoformat(change(made)["facts"]["may_file_at"])
    assert judged(facts, now=at).outcome == "ask_seller"


@pytest.mark.parametrize(
    ("row", "field", "name"),
    [
        ({"completed": "-20d", "window_days": 9}, "completed_at", "completed_from_at"),
        ({"goods": "live_coins"}, "paid_at", "paid_from_at"),
    ],
)
def test_the_instant_named_would_have_been_in_time(row: dict[str, Any], field: str, name: str) -> None:
    facts = facts_of({**DONE, **row})
    made = judged(facts)
    assert made.outcome == "reject"
    at = datetime.fromisoformat(change(made)["facts"][name])
    moved: dict[str, Any] = {field: at}
    assert better(made, judged(facts._replace(**moved)))


def test_verified_identity_pays_a_cross_border_order() -> None:
    facts = facts_of({**DONE, "fen": 500, "currency": "USD", "fx": "7"})
    made = judged(facts)
    assert change(made)["facts"] == {"kinds": ["identity"]}
    assert judged(facts._replace(identity_verified=True)).outcome == "approve"


def test_missing_evidence_is_named_and_never_changes_the_outcome() -> None:
    facts = facts_of({**DONE, "reason": "not_as_described"})
    made = judged(facts)
    assert made.evidence_needed == ("promise_page", "error_screen")
    assert made.would_change[-1]["facts"] == {"kinds": ["promise_page", "error_screen"]}
    complete = judged(facts._replace(evidence=made.evidence_needed))
    assert complete.outcome == made.outcome
    assert complete.evidence_needed == ()


def test_conditions_of_the_page_are_listed_with_usage() -> None:
    made = judged(facts_of({**DONE, "conditions": {"not_bound_to_account": None}}))
    usage = next(finding for finding in made.findings if finding.rule == "usage")
    assert usage.facts["conditions"] == ["not_bound_to_account"]


def test_the_older_version_holds_unless_the_newer_is_kinder() -> None:
    facts = facts_of({**DONE, "completed": "-10d"})
    wide = judged(facts)
    narrow = judged(facts, window_days=9)
    assert (wide.outcome, narrow.outcome) == ("ask_seller", "reject")
    assert kinder(narrow, wide) is wide
    assert kinder(wide, narrow) is wide
    same = judged(facts)
    assert kinder(wide, same) is wide
    assert kinder(same, wide) is same


def test_one_click_is_kinder_than_approval_and_a_shorter_wait_than_a_longer() -> None:
    promised = {**DONE, "reason": "no_fault", "no_reason_days": 7, "fen": 6000}
    plain, easy = judged(facts_of(promised)), judged(facts_of(promised), small_below=7000)
    assert (plain.one_click, easy.one_click) == (False, True)
    assert kinder(plain, easy) is easy
    waiting = facts_of({"goods": "card_code", "fen": 9900, "reason": "not_delivered", "paid": "-1m"})
    long = judged(waiting, waits={"wallet_minutes": 60, "card_minutes": 60, "bank_minutes": 60})
    assert kinder(long, judged(waiting)).would_change == judged(waiting).would_change


def test_an_unknown_reason_is_refused_by_name() -> None:
    row = {**DONE, "reason": "because"}
    with pytest.raises(UnknownReason, match="because"):
        decide(facts_of(row), terms_of(row), NOW)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"total": None}, None),
        ({"filed_at": "soon"}, "soon"),
        ({"fx_rate": "x"}, "wrong kind"),
        ({"units": 3}, "int"),
    ],
)
def test_unreadable_facts_say_what_is_wrong(change: dict[str, Any], says: str | None) -> None:
    stored = facts_of(DONE).to_json()
    if says is None:
        del stored["total"]
        change, says = {}, "total"
    with pytest.raises(FactsUnreadable, match=says):
        Facts.from_json({**stored, **change})
