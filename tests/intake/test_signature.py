"""Only a shop that signs the very body may push; every refusal looks the same."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from marketplace.intake import shops
from marketplace.orders.models import Order, Shop
from tests.factories import ShopFactory
from tests.people import Api, signed

from . import bodies, rows

Headers = dict[str, str]


def send(api: Api, payload: bytes, headers: Headers) -> Any:
    return api.post(bodies.ORDERS, payload, content_type="application/json", key=None, headers=headers)


def _without(name: str) -> Callable[[Headers], None]:
    return lambda headers: headers.pop(name) and None


def _with(name: str, value: str) -> Callable[[Headers], None]:
    return lambda headers: headers.update({name: value})


SPOILT = {
    "no signature": _without("webhook-signature"),
    "no timestamp": _without("webhook-timestamp"),
    "no id": _without("webhook-id"),
    "no shop": _without("X-Shop"),
    "empty signature": _with("webhook-signature", ""),
    "not versioned": _with("webhook-signature", "abc"),
    "not base64": _with("webhook-signature", "v1,%%%"),
    "other version": _with("webhook-signature", "v2,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
    "wrong signature": _with("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
    "other id": _with("webhook-id", "msg_2"),
    "not a time": _with("webhook-timestamp", "now"),
    "endless time": _with("webhook-timestamp", "inf"),
    "no number": _with("webhook-timestamp", "nan"),
    "unknown shop": _with("X-Shop", "nobody"),
    "non-ascii shop": _with("X-Shop", "\u00e9"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_spoilt_signature_is_refused(api: Api, shop: Shop, spoil: Callable[[Headers], None]) -> None:
    payload = json.dumps(bodies.order()).encode()
    headers = signed(shop, payload, "msg_1", int(timezone.now().timestamp()))
    before = rows.counts()
    assert send(api, payload, headers | {"webhook-id": "msg_ok"}).status_code == 401
    spoil(headers)

    answer = send(api, payload, headers)

    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert answer.json()["code"] == "authentication_failed"
    assert rows.counts() == before


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-290, 201), (290, 201), (310, 401)])
def test_timestamp_may_be_five_minutes_off_either_way(
    api: Api, shop: Shop, seconds: int, status: int
) -> None:
    payload = json.dumps(bodies.order()).encode()
    headers = signed(shop, payload, "msg_1", int(timezone.now().timestamp()) + seconds)
    assert send(api, payload, headers).status_code == status


def test_altered_body_is_refused(api: Api, shop: Shop) -> None:
    payload = json.dumps(bodies.order()).encode()
    headers = signed(shop, payload, "msg_1", int(timezone.now().timestamp()))
    assert send(api, payload + b" ", headers).status_code == 401
    assert send(api, payload.replace(b"4901", b"4902"), headers).status_code == 401
    assert send(api, payload, headers).status_code == 201


def test_other_shops_secret_is_refused(api: Api, shop: Shop) -> None:
    shops.add("other", name="Other")
    other = Shop.objects.get(code="other")
    payload = json.dumps(bodies.order()).encode()
    headers = signed(other, payload, "msg_1", int(timezone.now().timestamp()))
    assert send(api, payload, headers | {"X-Shop": shop.code}).status_code == 401
    assert send(api, payload, headers).status_code == 201
    assert Order.objects.get().shop == other


def test_unknown_shop_cannot_be_told_from_a_wrong_signature(api: Api, shop: Shop) -> None:
    payload = b"{}"
    headers = signed(shop, payload, "msg_1", int(timezone.now().timestamp()))
    unknown = send(api, payload, headers | {"X-Shop": "nobody"})
    wrong = send(api, payload, headers | {"webhook-id": "other"})
    assert unknown.json() == wrong.json()
    assert unknown["WWW-Authenticate"] == wrong["WWW-Authenticate"]


def test_unsigned_body_is_not_parsed(api: Api, shop: Shop) -> None:
    assert send(api, b"{ not json", {"X-Shop": shop.code}).status_code == 401


def test_one_of_several_signatures_is_enough(api: Api, shop: Shop) -> None:
    payload = json.dumps(bodies.order()).encode()
    headers = signed(shop, payload, "msg_1", int(timezone.now().timestamp()))
    headers["webhook-signature"] = "v2,AAAA v1,AAAA " + headers["webhook-signature"]
    assert send(api, payload, headers).status_code == 201


def test_message_id_that_cannot_be_kept_is_refused(api: Api, shop: Shop) -> None:
    payload = json.dumps(bodies.order()).encode()
    for message_id in ("m" * 256, "two words"):
        headers = signed(shop, payload, message_id, int(timezone.now().timestamp()))
        answer = send(api, payload, headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert Order.objects.count() == 0


def test_body_beyond_the_limit_is_refused(api: Api, shop: Shop, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    payload = json.dumps(bodies.order()).encode()
    headers = signed(shop, payload, "msg_1", int(timezone.now().timestamp()))
    assert send(api, payload, headers).status_code == 413


def test_rotated_secret_counts_at_once(api: Api) -> None:
    shops.add("own", name="Own")
    old = Shop.objects.get(code="own")
    payload = json.dumps(bodies.order()).encode()
    now = int(timezone.now().timestamp())
    assert send(api, payload, signed(old, payload, "msg_1", now)).status_code == 201
    shops.rotate("own")
    assert send(api, payload, signed(old, payload, "msg_2", now)).status_code == 401
    new = Shop.objects.get(code="own")
    assert send(api, payload, signed(new, payload, "msg_3", now)).status_code == 200


def test_shop_is_read_once_in_a_while(api: Api, shop: Shop, django_assert_num_queries: Any) -> None:
    shops.calling(shop.code)
    with django_assert_num_queries(0):
        assert shops.calling(shop.code).pk == shop.pk


def test_too_many_calls_of_one_shop_wait(api: Api, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from marketplace.intake.api.views import PerShop

    monkeypatch.setattr(PerShop, "rate", "1/min", raising=False)
    other = ShopFactory(code="other")
    statuses = [api.push(one, bodies.ORDERS, {}).status_code for one in (shop, shop, other)]
    assert statuses == [400, 429, 400]
