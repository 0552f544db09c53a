"""What differs between two versions of the terms, a sentence a term, and whom it serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from .term_table import GROUPS, TERMS, Term
from .term_words import in_words

Side = Literal["kinder", "stricter", "neither"]  # to the buyer
# Groups whose terms are named for what differs among them.
NAMED_BY_GROUP = frozenset({"waits", "promo", "payout"})


class Change(NamedTuple):
    path: str
    label: str
    text: str  # "24 h → 12 h"; of a list what came and what went
    side: Side


def changes(before: Mapping[str, Any], after: Mapping[str, Any], language: str) -> list[Change]:
    """Those of the terms that differ, in the order of the table. Both are whole terms as JSON (Terms.model_dump)."""
    found = []
    for term in TERMS.values():
        was, now = term.of(before), term.of(after)
        if term.unit in ("regions", "kinds"):
            was, now = set(was), set(now)
            text = _came_and_went(term, now - was, was - now, language)
        else:
            text = f"{_said(term, was, before, language)} → {_said(term, now, after, language)}"
        if was != now:
            found.append(Change(term.path, name(term, language), text, _side(term, was, now)))
    return found


def name(term: Term, language: str) -> str:
    """Its label, said so that it is clear without the heading of its group."""
    english = language.startswith("en")
    label, group = term.label(language), GROUPS[term.group][english]
    if term.group == "evidence":
        return f"Evidence for “{label}”" if english else f"“{label}”所需证据"
    if term.group in NAMED_BY_GROUP:
        return f"{group}: {label[0].lower()}{label[1:]}" if english else f"{group}（{label}）"
    return label


def _said(term: Term, value: Any, terms: Mapping[str, Any], language: str) -> str:
    return in_words(term, value, language, terms["chargeback_fee"]["currency"])


def _came_and_went(term: Term, came: set[str], went: set[str], language: str) -> str:
    english = language.startswith("en")
    parts = []
    if came:
        parts.append(("added " if english else "新增") + in_words(term, sorted(came), language))
    if went:
        parts.append(("removed " if english else "去掉") + in_words(term, sorted(went), language))
    return ("; " if english else "；").join(parts)


def _side(term: Term, was: Any, now: Any) -> Side:
    """A set grows or shrinks as a number does; where some came and others went it serves neither side alone."""
    if not term.kinder or was is None or now is None:
        return "neither"
    grows, shrinks = was < now, now < was
    if not (grows or shrinks):
        return "neither"
    return "kinder" if grows == (term.kinder == "more") else "stricter"
