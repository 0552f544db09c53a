"""What no text may carry out of a case: card and identity numbers, contact data, and the codes that were sold."""

import re
from collections.abc import Collection

from marketplace.kernel import crypto

# Thirteen to nineteen digits, with or without gaps: a card number has no place in a case (C7).
CARD_NUMBER = re.compile(r"(?<!\d)(?:\d[ -]?){13,19}(?!\d)")
IDENTITY_NUMBER = re.compile(r"(?<![\dA-Za-z])\d{17}[\dXx](?![\dA-Za-z])")
CONTACT = re.compile(
    r"(?<!\d)(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+"
)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{3,126}[A-Za-z0-9]")
HIDDEN = "****"


def mask_contact(text: str) -> str:
    """Phone numbers and addresses keep their ends: 138****5678."""
    return CONTACT.sub(lambda found: f"{found[0][:3]}{HIDDEN}{found[0][-4:]}", text)


def masked(text: str, fingerprints: Collection[bytes] = ()) -> str:
    """Fit to leave the house. `fingerprints` are those of the case's codes, which are known by nothing else here."""
    text = IDENTITY_NUMBER.sub(lambda found: f"{HIDDEN}{found[0][-4:]}", text)
    text = CARD_NUMBER.sub(_last_four, text)
    if fingerprints:
        text = _CODE.sub(lambda found: HIDDEN if _is_code(found[0], fingerprints) else found[0], text)
    return mask_contact(text)


def _last_four(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return HIDDEN + digits[-4:] + (" " if found[0][-1] in " -" else "")


def _is_code(word: str, fingerprints: Collection[bytes]) -> bool:
    return crypto.fingerprint(word) in fingerprints
