"""A payment taken twice goes back without anybody asking, once, and through the same policy as any request."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.payments.models import Capture, Claim, SandboxRefund
from refunds.machine import State
from refunds.models import RefundRequest, Transition
from refunds.operations.decide import precheck
from refunds.operations.return_duplicates import return_duplicates, sweep_duplicates
from tests.cases import file, work
from tests.factories import add_capture, days, hours, make_order
from tests.intake import bodies
from tests.people import Api, Cast


def order(cast: Cast, **fields: Any) -> Any:
    return make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller,
        **{"captures": 2, "events": [("delivered", hours(-3)), ("redeemed", hours(-2))], **fields},
    )  # fmt: skip


def test_second_payment_goes_back_whatever_the_use_of_the_goods(cast: Cast) -> None:
    placed = order(cast)
    assert sweep_duplicates(timezone.now()) == 1
    work()
    request = RefundRequest.objects.get()
    assert (request.state, request.approved_amount) == (State.REFUNDED, placed.total)
    assert Transition.objects.get(request=request, event="file").actor == "system"
    later = Capture.objects.order_by("captured_at", "id").last()
    assert Claim.objects.get().capture == later
    assert sweep_duplicates(timezone.now()) == 0


@pytest.mark.parametrize("captures", [1, [2_000, 2_900], [4_899]])
def test_payment_in_parts_is_nobodys_duplicate(cast: Cast, captures: Any) -> None:
    placed = order(cast, captures=captures)
    assert return_duplicates(placed.no, timezone.now()) is None
    assert sweep_duplicates(timezone.now()) == 0
    assert not RefundRequest.objects.exists()


def test_told_twice_it_is_filed_once(cast: Cast) -> None:
    placed = order(cast)
    first = return_duplicates(placed.no, timezone.now())
    assert first is not None
    assert return_duplicates(placed.no, timezone.now()) is None  # open
    work()
    assert return_duplicates(placed.no, timezone.now()) is None  # paid back
    assert SandboxRefund.objects.count() == 1


def test_third_payment_after_the_second_went_back_goes_back_too(cast: Cast) -> None:
    placed = order(cast)
    return_duplicates(placed.no, timezone.now())
    work()
    add_capture(placed, placed.total)
    assert return_duplicates(placed.no, timezone.now()) is not None
    work()
    assert SandboxRefund.objects.count() == 2
    assert sum(capture.available for capture in Capture.objects.all()) == placed.total


def test_third_payment_before_the_second_is_decided_holds_nothing_up(cast: Cast) -> None:
    """The request asks for one payment back and by then two are owed: it gets what it asks for, and the rest follows."""
    placed = order(cast)
    request = file(placed, reason="duplicate_charge", description="Charged twice.")
    add_capture(placed, placed.total)
    precheck(request.pk, timezone.now())
    work()
    request.refresh_from_db()
    assert (request.state, request.approved_amount) == (State.REFUNDED, placed.total)
    assert return_duplicates(placed.no, timezone.now()) is not None
    work()
    assert sum(capture.available for capture in Capture.objects.all()) == placed.total


def test_large_duplicate_is_looked_at_by_a_person(cast: Cast) -> None:
    placed = order(cast, total=250_000)
    return_duplicates(placed.no, timezone.now())
    work()
    assert RefundRequest.objects.get().state == State.MANUAL_REVIEW


def test_goods_that_somebody_works_on_are_left_to_them(cast: Cast) -> None:
    placed = order(cast)
    theirs = file(placed, reason="other", description="Charged twice?")
    assert return_duplicates(placed.no, timezone.now()) is None
    assert RefundRequest.objects.get() == theirs


def test_old_payments_are_not_dug_up(cast: Cast) -> None:
    order(cast, paid=days(-40), completed=days(-40))
    assert sweep_duplicates(timezone.now()) == 0
    assert sweep_duplicates(timezone.now() - timedelta(days=20)) == 1


def test_pushed_second_payment_is_returned_by_itself(cast: Cast, api: Api) -> None:
    body = bodies.order(seller=cast.seller.code)
    assert api.push(cast.shop, "/api/v1/ingest/orders/", body).status_code == 201
    again = {**body["payments"][0], "channel_no": "second"}
    body["payments"] = [*body["payments"], again]
    assert api.push(cast.shop, "/api/v1/ingest/orders/", body).status_code == 200
    work()
    assert RefundRequest.objects.get().state == State.REFUNDED


def test_payment_in_parts_that_went_too_far_is_a_persons_to_sort_out(cast: Cast) -> None:
    placed = order(cast, total=9_900, captures=[6_000, 6_000])
    assert return_duplicates(placed.no, timezone.now()) is None
    file(placed, reason="duplicate_charge")
    precheck(RefundRequest.objects.get().pk, timezone.now())
    assert RefundRequest.objects.get().state == State.MANUAL_REVIEW
