"""Every finding and every change reads well in both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from refunds.policy import (
    EVIDENCE_KINDS,
    GOODS_TYPES,
    REASONS,
    TEXTS,
    VERDICTS,
    Facts,
    Finding,
    decide,
    render,
)
from refunds.policy.explain import _CHANGES
from refunds.policy.rules import RULES

from . import strategies as our
from .cast import NOW, facts_of, table, terms_of

CJK = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
FILES = ("scenarios.yaml", "cases_time.yaml", "cases_use.yaml", "cases_money.yaml", "cases_rights.yaml")


def spoken() -> dict[str, list[Any]]:
    """Every finding and change the tables of cases bring about, by key."""
    said: dict[str, list[Any]] = {}
    for row in (row for name in FILES for row in table(name)):
        made = decide(facts_of(row), terms_of(row), NOW)
        for finding in made.findings:
            said.setdefault(finding.key, []).append(finding)
        for change in made.would_change:
            said.setdefault(change["key"], []).append(change)
    return said


SPOKEN = spoken()


def test_every_verdict_and_every_change_has_a_text_and_no_text_is_orphaned() -> None:
    general = {"change.seller", "change.evidence", "change.person"}
    changes = {key for key, _ in _CHANGES.values()} | general
    assert set(TEXTS) == set(VERDICTS) | changes


def test_every_verdict_belongs_to_a_rule_and_every_refusal_can_be_turned() -> None:
    assert {verdict.rule for verdict in VERDICTS.values()} == set(RULES)
    settling = {key for key, v in VERDICTS.items() if v.outcome or v.bars_approval}
    # A person's reason is turned by evidence, missing goods by a person: neither has one smallest fact.
    assert settling - set(_CHANGES) == {"reason.person", "records.no_units"}


def test_the_tables_bring_about_every_text() -> None:
    assert set(TEXTS) - set(SPOKEN) == set()


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_text_is_complete_in_both_languages(key: str) -> None:
    for said in SPOKEN[key]:
        zh, en = render(said, "zh-hans"), render(said, "en")
        assert CJK.search(zh), zh
        assert not CJK.search(en), en
        for text in (zh, en):
            assert "{" not in text and "None" not in text, text


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_both_languages_name_the_same_facts(key: str) -> None:
    zh, en = TEXTS[key]
    assert set(re.findall(r"{(\w+)}", zh)) == set(re.findall(r"{(\w+)}", en))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(our.facts())
def test_rendering_never_fails_nor_mixes_languages(facts: Facts) -> None:
    made = decide(facts, our.TERMS[facts.goods_type], NOW)
    everything: list[Any] = [*made.findings, *made.would_change]
    for said in everything:
        assert CJK.search(render(said, "zh-hans"))
        assert not CJK.search(render(said, "en"))


@pytest.mark.parametrize(
    ("said", "zh", "en"),
    [
        (
            Finding("amount", "met", "B8", {"amount": {"amount": 4900, "currency": "CNY"}}, "amount.within"),
            "申请金额 ¥49.00 在可退范围内。",
            "The amount of CNY 49.00 can be refunded.",
        ),
        (
            {"key": "amount.within", "facts": {"amount": {"amount": 123456, "currency": "JPY"}}},
            "申请金额 JPY 123,456 在可退范围内。",
            "The amount of JPY 123,456 can be refunded.",
        ),
        (
            {"key": "window.open", "facts": {"closes_at": "2026-03-20T16:30:00+00:00"}},
            "申请在期限内，期限至 2026年3月21日 00:30（北京时间）。",
            "Filed in time; the window closes on 21 March 2026, 00:30 Beijing time.",
        ),
        (
            {"key": "window.open", "facts": {"closes_at": "2026-03-20T16:30:05Z"}},
            "申请在期限内，期限至 2026年3月21日 00:30:05（北京时间）。",
            "Filed in time; the window closes on 21 March 2026, 00:30:05 Beijing time.",
        ),
        (
            {"key": "change.evidence", "facts": {"kinds": ["promise_page", "error_screen"]}},
            "补充：承诺页面截图、报错画面。",
            "Add: Page with the promise, Error screen.",
        ),
    ],
)
def test_money_time_and_names_are_written_for_people(said: Any, zh: str, en: str) -> None:
    assert render(said, "zh-hans") == zh
    assert render(said, "en") == en


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"key": "no.such", "rule": "window", "facts": {}},
        {"key": "window.late"},
        {"key": "window.late", "facts": None},
        {"key": "window.late", "facts": {"closes_at": "yesterday", "days": None}},
        {"key": "amount.small", "facts": {"amount": {"amount": "x"}, "small_below": 7}},
        {"key": "evidence.missing", "facts": {"kinds": ["no_such_kind", 3]}},
        {"key": None, "facts": []},
    ],
)
@pytest.mark.parametrize("language", ["zh-hans", "en", "fr", ""])
def test_odd_findings_still_give_a_text(said: dict[str, Any], language: str) -> None:
    assert render(said, language)


def test_an_unknown_language_reads_as_chinese() -> None:
    said = {"key": "risk.none", "facts": {}}
    assert render(said, "fr") == render(said, "zh-hans") != render(said, "en")


def test_a_late_refusal_names_the_clause_and_the_dates() -> None:
    row = {"goods": "card_code", "fen": 9900, "reason": "not_activated", "paid": "-20d", "completed": "-20d"}
    made = decide(facts_of(row), terms_of(row), NOW)
    late = next(finding for finding in made.findings if finding.rule == "window")
    assert late.clause == "B6"
    assert late.facts["closes_at"] == "2026-03-15T04:00:00+00:00"
    text = render(late, "zh-hans")
    assert "15 天" in text and "2026年3月15日 12:00" in text and "2026年2月28日 12:00" in text


def test_labels_exist_in_both_languages() -> None:
    rows: list[Any] = [*REASONS.values(), *EVIDENCE_KINDS.values(), *GOODS_TYPES.values()]
    for row in rows:
        assert CJK.search(row.zh)
        assert not CJK.search(row.en)
