"""Webhook receivers: added, given new secrets, switched off and on again. A secret is shown once, when it is made."""

import base64
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel import crypto
from marketplace.kernel.errors import NotFound, NotPermitted, Refusal
from marketplace.orders.models import Shop
from sellers.models import Seller

from .. import addresses
from ..models import Endpoint

MAY_SWITCH = "notices.change_endpoint"
FORMER_SECRET_FOR = timedelta(hours=24)
MOST = 5  # in use at once: each notice goes to all of them


class KnownAlready(Refusal):
    code = "endpoint_exists"
    title = _("This address is in your list already.")


class TooMany(Refusal):
    code = "too_many_endpoints"
    title = _("You use five addresses already. Switch one off first.")


class Made(NamedTuple):
    endpoint: Endpoint
    secret: str  # shown to its owner this once


def context(endpoint: Endpoint) -> str:
    return f"endpoint:{endpoint.owner}"


def add(*, url: str, now: datetime, seller_id: int | None = None, shop_id: int | None = None) -> Made:
    """For a seller or a shop. Raises BadAddress (addresses.py), KnownAlready, TooMany."""
    addresses.read(url)
    with transaction.atomic(durable=True):
        endpoint = Endpoint(seller_id=seller_id, shop_id=shop_id, url=url, created_at=now)
        _make_room(endpoint)
        secret = _new_secret()
        endpoint.sealed_secret = crypto.seal(secret, context(endpoint))
        endpoint.save()
        return Made(endpoint, secret)


def rotate(*, endpoint_id: int, seller_id: int, now: datetime) -> Made:
    """A new secret; the former one signs beside it for a day, so that no message is refused. Raises NotFound."""
    with transaction.atomic(durable=True):
        endpoint = _locked(endpoint_id, seller_id)
        secret = _new_secret()
        endpoint.sealed_former, endpoint.former_until = endpoint.sealed_secret, now + FORMER_SECRET_FOR
        endpoint.sealed_secret = crypto.seal(secret, context(endpoint))
        endpoint.save(update_fields=["sealed_secret", "sealed_former", "former_until"])
        return Made(endpoint, secret)


def switch(*, endpoint_id: int, seller_id: int, on: bool, now: datetime) -> Endpoint:
    """By its owner. Raises NotFound, TooMany."""
    with transaction.atomic(durable=True):
        return _switch(_locked(endpoint_id, seller_id), on, Endpoint.Why.OWNER, now)


def switch_as_staff(*, endpoint_id: int, user: User, on: bool, now: datetime) -> Endpoint:
    """Raises NotPermitted, NotFound, TooMany."""
    if not user.has_perm(MAY_SWITCH):
        raise NotPermitted()
    with transaction.atomic(durable=True):
        return _switch(_locked(endpoint_id, None), on, Endpoint.Why.STAFF, now)


def _make_room(endpoint: Endpoint) -> None:
    """See that the owner may have one more, one call at a time."""
    owner: type[Seller] | type[Shop] = Seller if endpoint.seller_id else Shop
    owner.objects.select_for_update(no_key=True).get(pk=endpoint.seller_id or endpoint.shop_id or 0)
    mine = Q(seller_id=endpoint.seller_id) if endpoint.seller_id else Q(shop_id=endpoint.shop_id)
    others = list(Endpoint.objects.filter(mine).exclude(pk=endpoint.pk))
    if any(other.url == endpoint.url for other in others):
        raise KnownAlready()
    if sum(other.disabled_at is None for other in others) >= MOST:
        raise TooMany()


def _switch(endpoint: Endpoint, on: bool, why: Endpoint.Why, now: datetime) -> Endpoint:
    if on:
        _make_room(endpoint)
    endpoint.disabled_at, endpoint.disabled_reason = (None, "") if on else (now, why)
    endpoint.save(update_fields=["disabled_at", "disabled_reason"])
    return endpoint


def _locked(endpoint_id: int, seller_id: int | None) -> Endpoint:
    rows = Endpoint.objects.select_for_update().filter(pk=endpoint_id)
    endpoint = (rows if seller_id is None else rows.filter(seller_id=seller_id)).first()
    if endpoint is None:
        raise NotFound()
    return endpoint


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
