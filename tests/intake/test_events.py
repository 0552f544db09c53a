"""Events of a unit, and the buyer's token."""

from marketplace.identity.models import BuyerSession
from marketplace.orders.models import Shop, UnitEvent
from tests.factories import ShopFactory
from tests.people import Api

from . import bodies, rows
from .conftest import Push

EVENTS = "/api/v1/ingest/orders/DJ-1/events/"
TOKEN = "/api/v1/ingest/buyers/u-77/token/"


def test_events_are_appended_once(push: Push) -> None:
    push(bodies.order())
    answer = push(
        {
            "unit": "1",
            "events": [bodies.event("evt-1", "delivered", "2026-11-10T09:31:00+08:00"), bodies.event()],
        },
        EVENTS,
    )

    assert answer.status_code == 200
    assert (answer.json()["appended"], answer.json()["known"]) == (1, 1)
    assert push({"unit": "1", "events": [bodies.event()]}, EVENTS).json()["appended"] == 0
    assert UnitEvent.objects.count() == 3


def test_event_without_ref_is_known_by_type_and_time(push: Push) -> None:
    push(bodies.order())
    for at in ("2026-11-10T09:40:00+08:00", "2026-11-10T01:40:00Z"):
        push({"unit": "2", "events": [bodies.event(None, at=at), bodies.event(None, at=at)]}, EVENTS)
    assert UnitEvent.objects.get(unit__ref="2").ref == "revealed@2026-11-10T01:40:00+00:00"


def test_ref_of_another_event_is_a_conflict(push: Push) -> None:
    push(bodies.order())
    before = rows.contents()
    answer = push({"unit": "1", "events": [bodies.event("evt-5"), bodies.event("evt-1", "redeemed")]}, EVENTS)
    assert (answer.status_code, answer.json()["code"]) == (409, "order_conflict")
    assert answer.json()["errors"][0]["pointer"] == "/events/1/ref"
    assert rows.contents() == before


def test_unknown_unit_and_order_are_not_found(push: Push) -> None:
    push(bodies.order())
    before = rows.contents()
    unit = push({"unit": "3", "events": [bodies.event()]}, EVENTS)
    order = push({"unit": "1", "events": [bodies.event()]}, EVENTS.replace("DJ-1", "DJ-2"))
    other = push({"unit": "1", "events": [bodies.event()]}, EVENTS, shop=ShopFactory(code="other"))
    assert [answer.status_code for answer in (unit, order, other)] == [404, 404, 404]
    assert "1, 2" in unit.json()["detail"]
    assert rows.contents() == before


def test_token_opens_the_buyer_alone(push: Push, api: Api, shop: Shop) -> None:
    push(bodies.order())
    answer = push({}, TOKEN)
    assert answer.status_code == 201
    assert answer.json()["expires_at"] == "2026-11-20T22:00:00+08:00"
    session = BuyerSession.objects.get()
    assert (session.buyer.external_id, session.issued_to) == ("u-77", "shop:djk")


def test_replayed_token_is_the_same_and_is_not_kept_in_clear(push: Push) -> None:
    push(bodies.order())
    first = push({}, TOKEN, message_id="msg_t")
    again = push({}, TOKEN, message_id="msg_t")
    assert first.json() == again.json()
    assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")
    assert BuyerSession.objects.count() == 1
    assert first.json()["token"] not in rows.texts()


def test_token_for_an_unknown_or_another_shops_buyer_is_not_found(push: Push) -> None:
    push(bodies.order())
    before = rows.contents()
    assert push({}, TOKEN.replace("u-77", "u-0")).status_code == 404
    assert push({}, TOKEN, shop=ShopFactory(code="other")).status_code == 404
    assert rows.contents() == before
