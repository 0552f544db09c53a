"""Every term has its words, is read as it was shown, and says in both languages what changed and what is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from refunds.policy import DEFAULTS, EVIDENCE_KINDS, GOODS_TYPES, REASONS, Terms
from refunds.policy.term_changes import changes
from refunds.policy.term_errors import ERRORS, errors_in
from refunds.policy.term_table import GROUPS, NOT_PUBLIC, TERMS, UNITS, Term, carry_over, completed, put
from refunds.policy.term_words import in_words, read, typed

LANGUAGES = ("zh-hans", "en")
FEW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
COINS = DEFAULTS["live_coins"]  # the goods that have every term


def paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Of all terms of the model, parts taken apart; of evidence a term a reason."""
    for name, field in model.model_fields.items():
        inner = [
            kind for kind in (field.annotation, *getattr(field.annotation, "__args__", ())) if _is_part(kind)
        ]
        if name == "evidence":
            yield from (f"evidence.{reason}" for reason in REASONS)
        elif inner:
            yield from paths(inner[0], f"{prefix}{name}.")
        elif name != "goods_type":
            yield prefix + name


def _is_part(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def other(term: Term, value: Any) -> Any:
    """Another value the term could have."""
    if term.unit == "yes_no":
        return not value
    if term.unit == "bearer":
        return "platform" if value == "seller" else "seller"
    if term.unit == "currency":
        return "EUR"
    if term.unit == "regions":
        return ["GB"]
    if term.unit == "kinds":
        return ["other"] if value != ["other"] else []
    return (value or 0) + 1


def test_every_term_of_the_model_is_in_the_table_and_no_other() -> None:
    assert set(TERMS) == set(paths(Terms))


@pytest.mark.parametrize("term", TERMS.values(), ids=list(TERMS))
def test_term_has_words_in_both_languages_a_unit_and_a_group(term: Term) -> None:
    assert is_chinese(term.label("zh-hans"))
    assert term.label("en").isascii()
    assert bool(term.help_zh) == bool(term.help_en)
    assert term.unit in UNITS
    assert term.group in GROUPS
    assert term.path not in NOT_PUBLIC or not term.kinder


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("term", TERMS.values(), ids=list(TERMS))
def test_change_of_a_term_is_said(term: Term, language: str) -> None:
    was, now = copy.deepcopy(COINS), copy.deepcopy(COINS)
    put(now, term.path, other(term, term.of(was)))
    found = [change for change in changes(was, now, language) if change.path == term.path]
    assert len(found) == 1
    [change] = found
    assert change.label
    assert "{" not in change.text
    assert is_chinese(change.label) == (language == "zh-hans")
    # A change and its way back serve the two sides in turn.
    [back] = [change for change in changes(now, was, language) if change.path == term.path]
    swapped = {"kinder": "stricter", "stricter": "kinder", "neither": "neither"}
    assert back.side == swapped[change.side]
    assert bool(term.kinder) == (change.side != "neither") or term.unit in ("kinds", "regions")


@pytest.mark.parametrize(
    ("path", "value", "side", "text"),
    [
        ("clocks.seller_reply_hours", 12, "kinder", "24 h → 12 h"),
        ("clocks.buyer_reply_hours", 24, "stricter", "48 h → 24 h"),
        ("small_below", 8_000, "kinder", "CNY 50.00 → CNY 80.00"),
        ("commission_bps", 250, "neither", "0 % → 2.5 %"),
        ("window_hours_from_payment", None, "neither", "48 h → not set"),
        ("window_hours_from_payment", 24, "stricter", "48 h → 24 h"),
        ("credited_on_delivery", True, "stricter", "no → yes"),
        ("evidence.no_fault", [], "kinder", "removed Screenshot of the inactive state"),
        ("evidence.other", ["chat_record"], "stricter", "added Chat record"),
        ("evidence.no_fault", ["chat_record"], "neither", "added Chat record; removed Screenshot of the inactive state"),
        ("chargeback_fee.borne_by", "platform", "neither", "Seller → Platform"),
    ],
)  # fmt: skip
def test_change_says_whom_it_serves(path: str, value: Any, side: str, text: str) -> None:
    now = copy.deepcopy(COINS)
    put(now, path, value)
    [change] = changes(COINS, now, "en")
    assert (change.side, change.text) == (side, text)


@pytest.mark.parametrize("goods_type", sorted(GOODS_TYPES))
def test_terms_shown_and_saved_unchanged_are_the_same_to_the_byte(goods_type: str) -> None:
    terms = DEFAULTS[goods_type]
    fields = {path: typed(term, terms) for path, term in TERMS.items()}
    assert json.dumps(read(fields, terms)) == json.dumps(terms)
    assert json.dumps(completed(terms)) == json.dumps(terms)


@FEW
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "small_below": st.integers(0, 200_000),
            "commission_bps": st.integers(0, 10_000),
            "clocks.seller_reply_hours": st.integers(1, 10_000),
            "chargeback_fee.currency": st.sampled_from(["USD", "JPY", "KWD", "CNY"]),
            "chargeback_fee.amount": st.integers(0, 10**9),
            "withdrawal.regions": st.lists(st.sampled_from(["DE", "FR", "GB", "EU"]), unique=True),
            "evidence.other": st.lists(st.sampled_from(sorted(EVIDENCE_KINDS)), unique=True),
            "credited_on_delivery": st.booleans(),
        },
    )
)
def test_any_terms_are_read_as_they_were_shown(changed: dict[str, Any]) -> None:
    terms = copy.deepcopy(COINS)
    for path, value in changed.items():
        put(terms, path, value)
    fields = {path: typed(term, terms) for path, term in TERMS.items()}
    assert errors_in(terms, "en") == {}
    assert read(fields, terms) == terms


@FEW
@given(st.dictionaries(st.sampled_from(sorted(TERMS)), st.text(max_size=12)))
def test_whatever_is_typed_is_read_and_judged_without_an_error(given_text: dict[str, str]) -> None:
    fields: dict[str, Any] = {path: typed(term, COINS) for path, term in TERMS.items()}
    texts = {path: text for path, text in given_text.items() if TERMS[path].unit != "kinds"}
    terms = read(fields | texts, COINS)
    for language in LANGUAGES:
        found = errors_in(terms, language)
        assert set(found) <= set(TERMS)
        assert all(found.values())


@pytest.mark.parametrize(
    ("path", "text", "says_en", "says_zh"),
    [
        ("window_days", "1.5", "“1.5” is no whole number: give it in days.", "“1.5”不是整数：请以天为单位填写整数。"),
        ("window_days", "", "Nothing stands here. It is given in days.", "未填写。单位：天。"),
        ("window_days", "0", "0 is too little: give more than 0.", "0 过小：请填写大于 0 的数。"),
        ("window_days", "40", "40 days lie outside of 7 to 15 days: change them or the bounds below.",
         "40 天不在 7 至 15 天之间：请改此项或下面的界限。"),
        ("window_min_days", "20", "The least, 20, is above the most, 15: lower the one or raise the other.",
         "下限 20 高于上限 15：请调低下限或调高上限。"),
        ("small_below", "12,3", "“12,3” is no amount, or has too many decimals: write a number such as 12.50.",
         "“12,3”不是金额，或小数位过多：请填写如 12.50。"),
        ("small_below", "12.345", "“12.345” is no amount, or has too many decimals: write a number such as 12.50.",
         "“12.345”不是金额，或小数位过多：请填写如 12.50。"),
        ("small_below", "-1", "CNY -1.00 is too little: give CNY 0.00 or more.", "¥-1.00 过小：至少为 ¥0.00。"),
        ("small_below", "3000", "CNY 3,000.00 is above the next amount, CNY 2,000.00: the three must rise.",
         "¥3,000.00 高于下一项 ¥2,000.00：三个金额须依次递增。"),
        ("commission_bps", "101", "101 % is too much: give 100 % or less.", "101 % 过大：至多为 100 %。"),
        ("commission_bps", "a", "“a” is no percentage, or has more than two decimals: write a number such as 2.5.",
         "“a”不是百分数，或小数超过两位：请填写如 2.5。"),
        ("clocks.peak_min_percent", "90", "90 is too little: give 100 or more.", "90 过小：至少为 100。"),
        ("clocks.peak_min_percent", "300", "The least, 300, is above the most, 200: lower the one or raise the other.",
         "下限 300 高于上限 200：请调低下限或调高上限。"),
        ("promo.expires_min_days", "", "Give both days, or leave both empty.", "两项须同时填写，或同时留空。"),
        ("withdrawal.regions", "DE, Bayern", "No region codes: Bayern. Two capital letters each, such as DE.",
         "不是地区代码：Bayern。每个地区两个大写字母，如 DE。"),
        ("chargeback_fee.currency", "us", "“us” is no currency code: three capital letters such as USD.",
         "“us”不是币种代码：请填写三个大写字母，如 USD。"),
        ("chargeback_fee.borne_by", "x", "“x” cannot be chosen: seller or platform.", "“x”不在可选项中：请选择卖家或平台。"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_term_in_plain_words(
    path: str, text: str, says_en: str, says_zh: str
) -> None:
    fields: dict[str, Any] = {each: typed(term, COINS) for each, term in TERMS.items()} | {path: text}
    terms = read(fields, COINS)
    assert errors_in(terms, "en") == {path: says_en}
    assert errors_in(terms, "zh-hans") == {path: says_zh}


def test_all_that_is_wrong_is_found_at_once() -> None:
    """Errors between terms too, however many single ones there are."""
    wrong = {
        "window_days": "40",
        "machine_limit": "x",
        "clocks.peak_min_percent": "300",
        "promo.expires_min_days": "99",
    }
    fields: dict[str, Any] = {path: typed(term, COINS) for path, term in TERMS.items()} | wrong
    assert set(errors_in(read(fields, COINS), "en")) == set(wrong)


def test_every_text_of_an_error_stands_in_both_languages() -> None:
    assert all(is_chinese(zh) and not is_chinese(en) for zh, en in ERRORS.values())


def test_full_width_digits_of_a_chinese_keyboard_are_read() -> None:
    fields: dict[str, Any] = {path: typed(term, COINS) for path, term in TERMS.items()}
    fields |= {"small_below": "８０．５", "window_days": "１４", "withdrawal.regions": "DE、FR，GB"}
    terms = read(fields, COINS)
    assert (terms["small_below"], terms["window_days"]) == (8050, 14)
    assert terms["withdrawal"]["regions"] == ["DE", "FR", "GB"]


def test_values_are_said_as_people_say_them() -> None:
    said = {path: in_words(term, term.of(COINS), "zh-hans", "USD") for path, term in TERMS.items()}
    assert said["small_below"] == "¥50.00"
    assert said["clocks.review_working_days"] == "3 个工作日"
    assert said["evidence.other"] == "无"
    assert said["chargeback_fee.amount"] == "USD 15.00"


def test_changes_are_carried_over_and_bonus_coins_go_as_one() -> None:
    draft = {**COINS, "promo": None, "small_below": 7_000}
    newest = {**COINS, "escrow_hold_days": 9}
    assert carry_over(COINS, draft, newest) == {**newest, "promo": None, "small_below": 7_000}
