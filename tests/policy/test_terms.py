"""Terms are data: complete, consistent, and refused with a reason where they are not."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from pydantic import ValidationError

from refunds.policy import DEFAULTS, EVIDENCE_KINDS, GOODS_TYPES, REASONS, Terms, decide

from .cast import NOW, facts_of


@pytest.mark.parametrize("goods_type", sorted(GOODS_TYPES))
def test_every_goods_type_has_terms_that_survive_json(goods_type: str) -> None:
    terms = Terms.model_validate(json.loads(json.dumps(DEFAULTS[goods_type])))
    assert terms.goods_type == goods_type
    assert Terms.model_validate_json(terms.model_dump_json()) == terms
    assert set(terms.evidence) == set(REASONS)


def test_defaults_carry_the_numbers_of_the_requirements() -> None:
    for goods_type, data in DEFAULTS.items():
        terms = Terms.model_validate(data)
        assert (terms.window_days, terms.window_min_days, terms.window_max_days) == (15, 7, 15)
        assert terms.window_hours_from_payment == (48 if goods_type == "live_coins" else None)
        waits = terms.waits
        assert (waits.card_minutes, waits.wallet_minutes, waits.bank_minutes) == (30, 15, 240)
        assert (terms.small_below, terms.machine_limit, terms.two_person_above) == (5_000, 200_000, 200_000)
        assert terms.withdrawal.days == 14
        assert len(terms.withdrawal.regions) == 31
        assert terms.credited_on_delivery is (goods_type == "direct_topup")
        assert (terms.promo is not None) is (goods_type == "live_coins")
        clocks = terms.clocks
        assert (clocks.seller_reply_hours, clocks.buyer_reply_hours, clocks.evidence_hours) == (24, 48, 48)
        assert (clocks.review_working_days, clocks.arbitration_working_days) == (3, 7)
        assert clocks.double_charge_hours == 48


def test_goods_types_do_not_share_mutable_defaults() -> None:
    before = copy.deepcopy(DEFAULTS["membership"])
    changed = DEFAULTS["card_code"]
    assert changed["clocks"] is not DEFAULTS["membership"]["clocks"]
    assert changed["evidence"]["other"] is not DEFAULTS["membership"]["evidence"]["other"]
    assert DEFAULTS["membership"] == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"windw_days": 9}, "windw_days"),
        ({"window_days": "9"}, "valid integer"),
        ({"window_days": 9.5}, "valid integer"),
        ({"window_days": 16}, "window_min_days..window_max_days"),
        ({"window_days": 6}, "window_min_days..window_max_days"),
        ({"window_days": 0}, "greater than 0"),
        ({"small_below": -1}, "greater than or equal to 0"),
        ({"small_below": 300_000}, "amounts must rise"),
        ({"machine_limit": 200_001}, "amounts must rise"),
        ({"goods_type": "car"}, "unknown goods type"),
        ({"credited_on_delivery": "yes"}, "valid boolean"),
        ({"withdrawal": {"regions": ["Germany"], "days": 14}}, "two capital letters"),
        ({"withdrawal": {"regions": ["DE"], "days": -1}}, "greater than or equal to 0"),
        ({"promo": {"expires_min_days": 90, "expires_max_days": 30}}, "expires_min_days"),
        ({"evidence": {}}, "says nothing about"),
        ({"waits": {"wallet_minutes": 15}}, "card_minutes"),
    ],
)
def test_wrong_terms_are_refused_with_the_reason(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Terms.model_validate({**DEFAULTS["card_code"], **change})
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("reason", "kinds", "says"),
    [("no_such", [], "unknown reason"), ("other", ["api_log"], "unknown kinds: api_log")],
)
def test_evidence_names_known_reasons_and_kinds(reason: str, kinds: list[str], says: str) -> None:
    evidence = {**DEFAULTS["card_code"]["evidence"], reason: kinds}
    with pytest.raises(ValidationError, match=says):
        Terms.model_validate({**DEFAULTS["card_code"], "evidence": evidence})


def test_peak_percentages_rise() -> None:
    clocks = {**DEFAULTS["card_code"]["clocks"], "peak_min_percent": 250}
    with pytest.raises(ValidationError, match="peak_min_percent"):
        Terms.model_validate({**DEFAULTS["card_code"], "clocks": clocks})


def test_terms_cannot_be_changed_after_validation() -> None:
    terms = Terms.model_validate(DEFAULTS["card_code"])
    with pytest.raises(ValidationError):
        terms.window_days = 9


def test_nobody_is_asked_for_operator_screens() -> None:
    asked = {kind for data in DEFAULTS.values() for kinds in data["evidence"].values() for kind in kinds}
    assert asked <= set(EVIDENCE_KINDS)
    assert not {kind for kind in EVIDENCE_KINDS if "log" in kind.split("_") or "backend" in kind}


def test_a_term_that_changes_changes_the_decision() -> None:
    row = {
        "goods": "card_code", "fen": 9900, "reason": "not_delivered", "paid": "-20m", "channel": "alipay",
    }  # fmt: skip
    slow = Terms.model_validate(
        {**DEFAULTS["card_code"], "waits": {"wallet_minutes": 21, "card_minutes": 30, "bank_minutes": 240}}
    )
    assert decide(facts_of(row), Terms.model_validate(DEFAULTS["card_code"]), NOW).outcome == "ask_seller"
    assert decide(facts_of(row), slow, NOW).outcome == "wait"
