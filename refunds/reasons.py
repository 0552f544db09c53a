"""The policy's closed lists as Django choices, labelled in the reader's language."""

from django.utils.functional import lazy

from marketplace.kernel.language import is_english

from .policy.reasons import REASONS


def _label(code: str) -> str:
    reason = REASONS[code]
    return reason.en if is_english() else reason.zh


def reason_warning(code: str) -> str:
    """What to know before filing with this reason; empty where there is nothing."""
    reason = REASONS[code]
    return reason.warning_en if is_english() else reason.warning_zh


def _remedy(code: str) -> str:
    return {"refund": ("退款", "Refund"), "replacement": ("补发", "Replacement")}[code][is_english()]


reason_label = lazy(_label, str)
remedy_label = lazy(_remedy, str)
REASON_CHOICES = [(code, reason_label(code)) for code in REASONS]
REMEDY_CHOICES = [(code, remedy_label(code)) for code in ("refund", "replacement")]
