"""The rules as anybody may read them (requirement J1): what is in force, and what will be."""

from datetime import datetime
from typing import Any

from marketplace.kernel.errors import NotFound
from marketplace.kernel.language import language
from marketplace.kernel.serializers import instant

from .policies import NoPolicy, Policy, in_force, versions
from .policy import GOODS_TYPES, Terms
from .policy.plain import goods_name, plain
from .policy.term_changes import changes
from .policy.term_table import NOT_PUBLIC


def policies(now: datetime) -> list[dict[str, Any]]:
    """One row for each goods type that has a policy in force, in the reader's language."""
    found = []
    for goods_type in GOODS_TYPES:
        try:
            found.append(_row(goods_type, in_force(goods_type, now), now))
        except NoPolicy:
            continue
    return found


def policy(goods_type: str, now: datetime) -> dict[str, Any]:
    """With the terms as data and in plain language. Raises NotFound, NoPolicy."""
    if goods_type not in GOODS_TYPES:
        raise NotFound()
    current, coming = in_force(goods_type, now), _coming(goods_type, now)
    row = _row(goods_type, current, now)
    following = coming and {**_dated(coming), **_said(coming), **_announced(current, coming)}
    return {**row, **_said(current), "next": following}


def _row(goods_type: str, current: Policy, now: datetime) -> dict[str, Any]:
    coming = _coming(goods_type, now)
    return {
        "goods_type": goods_type,
        "name": goods_name(goods_type, language()),
        **_dated(current),
        "next": coming and {**_dated(coming), **_announced(current, coming)},
    }


def _coming(goods_type: str, now: datetime) -> Policy | None:
    """The next version, where it is published already."""
    return next((version for version in versions(goods_type) if version.in_force_at > now), None)


def _dated(version: Policy) -> dict[str, Any]:
    return {"policy": version.ref, "in_force_at": instant(version.in_force_at)}


def _announced(current: Policy, coming: Policy) -> dict[str, Any]:
    """What comes, and why: each term that differs in words, and whether that is kinder to the buyer."""
    was, now = (version.terms.model_dump(mode="json") for version in (current, coming))
    changed = [change for change in changes(was, now, language()) if change.path not in NOT_PUBLIC]
    return {
        "title": coming.title,
        "why": coming.why,
        "changes": [
            {"term": change.path, "name": change.label, "text": change.text, "for_buyer": change.side}
            for change in changed
        ],
    }


def _said(version: Policy) -> dict[str, Any]:
    return {"text": plain(version.terms, language()), "terms": _data(version.terms)}


def _data(terms: Terms) -> dict[str, Any]:
    data = terms.model_dump(mode="json", exclude={"goods_type", *NOT_PUBLIC})
    data["withdrawal"]["regions"].sort()  # a set, whose order is another in each process
    return data
