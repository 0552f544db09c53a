"""Money to the seller leaves only as far as open matters let it (requirement G5)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound, NotPermitted, SecondPersonNeeded
from marketplace.ledger.models import Transaction
from marketplace.ledger.queries import balance
from marketplace.payments.models import Capture, Transfer, Withdrawal
from marketplace.payments.operations import seller_funds
from marketplace.payments.operations.seller_funds import (
    AdvanceFundShort,
    AmountInvalid,
    BankReferenceNeeded,
    BankReferenceUsed,
    MoreThanOwed,
    fund_advance,
    repay_debt,
    take_deposit,
    write_off_debt,
)
from refunds.exposure import Funds, exposure, funds, returnable, withdrawable
from refunds.machine import OPEN, State
from refunds.operations.pay import pay
from refunds.operations.withdraw_funds import (
    AmountNotPayable,
    DebtOutstanding,
    NoteNeeded,
    WithdrawalBlocked,
    WithdrawalDecided,
    pay_withdrawal,
    reject_withdrawal,
    request_withdrawal,
    return_deposit,
)
from sellers.models import Membership
from tests.cases import bring
from tests.factories import StaffFactory, make_member
from tests.people import Cast

from .funds import earned, own, refunding, settled, sound
from .test_settlement import dispute

now = timezone.now


def ask(cast: Cast, amount: int, currency: str = "CNY", user: User | None = None) -> Withdrawal:
    return request_withdrawal(user=user or cast.seller_user, amount=amount, currency=currency, now=now())


def paid(cast: Cast, withdrawal: Withdrawal, reference: str = "B-1", user: User | None = None) -> Withdrawal:
    return pay_withdrawal(
        number=withdrawal.number, user=user or cast.finance, bank_reference=reference, now=now()
    )


def deposit(cast: Cast, amount: int, reference: str = "B-D", **other: Any) -> None:
    fields = {"seller": cast.seller, "currency": "CNY", "user": cast.finance, "now": now(), **other}
    take_deposit(amount=amount, bank_reference=reference, **fields)


def exposed(cast: Cast, currency: str = "CNY") -> int:
    return exposure(cast.seller.pk, currency)


def indebted(cast: Cast, owed: int = 4900) -> None:
    """The seller took everything out, and then a refund had to be advanced."""
    order = settled(cast, owed)
    ask(cast, owed)
    refunding(cast, order)
    assert own(cast.seller.code) == {"withdrawing": owed, "debt": owed}


# --- Exposure ---


@pytest.mark.parametrize("state", sorted(OPEN))
def test_open_request_on_settled_money_is_exposure_in_every_state(cast: Cast, state: str) -> None:
    refunding(cast, settled(cast), state)
    assert exposed(cast) == 9900
    assert sound() == []


@pytest.mark.parametrize("state", sorted(set(State) - OPEN))
def test_request_that_ended_is_no_exposure(cast: Cast, state: str) -> None:
    refunding(cast, settled(cast), state)
    assert exposed(cast) == 0


def test_request_on_money_in_escrow_is_no_exposure(cast: Cast) -> None:
    refunding(cast, earned(cast), State.MANUAL_REVIEW)
    assert exposed(cast) == 0


def test_requests_of_one_order_expose_no_more_than_it_settled(cast: Cast) -> None:
    order = settled(cast, quantity=3, captures=[6600])  # for 9,900 only 6,600 was ever captured
    for ref in ("1", "2", "3"):
        refunding(cast, order, State.MANUAL_REVIEW, units=(ref,))
    assert exposed(cast) == 6600
    assert exposed(cast, "USD") == 0
    assert exposure(cast.other_seller.pk, "CNY") == 0


def test_approval_moves_exposure_and_does_not_change_it(cast: Cast) -> None:
    order = settled(cast, quantity=3)
    request = refunding(cast, order, State.MANUAL_REVIEW, units=("1",))
    refunding(cast, order, State.MANUAL_REVIEW, units=("2",))
    assert exposed(cast) == 6600
    bring(request, State.APPROVED, cast)
    assert exposed(cast) == 6600
    pay(request.number, now())
    assert (exposed(cast), own(cast.seller.code)) == (3300, {"payable": 6600})


@pytest.mark.parametrize("state", ["failed", "abnormal", "manual", "pending"])
def test_refund_the_channel_has_not_paid_stays_exposure(cast: Cast, state: str) -> None:
    refunding(cast, settled(cast), State.REFUNDING)
    Transfer.objects.update(state=state)
    assert exposed(cast) == 9900


def test_open_dispute_is_exposure_as_far_as_it_takes_settled_money(cast: Cast) -> None:
    settled(cast)
    case = dispute(Capture.objects.get(), 9900, from_settled=9900)
    assert exposed(cast) == 9900
    case.state, case.closed_at = "lost", now()
    case.save()
    assert exposed(cast) == 0


def test_exposure_is_read_by_one_statement(cast: Cast, django_assert_num_queries: Any) -> None:
    """At one instant, that is: an approval between two of them would be counted twice, or not at all."""
    refunding(cast, settled(cast), State.APPROVED)
    with django_assert_num_queries(1):
        assert exposed(cast) == 9900


@given(*[st.integers(0, 10**6)] * 4)
def test_what_may_leave_never_uncovers_the_exposure(
    payable: int, deposit: int, debt: int, open_: int
) -> None:
    left = {"payable": payable, "deposit": deposit, "debt": debt, "exposure": open_}
    out, back = withdrawable(**left), returnable(**left)
    assert 0 <= out <= payable
    assert 0 <= back <= deposit
    assert not debt or out == back == 0
    for taken in (out, back):
        assert not taken or payable + deposit - taken >= open_
    assert (
        debt or out == payable or payable + deposit - out <= open_ or not out
    )  # and no more is held than need be


def test_funds_say_all_of_it_in_each_currency_by_itself(cast: Cast) -> None:
    order = settled(cast)
    settled(cast, 700, currency="JPY", fx_rate="0.05")
    deposit(cast, 2000)
    ask(cast, 5000)
    refunding(cast, order, State.MANUAL_REVIEW)
    yuan, yen = funds(cast.seller)
    assert yuan == Funds("CNY", 0, 4900, 5000, 2000, 0, 9900)
    assert (yuan.required_reserve, yuan.withdrawable, yuan.held) == (9900, 0, 4900)
    assert yen == Funds("JPY", 0, 700, 0, 0, 0, 0)
    assert funds(cast.other_seller) == []


# --- Withdrawals ---


def test_withdrawal_is_set_aside_then_paid_under_the_banks_reference(cast: Cast) -> None:
    settled(cast)
    asked = ask(cast, 6000)
    assert asked.number.startswith("WD")
    assert own(cast.seller.code) == {"payable": 3900, "withdrawing": 6000}
    assert sound() == []
    paid(cast, asked, " ICBC-77 ")
    row = Withdrawal.objects.get()
    assert (row.state, row.bank_reference, row.decided_by) == ("paid", "ICBC-77", cast.finance)
    assert own(cast.seller.code) == {"payable": 3900}
    assert balance("bank", "platform", "CNY") == -6000
    assert sound() == []


def test_rejected_withdrawal_is_payable_again_and_says_why(cast: Cast) -> None:
    settled(cast)
    asked = ask(cast, 9900)
    with pytest.raises(NoteNeeded):
        reject_withdrawal(number=asked.number, user=cast.finance, note="  ", now=now())
    reject_withdrawal(number=asked.number, user=cast.finance, note="Account name differs.", now=now())
    assert own(cast.seller.code) == {"payable": 9900}
    assert Withdrawal.objects.get().note == "Account name differs."
    assert sound() == []
    paid(cast, ask(cast, 9900))


@pytest.mark.parametrize("amount", [0, -1, 9901, 10**18])
def test_no_more_than_is_payable_may_be_asked_for(cast: Cast, amount: int) -> None:
    settled(cast)
    with pytest.raises(AmountNotPayable) as refused:
        ask(cast, amount)
    assert refused.value.extra["payable"] == 9900
    assert not Withdrawal.objects.exists()


def test_another_currencys_money_is_not_payable_in_this_one(cast: Cast) -> None:
    settled(cast, 700, currency="JPY", fx_rate="0.05")
    with pytest.raises(AmountNotPayable):
        ask(cast, 700, "CNY")
    ask(cast, 700, "JPY")
    assert own(cast.seller.code, "JPY") == {"withdrawing": 700}


def test_exposure_blocks_as_far_as_the_deposit_does_not_cover_it(cast: Cast) -> None:
    order = settled(cast, 9900, quantity=3)
    refunding(cast, order, State.MANUAL_REVIEW, units=("1",))
    with pytest.raises(WithdrawalBlocked) as refused:
        ask(cast, 6601)
    assert refused.value.extra == {
        "amount": 6601, "withdrawable": 6600, "payable": 9900, "deposit": 0, "exposure": 3300, "currency": "CNY",
    }  # fmt: skip
    deposit(cast, 1000)
    ask(cast, 7600)
    with pytest.raises(WithdrawalBlocked):
        ask(cast, 1)
    assert sound() == []


def test_debt_blocks_every_withdrawal_until_it_is_repaid(cast: Cast) -> None:
    indebted(cast)
    order = settled(cast, 4900)  # repays it all
    assert own(cast.seller.code) == {"withdrawing": 4900}
    settled(cast, 300)
    ask(cast, 300)
    refunding(cast, order)
    with pytest.raises(DebtOutstanding) as refused:
        ask(cast, 1)
    assert refused.value.extra == {"debt": 4900, "currency": "CNY"}
    settled(cast, 5000)
    ask(cast, 100)
    assert sound() == []


@pytest.mark.parametrize("role", sorted(set(Role.values) - {Role.FINANCE}))
def test_only_finance_decides_and_moves(cast: Cast, role: str) -> None:
    settled(cast)
    asked, user = ask(cast, 9900), StaffFactory.create(role=role)
    moves: list[Callable[[], Any]] = [
        lambda: paid(cast, asked, user=user),
        lambda: reject_withdrawal(number=asked.number, user=user, note="No.", now=now()),
        lambda: deposit(cast, 1, user=user),
        lambda: fund_advance(amount=1, currency="CNY", bank_reference="B", user=user, now=now()),
        *(lambda move=move: move(user=user) for move in _owed_moves(cast)),
    ]
    before = Transaction.objects.count()
    for move in moves:
        with pytest.raises(NotPermitted):
            move()
    assert Transaction.objects.count() == before
    assert Withdrawal.objects.get().state == "requested"


def _owed_moves(cast: Cast) -> list[Callable[..., None]]:
    common: dict[str, Any] = {"seller": cast.seller, "amount": 1, "currency": "CNY", "now": now()}
    return [
        lambda user: repay_debt(bank_reference="B", user=user, **common),
        lambda user: write_off_debt(decision="D", user=user, **common),
        lambda user: return_deposit(bank_reference="B", user=user, **common),
    ]


def test_strangers_take_nothing_out(cast: Cast) -> None:
    settled(cast)
    for user in (cast.finance, cast.reviewer):
        with pytest.raises(NotPermitted):
            ask(cast, 100, user=user)
    with pytest.raises(AmountNotPayable):
        ask(cast, 100, user=cast.other_seller_user)  # of their own, who have nothing
    User.objects.filter(pk=cast.seller_user.pk).update(is_active=False)
    with pytest.raises(NotPermitted):
        ask(cast, 100)
    assert not Withdrawal.objects.exists()


def test_who_asked_does_not_decide_even_in_both_roles(cast: Cast) -> None:
    settled(cast)
    both = StaffFactory.create(role=Role.FINANCE)
    Membership.objects.create(user=both, seller=cast.seller)
    asked = ask(cast, 100, user=both)
    with pytest.raises(SecondPersonNeeded):
        paid(cast, asked, user=both)
    with pytest.raises(IntegrityError, match="withdrawal_by_two_persons"), transaction.atomic():
        Withdrawal.objects.update(
            state="paid", decided_by=F("requested_by"), decided_at=now(), bank_reference="B"
        )
    paid(cast, asked)


def test_withdrawal_is_decided_once(cast: Cast) -> None:
    settled(cast)
    first, second = ask(cast, 100), ask(cast, 100)
    paid(cast, first)
    with pytest.raises(WithdrawalDecided):
        paid(cast, first, "B-2")
    with pytest.raises(WithdrawalDecided):
        reject_withdrawal(number=first.number, user=cast.finance, note="No.", now=now())
    with pytest.raises(BankReferenceUsed):
        paid(cast, second, "B-1")
    with pytest.raises(NotFound):
        pay_withdrawal(number="WD-NONE", user=cast.finance, bank_reference="B-3", now=now())
    for wrong in ("", "   ", "x" * 65):
        with pytest.raises(BankReferenceNeeded):
            paid(cast, second, wrong)
    assert own(cast.seller.code) == {"payable": 9700, "withdrawing": 100}
    with pytest.raises(Exception, match="decided once"), transaction.atomic():
        Withdrawal.objects.filter(pk=first.pk).update(state="requested")
    assert sound() == []


# --- Deposits and debts ---


def test_deposit_comes_and_goes_as_far_as_exposure_lets_it(cast: Cast) -> None:
    common: dict[str, Any] = {"seller": cast.seller, "currency": "CNY", "user": cast.finance, "now": now()}
    deposit(cast, 5000, "B-1")
    with pytest.raises(BankReferenceUsed):
        deposit(cast, 5000, "B-1")
    order = settled(cast, 3000)
    refunding(cast, order, State.MANUAL_REVIEW)
    ask(cast, 3000)
    with pytest.raises(WithdrawalBlocked) as refused:
        return_deposit(amount=2001, bank_reference="B-2", **common)
    assert refused.value.extra["returnable"] == 2000
    with pytest.raises(AmountInvalid):
        return_deposit(amount=5001, bank_reference="B-2", **common)
    return_deposit(amount=2000, bank_reference="B-2", **common)
    assert own(cast.seller.code) == {"deposit": 3000, "withdrawing": 3000}
    assert balance("bank", "platform", "CNY") == 3000
    assert sound() == []


@pytest.mark.parametrize(("amount", "currency"), [(0, "CNY"), (-5, "CNY"), (5, "XXX"), (10**16, "CNY")])
def test_amounts_that_are_none_are_refused(cast: Cast, amount: int, currency: str) -> None:
    with pytest.raises(AmountInvalid):
        deposit(cast, amount, currency=currency)


def test_debt_is_repaid_or_written_off_and_never_beyond_it(cast: Cast) -> None:
    indebted(cast)
    common: dict[str, Any] = {"seller": cast.seller, "currency": "CNY", "user": cast.finance, "now": now()}
    with pytest.raises(MoreThanOwed) as refused:
        repay_debt(amount=4901, bank_reference="B-9", **common)
    assert refused.value.extra["owed"] == 4900
    repay_debt(amount=900, bank_reference="B-9", **common)
    with pytest.raises(DebtOutstanding):
        return_deposit(amount=1, bank_reference="B-10", **common)
    with pytest.raises(AdvanceFundShort):
        write_off_debt(amount=4000, decision="V-1", **common)
    fund_advance(amount=10_000, currency="CNY", bank_reference="B-11", user=cast.finance, now=now())
    write_off_debt(amount=4000, decision="V-1", **common)
    assert own(cast.seller.code) == {"withdrawing": 4900}
    assert balance("advance", "platform", "CNY") == -6000
    with pytest.raises(MoreThanOwed):
        write_off_debt(amount=1, decision="V-2", **common)
    assert sound() == []


def test_books_refuse_what_the_operations_would_miss(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the look at what is owed taken away, the CHECK on the account stands."""
    indebted(cast)
    monkeypatch.setattr(seller_funds, "_require_debt", lambda *_args: None)
    with pytest.raises(IntegrityError, match="never_in_credit"):
        repay_debt(
            seller=cast.seller, amount=4901, currency="CNY", bank_reference="B", user=cast.finance, now=now()
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT balance FROM ledger_account WHERE kind = 'debt'")
        assert cursor.fetchall() == [(4900,)]


def test_second_person_of_a_seller_takes_from_the_same_money(cast: Cast) -> None:
    settled(cast)
    ask(cast, 9000)
    with pytest.raises(AmountNotPayable):
        ask(cast, 901, user=make_member(cast.seller))
