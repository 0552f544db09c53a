"""Every row of the tables decides as it says."""

from __future__ import annotations

from typing import Any

import pytest

from refunds.policy import decide, deciding, render

from .cast import NOW, facts_of, table, terms_of

OWN = ("cases_time.yaml", "cases_use.yaml", "cases_money.yaml", "cases_rights.yaml")
ROWS = [row for name in OWN for row in table(name)]
SCENARIOS = table("scenarios.yaml")


@pytest.mark.parametrize("row", SCENARIOS, ids=[row["id"] for row in SCENARIOS])
def test_scenario_is_decided_as_agreed(row: dict[str, Any]) -> None:
    decision = decide(facts_of(row), terms_of(row), NOW)
    assert decision.outcome == row["outcome"]
    if "one_click" in row:
        assert decision.one_click is row["one_click"]
    if "amount" in row:
        assert decision.amount == row["amount"]
    if "rule" in row:
        found = deciding(decision)
        assert found is not None
        assert (found.rule, found.result) == (row["rule"], "unmet")


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_case_is_decided_as_the_table_says(row: dict[str, Any]) -> None:
    facts = facts_of(row)
    decision = decide(facts, terms_of(row), NOW)
    found = deciding(decision)
    seen = {
        "outcome": decision.outcome,
        "by": None if found is None else f"{found.rule} {found.result}",
        "pays": decision.amount,
        "one_click": decision.one_click,
        "needs": list(decision.evidence_needed) if "needs" in row else None,
    }
    assert seen == {
        "outcome": row["outcome"],
        "by": row.get("by"),
        "pays": row.get("pays", 0 if row["outcome"] == "reject" else facts.amount),
        "one_click": row.get("one_click", False),
        "needs": row.get("needs"),
    }


def test_ids_are_unique() -> None:
    ids = [row["id"] for row in ROWS + SCENARIOS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("row", ROWS + SCENARIOS, ids=[row["id"] for row in ROWS + SCENARIOS])
def test_each_rule_speaks_once_and_each_refusal_says_what_would_change_it(row: dict[str, Any]) -> None:
    decision = decide(facts_of(row), terms_of(row), NOW)
    rules = [finding.rule for finding in decision.findings]
    assert len(rules) == len(set(rules))
    assert {"paid", "window", "reason", "records", "evidence", "amount", "risk", "duplicate"} <= set(rules)
    assert bool(decision.would_change) is (decision.outcome != "approve")
    for change in decision.would_change:
        assert set(change) == {"rule", "key", "facts"}
        for language in ("zh-hans", "en"):
            assert "- " not in render(change, language).replace(" - ", " ")
