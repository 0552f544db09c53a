"""Alipay's RSA2 (SHA256withRSA, PKCS#1 v1.5, base64), made with `cryptography` and not with the library under test."""

import base64
from collections.abc import Mapping
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey


def joined(fields: Mapping[str, str]) -> str:
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields))


@cache
def _loaded(private_key: str) -> RSAPrivateKey:
    """Loading a key checks it, which takes many times longer than signing with it."""
    key = serialization.load_pem_private_key(private_key.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def sign(text: str, private_key: str) -> str:
    key = _loaded(private_key)
    return base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def is_signed(text: str, signature: str, public_key: str) -> bool:
    key = serialization.load_pem_public_key(public_key.encode())
    assert isinstance(key, RSAPublicKey)
    try:
        key.verify(base64.b64decode(signature.encode()), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
