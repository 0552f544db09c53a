"""Secrets at rest: AES-256-GCM under rotating keys, and keyed fingerprints for look-ups.

A sealed value is key-id length, key id, 12-byte nonce, ciphertext. The context (for a card code: its unit)
is authenticated with it, so that a value copied to another row does not open there.
"""

import base64
import hashlib
import hmac
import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings


class CannotDecrypt(Exception):
    """The key is gone, or the value was altered or belongs elsewhere."""


@cache
def _keys(configured: tuple[str, ...]) -> dict[str, AESGCM]:
    pairs = (item.split(":", 1) for item in configured)
    return {key_id: AESGCM(base64.b64decode(key)) for key_id, key in pairs}


def seal(plain: str, context: str) -> bytes:
    keys = _keys(tuple(settings.FIELD_KEYS))
    key_id, cipher = next(iter(keys.items()))
    nonce = os.urandom(12)
    header = bytes([len(key_id)]) + key_id.encode()
    return header + nonce + cipher.encrypt(nonce, plain.encode(), context.encode())


def unseal(sealed: bytes | memoryview, context: str) -> str:
    """Raises CannotDecrypt."""
    sealed = bytes(sealed)  # the driver hands out memoryviews
    length = sealed[0]
    key_id, nonce, body = (
        sealed[1 : 1 + length].decode(),
        sealed[1 + length : 13 + length],
        sealed[13 + length :],
    )
    try:
        return _keys(tuple(settings.FIELD_KEYS))[key_id].decrypt(nonce, body, context.encode()).decode()
    except (KeyError, InvalidTag) as error:
        raise CannotDecrypt(f"sealed under key {key_id!r}: key missing, value altered or moved") from error


def fingerprint(value: str) -> bytes:
    """32 bytes, equal for equal values, useless without FINGERPRINT_KEY (requirement H10)."""
    return hmac.new(base64.b64decode(settings.FINGERPRINT_KEY), value.encode(), hashlib.sha256).digest()
