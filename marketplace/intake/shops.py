"""Shops and their signing secrets."""

import base64
import secrets
from typing import NamedTuple

from django.core.cache import cache

from marketplace.kernel import crypto
from marketplace.orders.models import Shop

REMEMBER_SECONDS = 10
_PREFIX = "whsec_"  # as the Standard Webhooks specification writes secrets


class ShopExists(Exception):
    """A shop of this code is there already; nothing was changed."""


class CallingShop(NamedTuple):
    """A shop as the API sees it: the caller of a signed request."""

    pk: int
    code: str
    secret: str
    is_authenticated: bool = True


def add(code: str, *, name: str) -> str:
    """Create the shop and return its signing secret, which is shown this once. Raises ShopExists."""
    secret = new_secret()
    _shop, created = Shop.objects.get_or_create(
        code=code, defaults={"name": name, "sealed_secret": crypto.seal(secret, _context(code))}
    )
    if not created:
        raise ShopExists(code)
    return secret


def rotate(code: str) -> str:
    """Replace the secret; other processes refuse the old one within REMEMBER_SECONDS. Raises Shop.DoesNotExist."""
    secret = new_secret()
    if not Shop.objects.filter(code=code).update(sealed_secret=crypto.seal(secret, _context(code))):
        raise Shop.DoesNotExist(code)
    cache.delete(_cached(code))
    return secret


def get_or_add(code: str) -> Shop:
    """For importers: a shop nobody has the secret of yet can be given one by `add_shop CODE --rotate`."""
    return Shop.objects.get_or_create(
        code=code, defaults={"name": code, "sealed_secret": crypto.seal(new_secret(), _context(code))}
    )[0]


def calling(code: str) -> CallingShop | None:
    """The shop with its secret. The sealed row is cached, so that a busy shop costs no query."""
    row = cache.get(_cached(code))
    if row is None:
        row = Shop.objects.filter(code=code).values_list("pk", "sealed_secret").first()
        if row is None:
            return None
        row = row[0], bytes(row[1])
        cache.set(_cached(code), row, REMEMBER_SECONDS)
    return CallingShop(row[0], code, crypto.unseal(row[1], _context(code)))


def new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _context(code: str) -> str:
    return f"shop:{code}"


def _cached(code: str) -> str:
    return f"calling-shop:{code}"
