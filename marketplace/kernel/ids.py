"""Numbers people read out on the phone: prefix, day, and eight letters or digits without look-alikes."""

import secrets
from datetime import datetime
from zoneinfo import ZoneInfo

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def number(prefix: str, now: datetime) -> str:
    """number("RF", now) -> "RF261120K7M2Q9XA": 40 random bits a day, and a unique index behind it."""
    tail = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"{prefix}{now.astimezone(SHANGHAI):%y%m%d}{tail}"
