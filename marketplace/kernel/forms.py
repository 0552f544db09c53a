"""Reading amounts as people type them, for every screen."""

import re
import unicodedata
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from .money import EXPONENTS, minor

# 1234.50 or 1,234.50. A comma anywhere else may be meant as a decimal point: refused, not guessed at.
AMOUNT = re.compile(r"(\d{1,15}|\d{1,3}(,\d{3}){1,4})(\.\d{1,15})?", re.ASCII)


def typed_amount(typed: str, currency: str) -> int:
    """Minor units, exactly as typed: nothing is rounded. Raises ValidationError."""
    text = unicodedata.normalize("NFKC", typed)  # full-width digits of a Chinese keyboard
    if not AMOUNT.fullmatch(text):
        raise ValidationError(gettext("Amount: write a number such as 12.50."))
    try:
        return minor(Decimal(text.replace(",", "")), currency)
    except ValueError as error:
        raise ValidationError(
            gettext("Amount: %(currency)s has at most %(digits)d decimals.")
            % {"currency": currency, "digits": EXPONENTS[currency]}
        ) from error
