"""What must hold of every decision, whatever the facts."""

from __future__ import annotations

import json
import pickle
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from refunds.policy import Decision, EventFacts, Facts, decide, deciding, decision
from refunds.policy.rules import RULES

from . import strategies as our
from .cast import NOW

FEW = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
KINDNESS = {"reject": 0, "wait": 1, "review": 2, "ask_seller": 3, "approve": 4}


def judged(facts: Facts) -> Decision:
    return decide(facts, our.TERMS[facts.goods_type], NOW)


def summary(made: Decision) -> tuple[Any, ...]:
    return made.outcome, made.amount, made.one_click, made.decided_by, made.evidence_needed


def unusual(facts: Facts, rng: random.Random) -> Facts:
    """The same facts in another order."""

    def mixed(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(rng.sample(items, len(items)))

    units = tuple(unit._replace(events=mixed(unit.events)) for unit in mixed(facts.units))
    return facts._replace(
        units=units,
        captures=mixed(facts.captures),
        conditions=mixed(facts.conditions),
        risk_signals=mixed(facts.risk_signals),
        evidence=mixed(facts.evidence),
    )


@FEW
@given(our.facts())
def test_facts_survive_storage_and_give_the_same_decision(facts: Facts) -> None:
    stored = json.loads(json.dumps(facts.to_json()))
    again = Facts.from_json(stored)
    assert again == facts
    assert judged(again).to_json() == judged(facts).to_json()


@FEW
@given(our.facts())
def test_deciding_changes_nothing_and_can_be_repeated(facts: Facts) -> None:
    before = facts.to_json()
    first, second = judged(facts), judged(facts)
    told = json.dumps(first.to_json())
    assert told == json.dumps(second.to_json()) == json.dumps(first.to_json())
    assert facts.to_json() == before
    assert pickle.loads(pickle.dumps(first)).to_json() == first.to_json()


@FEW
@given(our.facts(), st.randoms(use_true_random=False))
def test_order_of_units_captures_and_events_does_not_matter(facts: Facts, rng: random.Random) -> None:
    assert judged(unusual(facts, rng)).to_json() == judged(facts).to_json()


@FEW
@given(our.facts(), st.randoms(use_true_random=False))
def test_order_of_rules_does_not_matter(facts: Facts, rng: random.Random) -> None:
    expected = judged(facts)
    names = list(RULES)
    rng.shuffle(names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decision, "RULES", {name: RULES[name] for name in names})
        shuffled = judged(facts)
    assert summary(shuffled) == summary(expected)
    assert sorted(map(str, shuffled.findings)) == sorted(map(str, expected.findings))


@settings(FEW, max_examples=300)
@given(our.facts(), st.data())
def test_more_use_never_makes_a_decision_kinder(facts: Facts, data: st.DataObject) -> None:
    if not facts.units:
        return
    index = data.draw(st.integers(0, len(facts.units) - 1))
    kind = data.draw(st.sampled_from(our.USE_EVENTS))
    promo = data.draw(st.booleans())
    unit = facts.units[index]
    delivered = [e.at for e in unit.events if e.type == "delivered"]
    at = min(delivered, default=NOW - timedelta(days=1)) + timedelta(seconds=data.draw(st.integers(0, 9)))
    used = unit._replace(events=(*unit.events, EventFacts(kind, at, promo)))
    after = facts._replace(units=(*facts.units[:index], used, *facts.units[index + 1 :]))
    before, worse = judged(facts), judged(after)
    event(f"{before.outcome} -> {worse.outcome}")
    assert KINDNESS[worse.outcome] <= KINDNESS[before.outcome]
    assert worse.amount <= before.amount or worse.outcome != "approve"


@settings(FEW, max_examples=300)
@given(our.facts())
def test_machine_never_approves_above_its_limit_nor_more_than_is_there(facts: Facts) -> None:
    made = judged(facts)
    event(made.outcome)
    if made.outcome != "approve":
        assert not made.one_click
        return
    left = sum(capture.amount - capture.claimed for capture in facts.captures)
    assert 0 < made.amount <= left
    exponent = {"JPY": 0, "KWD": 3}.get(facts.currency, 2)
    rate = Decimal(1) if facts.currency == "CNY" else facts.fx_rate
    assert rate is not None
    fen = Decimal(made.amount) * rate * Decimal(10) ** (2 - exponent)
    assert fen <= 200_000
    if made.one_click:
        assert fen < 5_000
    assert facts.remedy == "refund"
    assert not facts.risk_signals
    if facts.reason != "duplicate_charge":
        assert made.amount <= sum(unit.amount - unit.refunded for unit in facts.units)
        used = {e.type for u in facts.units for e in u.events} & {"gifted", "spent"}
        assert not used or any(e.type == "delivered" for u in facts.units for e in u.events)


@FEW
@given(our.facts())
def test_deciding_finding_is_listed_and_fits_the_outcome(facts: Facts) -> None:
    made = judged(facts)
    found = deciding(made)
    if made.outcome == "ask_seller":
        assert found is None
    else:
        assert found is not None
        expected = {"approve": "met", "reject": "unmet", "wait": "unmet", "review": "unknown"}
        assert found.result == expected[made.outcome]
    assert (made.amount == 0) or made.outcome != "reject"
