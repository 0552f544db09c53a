"""Findings and changes in a person's language: money, Beijing time, names instead of codes. Never fails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal

from .decision import Finding
from .evidence import EVIDENCE_KINDS
from .goods import CHANNELS, exponent
from .reasons import REASONS
from .texts import TEXTS

Language = Literal["zh-hans", "en"]

# A fixed offset, not a time zone from files: China has kept UTC+8 without summer time since 1991.
_BEIJING = timezone(timedelta(hours=8))

_EVENTS: dict[str, tuple[str, str]] = {
    "activated": ("激活", "activated"),
    "redeemed": ("兑换", "redeemed"),
    "gifted": ("赠送", "given away"),
    "spent": ("消费", "spent"),
    "logged_in": ("登录", "signed in to"),
}
_TABLES: dict[str, Mapping[str, Any]] = {"kinds": EVIDENCE_KINDS, "reason": REASONS, "channel": CHANNELS}
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def render(finding: Finding | Mapping[str, Any], language: str) -> str:
    """One finding, or one entry of `would_change`, as a sentence or two.

    `language` is "zh-hans" or "en", any other reads as zh-hans. A key without a text, or a fact that is
    missing or odd, gives a shorter text rather than an error: stored decisions outlive the wording of the
    day.
    """
    english = language.lower().startswith("en")
    data = finding._asdict() if isinstance(finding, Finding) else finding
    pair = TEXTS.get(str(data.get("key")))
    if pair is None:
        rule = data.get("rule") or data.get("key") or "-"
        return f"Rule: {rule}." if english else f"规则：{rule}。"
    facts = data.get("facts")
    shown = _Shown(facts if isinstance(facts, Mapping) else {}, english)
    return pair[english].format_map(shown)


class _Shown(dict[str, str]):
    """Facts by name, formatted when a template asks for them."""

    def __init__(self, facts: Mapping[str, Any], english: bool) -> None:
        super().__init__()
        self._facts = facts
        self._english = english

    def __missing__(self, name: str) -> str:
        try:
            return _format(name, self._facts.get(name), self._english)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return "-"


def _format(name: str, value: Any, english: bool) -> str:
    if value is None or value == [] or value == "":
        return "-"
    if isinstance(value, Mapping):
        return money(int(value["amount"]), str(value["currency"]), english)
    if isinstance(value, list | tuple):
        parts = [_label(name, str(item), english) for item in value]
        return (", " if english else "、").join(parts)
    if name.endswith("_at"):
        return _instant(datetime.fromisoformat(value), english)
    return _label(name, str(value), english)


def _label(name: str, code: str, english: bool) -> str:
    if name == "event":
        pair = _EVENTS.get(code)
        return pair[english] if pair else code
    row = _TABLES[name].get(code) if name in _TABLES else None
    if row is None:
        return code
    return str(row.en if english else row.zh)


def money(amount: int, currency: str, english: bool) -> str:
    """Minor units as people write them: ¥49.00 in Chinese, CNY 49.00 in English, JPY 500 in both."""
    digits = exponent(currency)
    text = f"{Decimal(amount).scaleb(-digits):,.{digits}f}"
    return f"¥{text}" if currency == "CNY" and not english else f"{currency} {text}"


def _instant(at: datetime, english: bool) -> str:
    local = at.astimezone(_BEIJING)
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    if english:
        return f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {clock} Beijing time"
    return f"{local.year}年{local.month}月{local.day}日 {clock}（北京时间）"
