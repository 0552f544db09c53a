"""Which of the two languages the reader has, for texts that are kept in both outside of the catalogue."""

from typing import Literal

from django.utils.translation import get_language


def is_english() -> bool:
    return (get_language() or "").startswith("en")


def language() -> Literal["zh-hans", "en"]:
    return "en" if is_english() else "zh-hans"
