"""Original route and exact remainders: parts sum to the whole for any quantity, price, split of payment and sequence."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.kernel.money import split
from marketplace.payments.models import Capture, Claim, SandboxRefund, Settlement, Transfer
from marketplace.payments.operations.reserve import NotEnoughCaptured, allocate
from refunds.invariants import INVARIANTS, breaks
from refunds.machine import State
from refunds.models import RefundItem, RefundRequest
from refunds.operations.file import NotRefundable
from refunds.operations.pay import pay
from tests.cases import bring, file
from tests.factories import hours, make_order
from tests.people import Cast

AMOUNTS = st.lists(st.integers(1, 10**9), min_size=1, max_size=6)


def capture(amount: int, settled: int = 0) -> Capture:
    return Capture(amount=amount, claimed=0, claimed_settled=0, settled=settled)


@given(AMOUNTS, st.data())
def test_any_sequence_of_refunds_takes_every_capture_to_the_last_unit(amounts: list[int], data: Any) -> None:
    captures = [capture(amount, data.draw(st.integers(0, amount))) for amount in amounts]
    left, escrow = sum(amounts), sum(each.in_escrow for each in captures)
    taken_from_settled = 0
    while left:
        wanted = data.draw(st.one_of(st.just(left), st.integers(1, left)))
        parts = allocate(captures, wanted)
        assert sum(part.amount for part in parts) == wanted
        for part in parts:
            assert 0 < part.amount <= part.capture.available
            assert part.from_settled == max(0, part.amount - part.capture.in_escrow)
            part.capture.claimed += part.amount  # as the trigger does
            part.capture.claimed_settled += part.from_settled
            taken_from_settled += part.from_settled
        left -= wanted
        for each in captures:  # the CHECKs
            assert each.claimed <= each.amount
            assert each.settled + each.claimed - each.claimed_settled <= each.amount
    assert taken_from_settled == sum(amounts) - escrow
    with pytest.raises(NotEnoughCaptured):
        allocate(captures, 1)


@given(AMOUNTS, st.integers(1, 10**10))
def test_more_than_is_left_is_never_promised(amounts: list[int], wanted: int) -> None:
    captures = [capture(amount) for amount in amounts]
    if wanted > sum(amounts):
        with pytest.raises(NotEnoughCaptured):
            allocate(captures, wanted)
    else:
        assert sum(part.amount for part in allocate(captures, wanted)) == wanted


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_units_paid_back_one_by_one_through_several_payments_sum_to_the_order(cast: Cast, data: Any) -> None:
    """A coupon makes the total less than the sum of prices and seldom divisible; it may be paid in several parts."""
    quantity = data.draw(st.integers(1, 5))
    total = data.draw(st.integers(quantity, 20_000))
    payments = split(total, data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)))
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=total, quantity=quantity,
        captures=[part for part in payments if part], events=[("delivered", hours(-3))],
    )  # fmt: skip
    for ref in data.draw(st.permutations([str(n + 1) for n in range(quantity)])):
        bring(file(order, units=(ref,)), State.APPROVED, cast)
    claimed = Capture.objects.filter(order=order).order_by("id").values_list("claimed", "amount")
    assert all(claim == amount for claim, amount in claimed)
    items = RefundItem.objects.filter(request__order=order)
    assert {item.approved_amount for item in items} == {item.amount for item in items}
    assert sum(item.approved_amount for item in items) == total
    # By the road it came: each transfer goes to the capture it was taken from, and no capture gets more.
    sent = Transfer.objects.filter(claim__capture__order=order).values_list("claim__amount", flat=True)
    assert sum(sent) == total


@pytest.mark.parametrize("settled", [0, 1, 4_000, 9_999, 10_000])
def test_refund_of_a_partly_settled_payment_takes_escrow_first(cast: Cast, settled: int) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=10_000, events=[("delivered", hours(-3))]
    )
    if settled:
        Settlement.objects.create(
            capture=order.captures.get(),
            amount=settled,
            commission=0,
            debt_repaid=0,
            settled_at=timezone.now(),
        )
    bring(file(order), State.APPROVED, cast)
    assert Claim.objects.get().from_settled == settled


def test_second_refund_of_a_payment_waits_as_long_as_its_channel_wants(cast: Cast) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=10_000, quantity=2, channel="wechat_pay",
        events=[("delivered", hours(-3))],
    )  # fmt: skip
    first, second = (bring(file(order, units=(ref,)), State.APPROVED, cast) for ref in ("1", "2"))
    now = timezone.now()
    assert pay(first.number, now) == 1
    assert pay(second.number, now + timedelta(seconds=59)) == 0
    assert pay(second.number, now + timedelta(seconds=61)) == 1
    assert SandboxRefund.objects.count() == 2


def test_after_everything_is_back_nothing_more_can_be_asked(cast: Cast) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=10_000, quantity=3, captures=[3_333, 6_667],
        events=[("delivered", hours(-3))],
    )  # fmt: skip
    for minute, ref in enumerate(("3", "1", "2")):
        request = bring(file(order, units=(ref,)), State.APPROVED, cast)
        pay(request.number, timezone.now() + timedelta(minutes=minute))
    assert set(RefundRequest.objects.values_list("state", flat=True)) == {State.REFUNDED}
    assert sum(SandboxRefund.objects.values_list("amount", flat=True)) == 10_000
    with pytest.raises(NotRefundable):
        file(order, units=("1",))
    assert [law.name for law in INVARIANTS if breaks(law)] == []
