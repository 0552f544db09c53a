"""Which of the two languages the reader has, for texts that are kept in both outside of the catalogue."""

from django.utils.translation import get_language


def is_english() -> bool:
    return (get_language() or "").startswith("en")
