"""What a seller has earned leaves escrow once, to the fen, and nobody else's money with it (requirement G4)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel.money import portion
from marketplace.ledger.queries import balance
from marketplace.payments.models import Capture, Claim, Settlement
from marketplace.payments.operations.reserve import release
from marketplace.payments.operations.settle import settle as settle_capture
from marketplace.risk.models import Dispute
from marketplace.settings import CELERY_BEAT_SCHEDULE
from refunds import tasks
from refunds.machine import OPEN, State
from refunds.models import RefundRequest
from refunds.operations import settle as settling
from refunds.operations.settle import settle_due, settle_order
from tests.factories import days, hours, make_order
from tests.people import Cast
from tests.terms import publish

from .funds import capture_again, earned, own, refunding, settled, sound


def now() -> datetime:
    return timezone.now()


def settle(at: datetime | None = None) -> dict[str, int]:
    return settle_due(at or now()).sums


def dispute(capture: Capture, amount: int, *, state: str = "open", from_settled: int = 0) -> Dispute:
    """A chargeback as it comes in: it claims what is left of the payment."""
    claim = Claim.objects.create(
        capture=capture, kind="chargeback", reference=f"DP{capture.pk}", amount=amount,
        from_settled=from_settled, created_at=now(),
    )  # fmt: skip
    return Dispute.objects.create(
        number=f"DP{capture.pk}", kind="chargeback", channel=capture.channel, claim=claim, capture=capture,
        channel_dispute_no=f"D-{capture.pk}", amount=amount, currency=capture.currency, state=state,
        opened_at=now(), closed_at=None if state == "open" else now(),
    )  # fmt: skip


def test_completed_order_is_settled_to_its_seller_once(cast: Cast) -> None:
    publish(commission_bps=250)
    earned(cast)
    assert settle_due(now()) == (1, 1, 0, {"CNY": 9900})
    assert settle_due(now()) == (1, 0, 0, {})
    row = Settlement.objects.get()
    assert (row.amount, row.commission, row.debt_repaid) == (9900, 248, 0)
    assert own(cast.seller.code) == {"payable": 9652}
    assert balance("platform_fee", "platform", "CNY") == -248
    assert Capture.objects.get().settled == 9900
    assert sound() == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"completed": days(-2)}, "the hold of three days has not passed"),
        ({"completed": None}, "it is not completed"),
        ({"paid": None, "placed": days(-10), "captures": 0}, "it is not paid"),
    ],
)
def test_order_is_not_settled_before_it_is_earned(cast: Cast, fields: Any, why: str) -> None:
    earned(cast, **fields)
    assert settle() == {}, why
    assert not Settlement.objects.exists()


def test_hold_ends_at_the_minute(cast: Cast) -> None:
    order = earned(cast)
    end = order.completed_at + days(3)
    assert settle(end - hours(0.01)) == {}
    assert settle(end) == {"CNY": 9900}


def test_hold_and_commission_are_those_in_force_at_purchase(cast: Cast) -> None:
    publish(at=now() - days(20), escrow_hold_days=0, commission_bps=100)
    publish(at=now() - days(5), escrow_hold_days=30, commission_bps=900)
    earned(cast, 10_000, completed=days(-4))  # completed under the later terms, bought under the earlier
    earned(cast, 10_000, paid=days(-4), completed=days(-4), events=[("delivered", days(-4))])
    assert settle() == {"CNY": 10_000}
    assert Settlement.objects.get().commission == 100
    assert settle(now() + days(27)) == {"CNY": 10_000}
    assert [row.commission for row in Settlement.objects.order_by("id")] == [100, 900]


@pytest.mark.parametrize("state", sorted(OPEN))
def test_order_with_an_open_request_waits(cast: Cast, state: str) -> None:
    request = refunding(cast, earned(cast), state)
    assert settle() == {}
    assert own(cast.seller.code) == {"escrow": 9900}
    assert request.state in OPEN


@pytest.mark.parametrize("state", ["rejected", "withdrawn"])
def test_order_whose_request_came_to_nothing_is_settled(cast: Cast, state: str) -> None:
    refunding(cast, earned(cast), state)
    assert settle() == {"CNY": 9900}
    assert sound() == []


def test_open_dispute_holds_the_order_and_one_that_is_won_does_not(cast: Cast) -> None:
    earned(cast)
    opened = dispute(Capture.objects.get(), 4000)
    assert settle() == {}
    release(opened.claim, now())
    Dispute.objects.update(state="won", closed_at=now())
    assert settle() == {"CNY": 9900}


def test_what_was_paid_back_is_not_settled(cast: Cast) -> None:
    order = earned(cast, quantity=3)
    refunding(cast, order, units=("1",))
    assert settle() == {"CNY": 6600}
    assert own(cast.seller.code) == {"payable": 6600}
    assert sound() == []


def test_money_a_released_claim_put_back_is_settled_by_the_next_run(cast: Cast) -> None:
    order = earned(cast)
    claim = Claim.objects.create(
        capture=Capture.objects.get(), kind="complaint", reference="C1", amount=4000, created_at=now()
    )
    assert settle() == {"CNY": 5900}
    assert settle() == {}
    release(claim, now())
    assert settle() == {"CNY": 4000}
    assert [row.amount for row in Settlement.objects.order_by("id")] == [5900, 4000]
    assert sum(capture.settled for capture in order.captures.all()) == 9900
    assert sound() == []


def test_second_capture_of_a_buyer_charged_twice_is_never_the_sellers(cast: Cast) -> None:
    order = earned(cast, captures=2)
    assert settle() == {"CNY": 9900}
    assert settle() == {}
    assert own(cast.seller.code) == {"escrow": 9900, "payable": 9900}
    refunding(cast, order, reason="duplicate_charge")
    assert settle() == {}
    assert own(cast.seller.code) == {"payable": 9900}
    assert sound() == []


def test_goods_paid_back_to_a_buyer_charged_twice_are_not_earned_from_the_second_capture(cast: Cast) -> None:
    order = earned(cast, captures=2, quantity=3)
    refunding(cast, order, units=("1", "2"))
    assert settle() == {"CNY": 3300}
    assert own(cast.seller.code) == {"escrow": 9900, "payable": 3300}


@pytest.mark.parametrize(
    ("reason", "units", "expected"),
    [
        ("", (), [6000, 3900, 0]),
        ("invalid_code", ("1", "2", "3"), [0, 0, 0]),
        ("duplicate_charge", (), [6000, 3900, 0]),
    ],
)
def test_capture_that_is_partly_surplus_is_settled_for_the_sellers_part_alone(
    cast: Cast, reason: str, units: tuple[str, ...], expected: list[int]
) -> None:
    """6,000, 6,000 and 9,900 for an order of 9,900: of the second 2,100 are the buyer's, and all of the third."""
    order = earned(cast, captures=[6000, 6000, 9900], quantity=3)
    if reason:
        refunding(cast, order, reason=reason, units=units)
    settle()
    captures = Capture.objects.order_by("captured_at", "id")
    assert [capture.settled for capture in captures] == expected
    left = 2100 if reason == "duplicate_charge" else 12_000
    assert abs(balance("escrow", cast.seller.code, "CNY")) == left
    assert sound() == []


def test_surplus_paid_back_out_of_a_shared_capture_frees_the_sellers_part(cast: Cast) -> None:
    """Of a capture of 6,000 the seller has 3,900: once 2,100 went back as a duplicate, all of the rest."""
    order: Any = type("Order", (), {"total": 9900})()
    captures: Any = [Pay(1, 6000, 0, 0, 0), Pay(2, 6000, 2100, 0, 0)]
    for returned, expected in (({2: 2100}, [6000, 3900]), ({}, [6000, 1800])):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(settling, "_returned", lambda _captures, found=returned: found)
            assert settling._due(order, captures) == expected


def test_capture_that_comes_to_light_later_settles_nothing_more(cast: Cast) -> None:
    order = settled(cast)
    capture_again(order, 9900, at=order.paid_at - hours(1))  # older than the one that was settled
    assert settle() == {}
    assert own(cast.seller.code) == {"escrow": 9900, "payable": 9900}


def test_several_captures_share_one_commission_to_the_fen(cast: Cast) -> None:
    publish(commission_bps=333)
    earned(cast, 10_000, captures=[3333, 3333, 3334])
    settle()
    rows = list(Settlement.objects.order_by("id"))
    assert [row.amount for row in rows] == [3333, 3333, 3334]
    assert sum(row.commission for row in rows) == 333
    assert own(cast.seller.code) == {"payable": 9667}
    assert sound() == []


def test_currencies_and_sellers_never_mix(cast: Cast) -> None:
    earned(cast)
    earned(cast, 700, currency="JPY", fx_rate="0.05")
    earned(cast, 1234, seller=cast.other_seller)
    assert settle() == {"CNY": 11_134, "JPY": 700}
    assert own(cast.seller.code) == {"payable": 9900}
    assert own(cast.seller.code, "JPY") == {"payable": 700}
    assert own(cast.other_seller.code) == {"payable": 1234}
    assert sound() == []


def test_debt_is_repaid_first_by_what_is_settled_next(cast: Cast) -> None:
    publish(commission_bps=1000)
    # The buyer gets 1,000 back, of which the seller had 900 after commission: 100 are advanced.
    refunding(cast, settled(cast, 1000))
    assert own(cast.seller.code) == {"debt": 100}
    settled(cast, 50)
    assert own(cast.seller.code) == {"debt": 55}
    settled(cast, 1000)
    assert own(cast.seller.code) == {"payable": 845}
    assert [row.debt_repaid for row in Settlement.objects.order_by("id")] == [0, 45, 55]
    assert sound() == []


def test_one_order_that_fails_does_not_stop_the_others(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    orders = [earned(cast, 100 + i) for i in range(3)]
    settle_one = settling.settle_order

    def stumble(order_id: int, at: datetime) -> Any:
        if order_id == orders[1].pk:
            raise RuntimeError("no such account")
        return settle_one(order_id, at)

    monkeypatch.setattr(settling, "settle_order", stumble)
    assert settle_due(now()) == (3, 2, 1, {"CNY": 202})
    assert f"order {orders[1].pk} was not settled" in caplog.text
    assert "no such account" in caplog.text
    with pytest.raises(CommandError, match="settled=0 failed=1"):
        call_command("settle")
    monkeypatch.undo()
    assert settle() == {"CNY": 101}


def test_goods_without_a_policy_fail_alone(cast: Cast) -> None:
    earned(cast, paid=datetime(1999, 1, 1, tzinfo=UTC))
    earned(cast, 500)
    assert settle_due(now()) == (2, 1, 1, {"CNY": 500})


def test_orders_are_looked_for_by_one_query_a_batch(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "BATCH", 4)
    for _each in range(10):
        make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller)  # none due
    with CaptureQueriesContext(connection) as queries:
        steps: list[int] = []
        assert settle_due(now(), steps.append).looked_at == 10
    assert steps == [4, 4, 2]
    looked = [query for query in queries.captured_queries if "WITH batch" in query["sql"]]
    assert len(looked) == 4
    assert len(queries.captured_queries) <= 6  # and the policies, once


def test_command_and_task_do_the_same_daily_at_three(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    earned(cast)
    call_command("settle")
    assert "looked_at=1 settled=1 failed=0 sum=CNY 99.00" in capsys.readouterr().out
    call_command("settle")
    assert "settled=0 failed=0 sum=0" in capsys.readouterr().out
    earned(cast, 100)
    tasks.settle_orders()
    assert own(cast.seller.code) == {"payable": 10_000}
    due = CELERY_BEAT_SCHEDULE["settle_orders"]
    assert due["task"] == tasks.settle_orders.name
    assert (due["schedule"].hour, due["schedule"].minute) == ({3}, {0})


# --- What the database refuses by itself ---


def test_more_than_is_in_escrow_is_refused_by_the_database(cast: Cast) -> None:
    refunding(cast, earned(cast, quantity=3), State.APPROVED, units=("1",))
    capture = Capture.objects.select_related("order__seller").get()
    with pytest.raises(IntegrityError, match="escrow_pays_once"), transaction.atomic():
        settle_capture(capture=capture, amount=6601, commission=0, now=now())
    settle_capture(capture=capture, amount=6600, commission=0, now=now())
    assert sound() == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments_settlement SET amount = 1",
        "DELETE FROM payments_settlement",
        "TRUNCATE payments_settlement",
    ],
)
def test_settlements_are_never_changed_or_removed(cast: Cast, change: str) -> None:
    settled(cast)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with (
        pytest.raises(Exception, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


@given(amount=st.integers(1, 10**12), points=st.integers(0, 10_000))
def test_commission_is_rounded_once_and_never_more_than_the_amount(amount: int, points: int) -> None:
    kept = portion(amount, points)
    assert 0 <= kept <= amount
    assert abs(kept * 10_000 - amount * points) <= 5_000


class Pay:
    """A capture as `_due` sees one."""

    def __init__(self, pk: int, amount: int, claimed: int, settled: int, claimed_settled: int) -> None:
        self.pk, self.amount, self.claimed, self.settled = pk, amount, claimed, settled
        self.in_escrow = amount - settled - (claimed - claimed_settled)


@given(st.data())
def test_whatever_was_claimed_or_settled_sums_stay_within_total_and_escrow(data: st.DataObject) -> None:
    """No row asked for: surplus returns are drawn too, in place of the query for them."""
    total = data.draw(st.integers(1, 10_000))
    captures, returned, room = [], {}, total
    for pk in range(data.draw(st.integers(1, 4))):
        amount = data.draw(st.integers(1, 10_000))
        settled_before = data.draw(st.integers(0, min(amount, room)))
        room -= settled_before
        claimed_settled = data.draw(st.integers(0, settled_before))
        claimed = claimed_settled + data.draw(st.integers(0, amount - settled_before))
        returned[pk] = data.draw(st.integers(0, claimed - claimed_settled))
        captures.append(Pay(pk, amount, claimed, settled_before, claimed_settled))

    order: Any = type("Order", (), {"total": total})()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "_returned", lambda _captures: returned)
        due = settling._due(order, captures)
    assert sum(due) + sum(capture.settled for capture in captures) <= total
    for capture, amount in zip(captures, due, strict=True):
        assert 0 <= amount <= max(0, capture.in_escrow)
    # What is left in escrow covers what the buyer is still to get back.
    surplus = sum(capture.amount for capture in captures) - total
    if surplus > 0 and not any(capture.claimed for capture in captures):
        assert sum(capture.in_escrow for capture in captures) - sum(due) >= surplus


def test_order_settled_by_two_runs_in_turn_is_settled_once(cast: Cast) -> None:
    order = earned(cast)
    assert settle_order(order.pk, now()) == {"CNY": 9900}
    assert settle_order(order.pk, now()) == {}
    assert RefundRequest.objects.count() == 0
