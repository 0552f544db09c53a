"""One open request per unit, whatever the channel (C4): every ordered pair of channels, what is kept of each, and a race."""

import itertools
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from marketplace.kernel.models import IdempotencyKey, OutboxJob
from refunds.filing_channels import FILED_BY, FOR_A_CALLER, FilingChannel
from refunds.invariants import INVARIANTS, breaks
from refunds.machine import Party
from refunds.models import RefundItem, RefundRequest, Transition
from tests.cases import file, make_request, work
from tests.factories import hours, make_order
from tests.filers import FILERS, by_portal
from tests.people import Api, Cast

PARTY = {
    "api": Party.BUYER, "portal": Party.SELLER, "staff": Party.SUPPORT, "phone": Party.SUPPORT,
    "ticket": Party.SUPPORT, "import": Party.SYSTEM, "system": Party.SYSTEM,
}  # fmt: skip


def order_of(cast: Cast, **fields: Any) -> Any:
    events = [("delivered", hours(-3)), ("revealed", hours(-2))]
    parties = {"shop": cast.shop, "buyer": cast.buyer, "seller": cast.seller}
    return make_order(**{"total": 9900, "events": events, **parties, **fields})


@pytest.mark.parametrize(("first", "second"), list(itertools.product(FILERS, FILERS)))
def test_second_request_is_refused_with_the_number_of_the_first(first: str, second: str, cast: Cast) -> None:
    order = order_of(cast)
    filed = FILERS[first](cast, order)
    assert filed.number
    rows = (RefundItem, Transition, OutboxJob, IdempotencyKey)
    before = [model._default_manager.count() for model in rows]

    refused = FILERS[second](cast, order)

    assert filed.number in refused.refused
    assert RefundRequest.objects.get().number == filed.number
    assert [model._default_manager.count() for model in rows] == before


@pytest.mark.parametrize("channel", FilingChannel.values)
def test_case_keeps_its_channel_and_who_filed_it_and_the_buyer_is_told_and_sees_it(
    channel: str, cast: Cast, api: Api
) -> None:
    number = FILERS[channel](cast, order_of(cast)).number
    request = RefundRequest.objects.get(number=number)
    move = request.transitions.get()
    assert (request.channel, move.event, move.actor) == (channel, "file", PARTY[channel])
    assert (move.user_id is None) == (move.actor in (Party.BUYER, Party.SYSTEM))
    assert bool(request.caller_check) == (channel in FOR_A_CALLER)
    work()
    buyer = api.sign_in(cast.buyer)
    assert buyer.get(f"/api/v1/refund-requests/{number}/").json()["channel"] == channel
    told = buyer.get("/api/v1/notifications/").json()["results"]
    assert [each["topic"] for each in told].count("request_filed") == 1
    assert "Named the order number" not in buyer.get(f"/api/v1/refund-requests/{number}/").content.decode()


def test_a_closed_request_frees_its_units_for_every_channel(cast: Cast, api: Api) -> None:
    order = order_of(cast)
    number = FILERS["phone"](cast, order).number
    assert api.sign_in(cast.buyer).post(f"/api/v1/refund-requests/{number}/withdraw/", {}).status_code == 200
    assert by_portal(cast, order).number not in ("", number)


@pytest.mark.parametrize(
    ("fields", "law"),
    [
        ({"channel": "fax"}, "filed_by_a_known_channel"),
        ({"channel": "phone", "caller_check": ""}, "caller_was_identified"),
        ({"channel": "staff", "caller_check": ""}, "caller_was_identified"),
        ({"channel": "ticket", "caller_check": "", "ticket": "1"}, "caller_was_identified"),
        ({"channel": "ticket", "caller_check": "Phone end 4711", "ticket": ""}, "ticket_has_its_number"),
    ],
)
def test_database_keeps_who_called(fields: dict[str, str], law: str, cast: Cast) -> None:
    request = make_request(cast)
    row = {"number": "RFX", "order": request.order, "buyer": cast.buyer, "seller": cast.seller, "amount": 1}
    with pytest.raises(IntegrityError, match=law), transaction.atomic():
        RefundRequest.objects.create(
            **row, currency="CNY", filed_at=request.filed_at, two_person_above=1, **fields
        )


@pytest.mark.parametrize("change", [{"channel": "api"}, {"ticket": "T-9"}, {"caller_check": "Somebody else"}])
def test_how_it_was_filed_is_never_changed(change: dict[str, str], cast: Cast) -> None:
    number = FILERS["phone"](cast, order_of(cast)).number
    with pytest.raises(DatabaseError, match="history"), transaction.atomic():
        RefundRequest.objects.filter(number=number).update(**change)


def test_verify_finds_a_request_filed_through_a_channel_that_is_not_its_filers(cast: Cast) -> None:
    invariant = next(each for each in INVARIANTS if each.name == "filed_by_its_channel")
    for channel in FilingChannel.values:
        FILERS[channel](cast, order_of(cast))
    assert breaks(invariant) == []
    request = file(order_of(cast))
    with transaction.atomic():
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("UPDATE refunds_refundrequest SET channel = 'portal' WHERE id = %s", [request.pk])
            cursor.execute("SET LOCAL session_replication_role = origin")
    assert breaks(invariant) == [(request.number, "portal", "buyer")]


def test_every_channel_has_its_filers() -> None:
    assert set(FILED_BY) == set(FilingChannel)
    assert all(FILED_BY.values())
