"""Money goes back once, to the fen, by the road it came, whatever the channel does."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel.money import convert, minor, split
from marketplace.ledger import operations as ledger
from marketplace.ledger.models import Transaction
from marketplace.ledger.operations import AlreadyBooked, book
from marketplace.ledger.queries import balance
from marketplace.payments import gateways
from marketplace.payments.gateways.base import Result, Status
from marketplace.payments.models import Capture, Claim, SandboxRefund, Transfer
from marketplace.payments.operations import send as payments
from refunds.invariants import INVARIANTS, breaks
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations.pay import pay
from refunds.operations.sweep import sweep_transfers
from tests.cases import bring, file, make_request, work
from tests.factories import days, hours, make_order
from tests.people import Cast

from .harm import harm_of


def order(cast: Cast, **fields: Any) -> Any:
    events = [("delivered", hours(-3))]
    return make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller, **{"events": events, **fields})


def approved(cast: Cast, total: int) -> RefundRequest:
    return make_request(cast, state=State.APPROVED, total=total)


def later(seconds: float) -> Any:
    return timezone.now() + hours(seconds / 3600)


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=40))
def test_parts_always_sum_to_the_whole(total: int, weights: list[int]) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    assert all(part >= 0 for part in parts)
    if any(weights):
        assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)


@given(st.integers(1, 10**9), st.integers(1, 60), st.data())
def test_units_refunded_one_by_one_sum_to_the_total(total: int, quantity: int, data: st.DataObject) -> None:
    units = split(total, [1] * quantity)
    turn = data.draw(st.permutations(range(quantity)))
    left = total
    for index in turn:
        left -= units[index]
        assert left >= 0
    assert left == 0
    assert max(units) - min(units) <= 1


def test_amounts_with_too_many_decimals_are_refused() -> None:
    from decimal import Decimal

    assert minor(Decimal("49.00"), "CNY") == 4900
    with pytest.raises(ValueError, match="more decimals than CNY"):
        minor(Decimal("49.001"), "CNY")
    assert convert(1000, "JPY", Decimal("0.05"), "CNY") == 5000


def test_several_captures_are_used_oldest_first(cast: Cast) -> None:
    placed = order(cast, total=10_000, captures=[3_000, 7_000])
    bring(file(placed), State.APPROVED, cast)
    assert list(Claim.objects.order_by("capture__captured_at", "id").values_list("amount", flat=True)) == [
        3_000,
        7_000,
    ]
    work()
    pay(RefundRequest.objects.get().number, timezone.now())
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert SandboxRefund.objects.count() == 2


def test_units_are_refunded_one_after_the_other_to_the_last_fen(cast: Cast) -> None:
    placed = order(cast, total=10_000, quantity=3)
    for ref in ("2", "1", "3"):
        bring(file(placed, units=(ref,)), State.REFUNDED, cast)
    assert Capture.objects.get().claimed == 10_000
    assert sorted(Claim.objects.values_list("amount", flat=True)) == [3_333, 3_333, 3_334]


def test_claims_above_the_capture_are_refused_by_the_database(cast: Cast) -> None:
    order(cast, total=4_900)
    capture, now = Capture.objects.get(), timezone.now()
    Claim.objects.create(capture=capture, kind="refund", reference="A", amount=4_000, created_at=now)
    with pytest.raises(IntegrityError, match="claims_within_capture"), transaction.atomic():
        Claim.objects.create(capture=capture, kind="chargeback", reference="B", amount=901, created_at=now)
    Claim.objects.filter(reference="A").update(released_at=now)
    Claim.objects.create(capture=capture, kind="chargeback", reference="B", amount=4_900, created_at=now)
    capture.refresh_from_db()
    assert capture.claimed == 4_900


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments_claim SET amount = 1",
        "UPDATE payments_claim SET capture_id = capture_id + 1",
        "DELETE FROM payments_claim",
        "TRUNCATE payments_claim CASCADE",
    ],
)
def test_claims_are_never_changed_or_removed(cast: Cast, change: str) -> None:
    approved(cast, 9_900)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(Exception, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_unbalanced_booking_is_refused(cast: Cast) -> None:
    order(cast)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, currency FROM ledger_account ORDER BY id")
        (one, _), (two, _) = cursor.fetchall()[:2]
    for rows in ([(one, 5, "CNY"), (two, -4, "CNY")], [(one, 5, "CNY")], [(one, 5, "USD"), (two, -5, "CNY")]):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ledger_transaction (reference, recipe, occurred_at) VALUES ('x', 'refund', now()) RETURNING id"
            )
            [booked] = cursor.fetchone()
            values = ", ".join(
                f"({booked}, {account}, {amount}, '{currency}')" for account, amount, currency in rows
            )
            cursor.execute(
                f"INSERT INTO ledger_posting (transaction_id, account_id, amount, currency) VALUES {values}"
            )
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_one_reference_is_booked_once(cast: Cast) -> None:
    movement = {"recipe": "capture", "reference": "once", "amount": 5, "currency": "CNY"}
    book(**movement, occurred_at=timezone.now(), channel="alipay", seller="S")
    with pytest.raises(AlreadyBooked):
        book(**movement, occurred_at=timezone.now(), channel="alipay", seller="S")
    assert balance("escrow", "S", "CNY") == -5


def test_account_taken_for_granted_but_gone_is_noticed_and_made_at_the_next_try(db: None) -> None:
    movement: dict[str, Any] = {"recipe": "capture", "reference": "gone", "amount": 5, "currency": "CNY"}
    ledger._known.update({("escrow", "S-GONE", "CNY"), ("clearing", "alipay", "CNY")})
    with pytest.raises(ledger.AccountMissing), transaction.atomic():
        book(**movement, occurred_at=timezone.now(), channel="alipay", seller="S-GONE")
    assert not Transaction.objects.exists()
    book(**movement, occurred_at=timezone.now(), channel="alipay", seller="S-GONE")
    assert balance("escrow", "S-GONE", "CNY") == -5


# --- What the channel may do. The last two digits of the amount choose (gateways/sandbox.py). ---


def test_lost_answer_is_found_by_the_query_and_paid_once(cast: Cast) -> None:
    request = approved(cast, 9_972)
    pay(request.number, timezone.now())
    transfer = Transfer.objects.get()
    assert (transfer.state, transfer.error_code) == (Transfer.State.QUEUED, "unreachable")
    pay(request.number, later(10))
    assert Transfer.objects.get().state == Transfer.State.SUCCEEDED
    assert SandboxRefund.objects.get().calls == 1
    assert RefundRequest.objects.get().state == State.REFUNDED


def test_control_without_the_query_a_new_number_would_pay_twice(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = approved(cast, 9_972)
    pay(request.number, timezone.now())
    begin = payments.begin

    def careless(*args: Any) -> Any:
        attempt = begin(*args)
        return attempt._replace(instruction=attempt.instruction._replace(number="RT-NEW"), attempts=1)

    monkeypatch.setattr("refunds.operations.pay.begin", careless)
    pay(request.number, later(10))
    assert SandboxRefund.objects.count() == 2


def test_system_error_is_tried_again_under_the_same_number(cast: Cast) -> None:
    request = approved(cast, 9_973)
    pay(request.number, timezone.now())
    assert Transfer.objects.get().error_code == "system_error"
    pay(request.number, later(10))
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert SandboxRefund.objects.count() == 1


def test_pending_refund_is_asked_for_until_it_settles(cast: Cast) -> None:
    request = approved(cast, 9_974)
    pay(request.number, timezone.now())
    assert Transfer.objects.get().state == Transfer.State.PENDING
    SandboxRefund.objects.update(succeeds_at=timezone.now())
    pay(request.number, later(10))
    assert RefundRequest.objects.get().state == State.REFUNDED


def test_final_refusal_waits_for_a_person_and_books_nothing(cast: Cast) -> None:
    request = approved(cast, 9_971)
    pay(request.number, timezone.now())
    transfer = Transfer.objects.get()
    assert (transfer.state, transfer.error_code) == (Transfer.State.FAILED, "card_closed")
    assert pay(request.number, later(10_000)) == 0
    assert RefundRequest.objects.get().state == State.REFUNDING
    assert balance("clearing", "alipay", "CNY") == 9_971


def test_channel_without_keys_waits_with_a_reason(cast: Cast, settings: Any) -> None:
    settings.SANDBOX_ANSWERS_FOR = []
    request = approved(cast, 9_900)
    pay(request.number, timezone.now())
    transfer = Transfer.objects.get()
    assert (transfer.state, transfer.error_code) == (Transfer.State.QUEUED, "no_gateway")
    assert "SANDBOX_ANSWERS_FOR" in transfer.error_detail


def test_after_a_day_of_tries_a_person_takes_over(cast: Cast, settings: Any) -> None:
    settings.SANDBOX_ANSWERS_FOR = []
    request = approved(cast, 9_900)
    pay(request.number, timezone.now())
    assert Transfer.objects.get().state == Transfer.State.QUEUED
    pay(request.number, timezone.now() + days(1.1))
    assert Transfer.objects.get().state == Transfer.State.MANUAL


@pytest.mark.parametrize("line", ["before the call", "after the call"])
def test_crash_between_the_lines_is_made_good_by_the_sweep(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """The process dies around the channel's call: the row stays `sending`, and the next try asks first."""

    class Killed(BaseException):
        pass

    def dies(attempt: Any, _now: Any) -> Result:
        if line == "after the call":
            payments.call_channel(attempt, timezone.now())
        raise Killed

    request = approved(cast, 9_900)
    monkeypatch.setattr("refunds.operations.pay.call_channel", dies)
    with pytest.raises(Killed):
        pay(request.number, timezone.now())
    monkeypatch.undo()
    assert Transfer.objects.get().state == Transfer.State.SENDING
    assert sweep_transfers(timezone.now()) == 0  # another worker may still be at it
    assert sweep_transfers(later(61)) == 1
    work(later(61))
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert SandboxRefund.objects.count() == 1


def test_news_that_comes_twice_books_once(cast: Cast) -> None:
    approved(cast, 9_900)
    attempt = payments.begin(Transfer.objects.get().pk, timezone.now())
    assert attempt is not None
    for _time in range(2):
        payments.record(attempt, Result(Status.SUCCEEDED), timezone.now())
    assert balance("clearing", "alipay", "CNY") == 0


def test_every_invariant_holds_after_all_of_it_and_can_fail(cast: Cast) -> None:
    pay(approved(cast, 9_900).number, timezone.now())
    assert [invariant.name for invariant in INVARIANTS if breaks(invariant)] == []
    harm = harm_of(cast)
    assert set(harm) == {invariant.name for invariant in INVARIANTS}
    for invariant in INVARIANTS:
        point = transaction.savepoint()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(harm[invariant.name])
            cursor.execute("SET session_replication_role = origin")
        assert breaks(invariant), invariant.name
        transaction.savepoint_rollback(point)


def test_gateway_is_chosen_by_channel(settings: Any) -> None:
    settings.SANDBOX_ANSWERS_FOR = ["alipay"]
    assert gateways.for_channel("alipay")
    with pytest.raises(gateways.NoGateway):
        gateways.for_channel("card")
