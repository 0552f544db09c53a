"""What is wrong with terms, at the term it is wrong with, in plain words of both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .term_table import TERMS, UNITS, WHOLE_NUMBERS, Term
from .term_words import in_words
from .terms import Terms

# By the type of pydantic's error; of our own validators' the types stand in terms.py. (zh-hans, en)
ERRORS: dict[str, tuple[str, str]] = {
    "missing": ("未填写。单位：{unit}。", "Nothing stands here. It is given in {unit}."),
    "number": (
        "“{given}”不是整数：请以{unit}为单位填写整数。",
        "“{given}” is no whole number: give it in {unit}.",
    ),
    "amount": (
        "“{given}”不是金额，或小数位过多：请填写如 12.50。",
        "“{given}” is no amount, or has too many decimals: write a number such as 12.50.",
    ),
    "percent": (
        "“{given}”不是百分数，或小数超过两位：请填写如 2.5。",
        "“{given}” is no percentage, or has more than two decimals: write a number such as 2.5.",
    ),
    "greater_than": (
        "{given} 过小：请填写大于 {bound} 的数。",
        "{given} is too little: give more than {bound}.",
    ),
    "greater_than_equal": ("{given} 过小：至少为 {bound}。", "{given} is too little: give {bound} or more."),
    "less_than_equal": ("{given} 过大：至多为 {bound}。", "{given} is too much: give {bound} or less."),
    "string_pattern_mismatch": (
        "“{given}”不是币种代码：请填写三个大写字母，如 USD。",
        "“{given}” is no currency code: three capital letters such as USD.",
    ),
    "literal_error": (
        "“{given}”不在可选项中：请选择卖家或平台。",
        "“{given}” cannot be chosen: seller or platform.",
    ),
    "regions_codes": (
        "不是地区代码：{wrong}。每个地区两个大写字母，如 DE。",
        "No region codes: {wrong}. Two capital letters each, such as DE.",
    ),
    "range_reversed": (
        "下限 {least} 高于上限 {most}：请调低下限或调高上限。",
        "The least, {least}, is above the most, {most}: lower the one or raise the other.",
    ),
    "window_outside": (
        "{given} 天不在 {least} 至 {most} 天之间：请改此项或下面的界限。",
        "{given} days lie outside of {least} to {most} days: change them or the bounds below.",
    ),
    "amounts_fall": (
        "{given} 高于下一项 {bound}：三个金额须依次递增。",
        "{given} is above the next amount, {bound}: the three must rise.",
    ),
    "promo_half": (
        "两项须同时填写，或同时留空。",
        "Give both days, or leave both empty.",
    ),
    "other": ("此项不正确：{given}。", "This cannot be: {given}."),
}


def errors_in(terms: Mapping[str, Any], language: str) -> dict[str, str]:
    """What is wrong by path; empty where the terms are sound."""
    try:
        Terms.model_validate(terms)
    except ValidationError as refused:
        return {_path(error): _text(error, language.startswith("en")) for error in reversed(refused.errors())}
    return {}


def _path(error: ErrorDetails) -> str:
    """Of an error between terms, the one to mend, which stands beside the one that found it."""
    *parts, last = error["loc"]
    return ".".join(map(str, [*parts, error.get("ctx", {}).get("at", last)]))


def _text(error: ErrorDetails, english: bool) -> str:
    term, context = TERMS.get(_path(error)), error.get("ctx", {})
    kind = _kind(error, term)
    facts: dict[str, Any] = {"given": error["input"], "unit": term and _unit(term, english), **context}
    for bound in ("gt", "ge", "le"):
        if bound in context:
            facts["bound"] = context[bound]
    if term is not None and term.unit in ("yuan", "hundredths"):
        facts |= {
            fact: in_words(term, facts[fact], "en" if english else "zh")
            for fact in ("given", "bound")
            if type(facts.get(fact)) is int
        }
    return ERRORS[kind][english].format_map(facts)


def _unit(term: Term, english: bool) -> str:
    """In full: what stands short beside a number would not do in a sentence."""
    return (
        term.unit.replace("_", " ") if english and term.unit in WHOLE_NUMBERS else UNITS[term.unit][english]
    )


def _kind(error: ErrorDetails, term: Term | None) -> str:
    kind, given = error["type"], error["input"]
    if term is not None and term.group == "promo" and (given is None or kind == "missing"):
        return "promo_half"
    if given is None or given == "" or kind == "missing":
        return "missing"
    if kind in ("int_type", "int_parsing", "int_from_float") and term is not None:
        return (
            "number" if term.unit in WHOLE_NUMBERS else "percent" if term.unit == "hundredths" else "amount"
        )
    return kind if kind in ERRORS else "other"
