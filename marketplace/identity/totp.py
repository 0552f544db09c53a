"""Codes of an authenticator app (RFC 6238: six digits, SHA-1, thirty seconds), with the time as an argument."""

import base64
import secrets
from datetime import datetime

from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from cryptography.hazmat.primitives.twofactor.totp import TOTP

ISSUER = "Recourse"
DIGITS = 6
STEP = 30  # seconds
DRIFT = 1  # steps a phone's clock may be off, either way


def new_secret() -> str:
    """160 bits in base32, as an app takes them."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def address(secret: str, username: str) -> str:
    """What the QR code says: otpauth://totp/…"""
    return _totp(secret).get_provisioning_uri(username, ISSUER)


def code_at(secret: str, at: datetime) -> str:
    return _totp(secret).generate(at.timestamp()).decode()


def step_of(secret: str, typed: str, now: datetime) -> int | None:
    """The step whose code this is, among those a phone may show now; None for none."""
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdigit()):
        return None
    codes = HOTP(base64.b32decode(secret), DIGITS, SHA1())  # noqa: S303  (what apps know)
    this = int(now.timestamp()) // STEP
    found = [
        step
        for step in range(this - DRIFT, this + DRIFT + 1)
        if bytes_eq(codes.generate(step), typed.encode())
    ]
    return max(found, default=None)


def _totp(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), DIGITS, SHA1(), STEP)  # noqa: S303
