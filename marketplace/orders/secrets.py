"""Card codes at rest: sealed to their unit, found again by a keyed fingerprint."""

from marketplace.kernel import crypto

from .models import Unit


def context(order_no: str, ref: str) -> str:
    return f"unit:{order_no}:{ref}"


def seal(secret: str, order_no: str, ref: str) -> tuple[bytes, bytes]:
    """(sealed, fingerprint) for the two columns of Unit."""
    return crypto.seal(secret, context(order_no, ref)), crypto.fingerprint(secret)


def unseal(unit: Unit, order_no: str) -> str:
    assert unit.sealed_secret is not None
    return crypto.unseal(unit.sealed_secret, context(order_no, unit.ref))
