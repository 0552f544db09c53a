"""The policy's closed lists as Django choices, labelled in the reader's language."""

from django.utils.functional import lazy
from django.utils.translation import get_language

from .policy.reasons import REASONS


def _label(code: str) -> str:
    reason = REASONS[code]
    return reason.en if (get_language() or "").startswith("en") else reason.zh


def _remedy(code: str) -> str:
    en = (get_language() or "").startswith("en")
    return {"refund": ("退款", "Refund"), "replacement": ("补发", "Replacement")}[code][en]


reason_label = lazy(_label, str)
remedy_label = lazy(_remedy, str)
REASON_CHOICES = [(code, reason_label(code)) for code in REASONS]
REMEDY_CHOICES = [(code, remedy_label(code)) for code in ("refund", "replacement")]
