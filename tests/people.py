"""Fixtures: the cast, and a client that speaks the API as one of them."""

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any, NamedTuple

import pytest
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.test import APIClient

from marketplace.identity import tokens
from marketplace.identity.models import Buyer, User
from marketplace.identity.roles import Role
from marketplace.kernel import crypto
from marketplace.orders.models import Shop
from sellers.models import Seller

from .factories import BuyerFactory, SellerFactory, ShopFactory, StaffFactory, make_member


class Cast(NamedTuple):
    """Who appears in the tests. Buyers are of `shop`; the rest of the staff sign in to the admin."""

    shop: Shop
    buyer: Buyer
    stranger: Buyer
    seller: Seller
    seller_user: User
    other_seller: Seller
    other_seller_user: User
    reviewer: User
    second_reviewer: User
    supervisor: User
    support: User
    finance: User
    auditor: User


@pytest.fixture
def cast(db: None) -> Cast:
    shop, seller, other = ShopFactory.create(code="shop"), SellerFactory.create(), SellerFactory.create()
    return Cast(
        shop=shop,
        buyer=BuyerFactory.create(source=shop.code),
        stranger=BuyerFactory.create(source=shop.code),
        seller=seller,
        seller_user=make_member(seller),
        other_seller=other,
        other_seller_user=make_member(other),
        reviewer=StaffFactory.create(role=Role.REVIEWER),
        second_reviewer=StaffFactory.create(role=Role.REVIEWER),
        supervisor=StaffFactory.create(role=Role.SUPERVISOR),
        support=StaffFactory.create(role=Role.SUPPORT),
        finance=StaffFactory.create(role=Role.FINANCE),
        auditor=StaffFactory.create(role=Role.AUDITOR),
    )


class Api(APIClient):
    """DRF's client that sends a new Idempotency-Key with each POST, unless one is given or key=None."""

    def generic(  # type: ignore[override]
        self, method: str, path: Any, data: Any = "", *args: Any, key: str | None = "new", **extra: Any
    ) -> HttpResponse:
        headers = dict(extra.pop("headers", None) or {})
        if method == "POST" and key is not None and "Idempotency-Key" not in headers:
            headers["Idempotency-Key"] = str(uuid.uuid4()) if key == "new" else key
        response: HttpResponse = super().generic(method, path, data, *args, headers=headers, **extra)
        return response

    def sign_in(self, buyer: Buyer) -> "Api":
        """A new client with a real token of `buyer`; this one stays as it is."""
        client = Api()
        token = tokens.issue(buyer, issued_to="login", now=timezone.now()).token
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    def push(self, shop: Shop, path: str, body: Any, *, message_id: str = "", at: Any = None) -> HttpResponse:
        """POST as `shop` with Standard Webhooks headers; the message id is the idempotency key."""
        payload = json.dumps(body).encode()
        message_id = message_id or f"msg_{uuid.uuid4().hex}"
        headers = signed(shop, payload, message_id, int((at or timezone.now()).timestamp()))
        response: HttpResponse = self.post(
            path, payload, content_type="application/json", key=None, headers=headers
        )
        return response


def signed(shop: Shop, payload: bytes, message_id: str, timestamp: int) -> dict[str, str]:
    """The headers a shop signs a call with."""
    secret = crypto.unseal(bytes(shop.sealed_secret), f"shop:{shop.code}").removeprefix("whsec_")
    text = b".".join([message_id.encode(), str(timestamp).encode(), payload])
    mac = hmac.new(base64.b64decode(secret), text, hashlib.sha256).digest()
    return {
        "X-Shop": shop.code,
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


@pytest.fixture
def api(db: None) -> Api:
    """Nobody signed in: api.get(...), api.sign_in(cast.buyer).post(path, {...}), api.push(cast.shop, path, {...})."""
    return Api()
