"""The value of a term as people say it, and as they type it. The two are each other's inverse where it matters."""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from .evidence import EVIDENCE_KINDS
from .goods import exponent
from .render import money
from .term_table import BEARERS, TERMS, UNITS, WHOLE_NUMBERS, Term, put, without_empty_parts

Typed = str | list[str]

_WHOLE = re.compile(r"-?\d{1,9}", re.ASCII)
_NUMBER = re.compile(r"-?(\d{1,12}|\d{1,3}(,\d{3}){1,3})(\.\d{1,6})?", re.ASCII)
_BETWEEN = re.compile(r"[\s,，、;；]+")


def in_words(term: Term, value: Any, language: str, currency: str = "CNY") -> str:
    """ "24 h", "¥50.00", "DE, FR". `currency` is that of a fee."""
    english = language.startswith("en")
    if value is None:
        return "not set" if english else "未设置"
    if term.unit in WHOLE_NUMBERS:
        unit = UNITS[term.unit][english]
        return f"{value:,} {unit}"
    if term.unit == "yuan":
        return money(value, "CNY", english)
    if term.unit == "fee":
        return money(value, currency, english)
    if term.unit == "hundredths":
        return f"{_plain(Decimal(value).scaleb(-2))} %"
    if term.unit == "yes_no":
        return (("否", "no"), ("是", "yes"))[bool(value)][english]
    if term.unit == "bearer":
        return BEARERS[value][english]
    if term.unit in ("regions", "kinds"):
        return _listed(term, value, english)
    return str(value)


def _listed(term: Term, values: Sequence[str], english: bool) -> str:
    if not values:
        return "nothing" if english else "无"
    names = [_kind(value, english) for value in values] if term.unit == "kinds" else sorted(values)
    return (", " if english else "、").join(names)


def typed(term: Term, terms: Mapping[str, Any]) -> Typed:
    """What stands in the field of a term: `typed` and `read` bring back the very same terms."""
    value = term.of(terms)
    if term.unit == "kinds":
        return list(value or [])
    if value is None:
        return ""
    if term.unit == "yuan":
        return _major(value, 2)
    if term.unit == "fee":
        return _major(value, exponent(str(terms["chargeback_fee"]["currency"])))
    if term.unit == "hundredths":
        return _plain(Decimal(value).scaleb(-2))
    if term.unit == "yes_no":
        return "1" if value else ""
    if term.unit == "regions":
        return " ".join(value)
    return str(value)


def read(fields: Mapping[str, Typed], before: Mapping[str, Any]) -> dict[str, Any]:
    """Terms as typed, by path; `before` gives what has no field, and the order of lists.

    What cannot be read stays as it was typed, for Terms to refuse: it takes neither text nor fractions for a number.
    """
    terms = copy.deepcopy(dict(before))
    for term in TERMS.values():
        given = fields.get(term.path, [] if term.unit == "kinds" else "")
        put(terms, term.path, _read(term, given, fields, term.of(before)))
    return without_empty_parts(terms)


def _read(term: Term, given: Typed, fields: Mapping[str, Typed], before: Any) -> Any:
    if isinstance(given, list):
        kept = [kind for kind in before or [] if kind in given]
        return kept + [kind for kind in EVIDENCE_KINDS if kind in given and kind not in kept]
    text = unicodedata.normalize("NFKC", given).strip()  # full-width digits of a Chinese keyboard
    if term.unit == "yes_no":
        return bool(text)
    if term.unit == "regions":
        return list(dict.fromkeys(part for part in _BETWEEN.split(text) if part))
    if term.unit in ("currency", "bearer"):
        return text
    if not text:
        return None
    if term.unit in WHOLE_NUMBERS:
        return int(text) if _WHOLE.fullmatch(text) else text
    return _minor(text, _digits(term, fields))


def _digits(term: Term, fields: Mapping[str, Typed]) -> int:
    return exponent(str(fields.get("chargeback_fee.currency", "")).strip()) if term.unit == "fee" else 2


def _minor(text: str, digits: int) -> int | str:
    """Minor units, exactly as typed; the text itself where it is no number or has too many decimals."""
    if not _NUMBER.fullmatch(text):
        return text
    value = Decimal(text.replace(",", "")).scaleb(digits)
    return int(value) if value == value.to_integral_value() else text


def _major(amount: int, digits: int) -> str:
    return f"{Decimal(amount).scaleb(-digits):.{digits}f}"


def _plain(value: Decimal) -> str:
    """Without trailing zeros and exponents: 0, 0.5, 10."""
    return f"{value.normalize():f}"


def _kind(code: str, english: bool) -> str:
    row = EVIDENCE_KINDS.get(code)
    return code if row is None else row.en if english else row.zh
