"""Numbers people read out on the phone: prefix, day, and eight letters or digits without look-alikes."""

import secrets
from datetime import datetime
from zoneinfo import ZoneInfo

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
SHANGHAI = ZoneInfo("Asia/Shanghai")
_LENGTH = 8
# 32 letters stand for five bits of a random byte, so that each is as likely as the others.
_LETTER_OF_BYTE = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))


def number(prefix: str, now: datetime) -> str:
    """number("RF", now) -> "RF261120K7M2Q9XA": 40 random bits a day, and a unique index behind it."""
    return numbers(prefix, now, 1)[0]


def numbers(prefix: str, now: datetime, count: int) -> list[str]:
    """`count` of them from one draw: asking the system for each letter was a seventh of an import's time."""
    head = f"{prefix}{now.astimezone(SHANGHAI):%y%m%d}"
    letters = secrets.token_bytes(_LENGTH * count).translate(_LETTER_OF_BYTE).decode()
    return [head + letters[start : start + _LENGTH] for start in range(0, _LENGTH * count, _LENGTH)]
