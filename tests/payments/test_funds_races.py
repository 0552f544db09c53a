"""Races for the sellers' money, each with its controls: first the lock is taken away, then the CHECK behind it too."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from marketplace.ledger.models import Kind
from marketplace.ledger.operations import ensure_accounts, lock_balances
from marketplace.ledger.queries import balance
from marketplace.payments.models import Capture, Claim, Settlement, Withdrawal
from marketplace.payments.operations import bearing
from marketplace.payments.operations import settle as settle_operation
from marketplace.payments.operations.bearing import lock_funds
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations import approve as approving
from refunds.operations import settle as settling
from refunds.operations import withdraw_funds as withdrawing
from refunds.operations.pay import pay
from refunds.operations.settle import settle_order
from refunds.operations.withdraw_funds import AmountNotPayable, WithdrawalBlocked, request_withdrawal
from tests.cases import bring, file
from tests.people import Cast
from tests.refunds.test_races import locks_off, together

from .funds import earned, own, refunding, settled, sound

__all__ = ["locks_off"]
pytestmark = pytest.mark.django_db(transaction=True)
now = timezone.now

NOT_OVERDRAWN = (
    "ledger_account", "never_in_debit",
    "CHECK (kind NOT IN ('payable', 'deposit', 'withdrawing', 'advance') OR balance <= 0)",
)  # fmt: skip
PAYS_ONCE = (
    "payments_capture", "escrow_pays_once",
    "CHECK (claimed_settled >= 0 AND claimed_settled <= settled AND settled <= amount - claimed + claimed_settled)",
)  # fmt: skip


@contextmanager
def without(table: str, constraint: str, restore: str) -> Iterator[None]:
    """Take a constraint away for a control; the rows it would refuse are gone before it comes back."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            for emptied in ("ledger_posting", "ledger_transaction", "ledger_account", "payments_withdrawal",
                            "payments_settlement", "payments_transfer", "payments_claim", "payments_capture"):  # fmt: skip
                cursor.execute(f"DELETE FROM {emptied}")
            cursor.execute("SET session_replication_role = origin")
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {restore}")


def meeting(monkeypatch: pytest.MonkeyPatch, *places: tuple[Any, str]) -> None:
    """The calls wait for each other where they have read and not yet written."""
    meet = threading.Barrier(2)
    for module, name in places:
        call = getattr(module, name)

        def together_here(*args: Any, call: Any = call, **kwargs: Any) -> Any:
            meet.wait(10)
            return call(*args, **kwargs)

        monkeypatch.setattr(module, name, together_here)


# --- Two withdrawals of the same money ---


def _withdraw_twice(cast: Cast) -> list[Any]:
    settled(cast)
    ask = {"user": cast.seller_user, "amount": 9000, "currency": "CNY", "now": now()}
    return together([lambda: request_withdrawal(**ask)] * 2)


def test_two_withdrawals_at_once_never_take_more_than_is_payable(cast: Cast) -> None:
    answers = _withdraw_twice(cast)
    assert sum(isinstance(answer, AmountNotPayable) for answer in answers) == 1
    assert own(cast.seller.code) == {"payable": 900, "withdrawing": 9000}
    assert sound() == []


def test_without_lock_the_check_alone_refuses_the_second_withdrawal(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting(monkeypatch, (withdrawing, "withdrawable"))
    answers = _withdraw_twice(cast)
    [refused] = [answer for answer in answers if isinstance(answer, Exception)]
    assert isinstance(refused, IntegrityError)
    assert "never_in_debit" in str(refused)
    assert Withdrawal.objects.count() == 1
    assert sound() == []


def test_control_without_lock_and_check_the_seller_overdraws(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting(monkeypatch, (withdrawing, "withdrawable"))
    with without(*NOT_OVERDRAWN):
        _withdraw_twice(cast)
        assert balance("payable", cast.seller.code, "CNY") == 8100  # in debit


# --- A withdrawal while a refund is being booked ---


def _withdraw_while_a_refund_is_booked(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The withdrawal has read what is payable; before it reads the exposure the refund gets time to be booked."""
    request = refunding(cast, settled(cast), State.APPROVED)
    looked, booked = threading.Event(), threading.Event()
    read = withdrawing.exposure

    def read_later(*args: Any) -> int:
        looked.set()
        booked.wait(0.5)
        return read(*args)

    def book() -> None:
        looked.wait(10)
        pay(request.number, now())
        booked.set()

    monkeypatch.setattr(withdrawing, "exposure", read_later)
    ask = {"user": cast.seller_user, "amount": 9900, "currency": "CNY", "now": now()}
    return together([lambda: request_withdrawal(**ask), book])[0]


def test_withdrawal_while_a_refund_is_booked_still_counts_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = _withdraw_while_a_refund_is_booked(cast, monkeypatch)
    assert isinstance(answer, WithdrawalBlocked)
    assert answer.extra["exposure"] == 9900
    assert own(cast.seller.code) == {}
    assert sound() == []


def test_without_lock_the_refunded_money_is_asked_for_and_the_check_refuses(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = _withdraw_while_a_refund_is_booked(cast, monkeypatch)
    assert isinstance(answer, IntegrityError)
    assert "never_in_debit" in str(answer)


def test_control_without_lock_and_check_the_refunded_money_is_withdrawn_too(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with without(*NOT_OVERDRAWN):
        assert isinstance(_withdraw_while_a_refund_is_booked(cast, monkeypatch), Withdrawal)
        assert balance("payable", cast.seller.code, "CNY") == 9900  # in debit


# --- The same money settled twice ---


def _settle_twice(cast: Cast) -> list[Any]:
    order = earned(cast)
    return together([lambda: settle_order(order.pk, now())] * 2)


def test_two_runs_at_once_settle_an_order_once(cast: Cast) -> None:
    assert sorted(map(len, _settle_twice(cast))) == [0, 1]
    assert own(cast.seller.code) == {"payable": 9900}
    assert sound() == []


def test_without_lock_the_check_alone_refuses_the_second_settlement(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting(monkeypatch, (settling, "_due"))
    answers = _settle_twice(cast)
    assert sum(isinstance(answer, IntegrityError) for answer in answers) == 1
    assert own(cast.seller.code) == {"payable": 9900}
    assert sound() == []


def test_control_without_lock_and_check_an_order_is_settled_twice(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting(monkeypatch, (settling, "_due"))
    with without(*PAYS_ONCE):
        _settle_twice(cast)
        assert own(cast.seller.code)["payable"] == 19_800


# --- A request filed while its order is being settled ---


def _file_while_it_is_settled(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the request was open before its order was settled: the settlement has found nothing and waits."""
    order = earned(cast)
    looked, filed = threading.Event(), threading.Event()
    is_contested, seen = settling._is_contested, []

    def look(order_id: int) -> bool:
        found = is_contested(order_id)
        looked.set()
        seen.append(filed.wait(0.5))
        return found

    def buyer() -> None:
        looked.wait(10)
        file(order)
        filed.set()

    monkeypatch.setattr(settling, "_is_contested", look)
    answers = together([lambda: settle_order(order.pk, now()), buyer])
    assert answers == [{"CNY": 9900}, None]
    assert RefundRequest.objects.count() == 1
    return bool(seen[0])


def test_request_filed_during_the_settlement_waits_for_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not _file_while_it_is_settled(cast, monkeypatch)
    request = bring(RefundRequest.objects.get(), State.APPROVED, cast)
    assert Claim.objects.get().from_settled == 9900
    pay(request.number, now())
    assert own(cast.seller.code) == {}
    assert sound() == []


def test_control_without_lock_an_order_is_settled_over_an_open_request(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _file_while_it_is_settled(cast, monkeypatch)


# --- A refund approved while its order is being settled ---


def _approve_while_it_is_settled(cast: Cast) -> list[Any]:
    """Rejected, and taken up again by the buyer at this moment: the order's lock is not asked for."""
    order = earned(cast)
    request = refunding(cast, order, State.REJECTED)
    return together([lambda: settle_order(order.pk, now()), lambda: bring(request, State.APPROVED, cast)])


@pytest.mark.parametrize("_round", range(5))
def test_refund_approved_during_the_settlement_takes_the_money_where_it_is(cast: Cast, _round: int) -> None:
    _approve_while_it_is_settled(cast)
    claim, capture = Claim.objects.get(), Capture.objects.get()
    assert claim.from_settled == capture.settled == sum(row.amount for row in Settlement.objects.all())
    pay(claim.reference, now())
    assert own(cast.seller.code) == {}
    assert sound() == []


def _both_have_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settlement has looked for an open request before the buyer took theirs up again."""
    monkeypatch.setattr(settling, "_is_contested", lambda _order_id: False)
    meeting(monkeypatch, (settling, "_due"), (approving, "allocate"))


def test_without_lock_the_check_alone_keeps_escrow_from_paying_both(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _both_have_read(monkeypatch)
    answers = _approve_while_it_is_settled(cast)
    [refused] = [answer for answer in answers if isinstance(answer, Exception)]
    assert "escrow_pays_once" in str(refused)
    assert sound() == []


def test_control_without_lock_and_check_escrow_pays_the_seller_and_the_buyer(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _both_have_read(monkeypatch)
    with without(*PAYS_ONCE):
        _approve_while_it_is_settled(cast)
        pay(RefundRequest.objects.get().number, now())
        assert own(cast.seller.code) == {"escrow": 9900, "payable": 9900}
        assert balance("escrow", cast.seller.code, "CNY") == 9900  # in debit: paid out twice


# --- The order of locks ---


def _post_in_two_directions(cast: Cast) -> list[Any]:
    """A settlement that repays a debt, and a refund of settled money that runs into debt, at the same moment.

    The debt's account is older than the payable's, so that locking "payable first" is the wrong way round.
    """
    code = cast.seller.code
    ensure_accounts({("debt", code, "CNY")})
    ensure_accounts({("payable", code, "CNY")})
    refunds = [refunding(cast, settled(cast, 1000 + i), State.APPROVED) for i in range(4)]
    payable = own(code)["payable"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(withdrawing, "exposure", lambda *_args: 0)
        request_withdrawal(user=cast.seller_user, amount=payable, currency="CNY", now=now())
    orders = [earned(cast, 700 + i) for i in range(4)]
    return together(
        [lambda request=request: pay(request.number, now()) for request in refunds]
        + [lambda order=order: settle_order(order.pk, now()) for order in orders]
    )


@pytest.mark.parametrize("_round", range(3))
def test_settlements_and_refunds_of_one_seller_never_lock_each_other_out(cast: Cast, _round: int) -> None:
    answers = _post_in_two_directions(cast)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    left = own(cast.seller.code)
    assert left.get("debt", 0) - left.get("payable", 0) == 4006 - 2806
    assert sound() == []


def test_control_accounts_locked_in_another_order_lock_each_other_out(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet = threading.Barrier(2)

    def first(kind: Kind) -> Any:
        def lock(seller: str, currency: str) -> dict[str, int]:
            lock_balances([kind], seller, currency)
            meet.wait(10)
            return lock_funds(seller, currency)

        return lock

    refund = refunding(cast, settled(cast, 1000), State.APPROVED)
    other = refunding(cast, settled(cast, 500), State.APPROVED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(withdrawing, "exposure", lambda *_args: 0)
        request_withdrawal(user=cast.seller_user, amount=1500, currency="CNY", now=now())
    pay(other.number, now())  # opens the account of the debt
    order = earned(cast, 700)
    monkeypatch.setattr(bearing, "lock_funds", first(Kind.PAYABLE))
    monkeypatch.setattr(settle_operation, "lock_funds", first(Kind.DEBT))
    answers = together([lambda: pay(refund.number, now()), lambda: settle_order(order.pk, now())])
    assert [answer for answer in answers if isinstance(answer, Exception) and "deadlock" in str(answer)]
