"""The books: balanced and kept by the database, by named recipes, corrected by reversal alone."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.ledger.models import KEPT, Account, Kind, Posting, Transaction
from marketplace.ledger.operations import NothingToReverse, book, lock_balances, reverse
from marketplace.ledger.queries import balance, statement, trial_balance
from marketplace.ledger.recipes import RECIPES, REVERSAL

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
_references = itertools.count(1)
# Tables of history beside those of cases, which tests/refunds/test_machine.py tampers with, and of staff (test_history_of_staff.py).
HISTORY = ("ledger_transaction", "ledger_posting", "payments_settlement", "payments_reconciliation")


def post(recipe: str, amount: int, *, currency: str = "CNY", at: datetime = NOON, **shares: int) -> str:
    reference = f"test:{next(_references)}"
    book(
        recipe=recipe, reference=reference, amount=amount, currency=currency, occurred_at=at, shares=shares,
        channel="alipay", seller="S-1",
    )  # fmt: skip
    return reference


def sums() -> dict[tuple[str, str], int]:
    return {(row.kind, row.currency): row.balance for row in trial_balance(NOON + timedelta(days=9))}


@pytest.fixture
def earned(db: None) -> None:
    """The seller sold for 100.00 and it was settled, less a commission of 5.00."""
    post("capture", 10_000)
    post("settlement", 10_000, commission=500, payable=9_500)


def test_every_recipe_balances_with_its_shares(db: None) -> None:
    post("advance_funded", 100)
    post("deposit", 50)
    post("capture", 1_000)
    post("settlement", 400, commission=20, payable=380)
    post("refund", 500, escrow=100, payable=300, deposit=50, debt=50)
    post("settlement", 300, commission=30, debt=40, payable=230)
    post("payout", 100, escrow=60, payable=40)
    post("withdrawal", 30)
    post("withdrawal_paid", 30)
    post("debt_repaid", 5)
    post("debt_reopened", 2)
    post("debt_written_off", 5)
    post("deposit", 70)
    post("deposit_returned", 20)
    post("chargeback", 90)
    post("chargeback_won", 30)
    post("chargeback_lost", 60, escrow=20, payable=10, deposit=10, debt=10, platform=10)
    post("chargeback_borne", 8, escrow=5, payable=3)
    post("appeal_won", 6, debt=2, payable=4)
    post("chargeback_fee", 15, payable=10, platform=5)
    used = set(Transaction.objects.values_list("recipe", flat=True))
    assert used == set(RECIPES), "a recipe was added: post it here"
    assert sum(amount for (_kind, currency), amount in sums().items() if currency == "CNY") == 0
    for account in Account.objects.filter(kind__in=KEPT):
        assert account.balance == sum(account.postings.values_list("amount", flat=True)), str(account)


def test_shares_that_miss_the_amount_are_refused(earned: None) -> None:
    for shares in ({"payable": 99}, {"payable": 101}, {}):
        with pytest.raises(IntegrityError, match="sum to zero"), transaction.atomic():
            post("refund", 100, **shares)
    assert balance("payable", "S-1", "CNY") == -9_500


def test_line_without_a_share_of_the_amount_is_not_posted(earned: None) -> None:
    reference = post("refund", 100, payable=100)
    assert Posting.objects.filter(transaction__reference=reference).count() == 2


@pytest.mark.parametrize(
    ("recipe", "shares"),
    [("withdrawal", {}), ("refund", {"payable": 9_501}), ("settlement", {"debt": 9_501})],
)
def test_balance_that_decides_cannot_turn(earned: None, recipe: str, shares: dict[str, int]) -> None:
    before = sums()
    with pytest.raises(IntegrityError, match="never_in_"), transaction.atomic():
        post(recipe, 9_501, **shares)
    assert sums() == before


def test_database_keeps_balances_whoever_posts(earned: None) -> None:
    payable, escrow = (Account.objects.get(kind=kind) for kind in ("payable", "escrow"))
    with transaction.atomic():
        by_hand = Transaction.objects.create(reference="by hand", recipe="capture", occurred_at=NOON)
        Posting.objects.bulk_create(
            Posting(transaction=by_hand, account=account, amount=amount, currency="CNY")
            for account, amount in ((payable, 300), (escrow, -300), (payable, 200), (escrow, -200))
        )
    payable.refresh_from_db()
    escrow.refresh_from_db()
    assert (payable.balance, escrow.balance) == (-9_000, None)


def test_account_that_decides_must_keep_its_balance(db: None) -> None:
    for kind, kept in ((Kind.PAYABLE, None), (Kind.CLEARING, 0)):
        with pytest.raises(IntegrityError, match="balance_kept"), transaction.atomic():
            Account.objects.create(kind=kind, owner="S-2", currency="CNY", balance=kept)


def test_reversal_puts_every_account_back_and_happens_once(earned: None) -> None:
    before = sums()
    reference = post("refund", 3_000, payable=3_000)
    reverse(reference, NOON)
    assert {key: amount for key, amount in sums().items() if amount} == {k: v for k, v in before.items() if v}
    assert Transaction.objects.get(reference=f"reversal:{reference}").recipe == REVERSAL
    for known in (reference, "never booked"):
        with pytest.raises(NothingToReverse):
            reverse(known, NOON)
    assert balance("payable", "S-1", "CNY") == -9_500


def test_currencies_never_mix(earned: None) -> None:
    post("capture", 700, currency="USD")
    post("settlement", 700, currency="USD", payable=700)
    assert (balance("payable", "S-1", "CNY"), balance("payable", "S-1", "USD")) == (-9_500, -700)
    with pytest.raises(IntegrityError, match="never_in_debit"), transaction.atomic():
        post("withdrawal", 701, currency="USD")
    by_currency: dict[str, int] = {}
    for (_kind, currency), amount in sums().items():
        by_currency[currency] = by_currency.get(currency, 0) + amount
    assert by_currency == {"CNY": 0, "USD": 0}


def test_balances_as_of_a_past_instant(earned: None) -> None:
    post("withdrawal", 500, at=NOON + timedelta(days=1))
    assert balance("payable", "S-1", "CNY", at=NOON) == -9_500
    assert balance("payable", "S-1", "CNY", at=NOON - timedelta(seconds=1)) == 0
    assert balance("payable", "S-1", "CNY") == -9_000
    assert ("withdrawing", "CNY") not in {(row.kind, row.currency) for row in trial_balance(NOON)}
    assert {row.owner for row in trial_balance(NOON, owner="S-1")} == {"S-1"}


def test_statement_runs_on_from_what_was_before(earned: None) -> None:
    day = timedelta(days=1)
    first, second = (
        post("withdrawal", 500, at=NOON + day),
        post("refund", 100, at=NOON + 2 * day, payable=100),
    )
    lines = list(statement("payable", "S-1", "CNY", since=NOON + day, until=NOON + 3 * day))
    assert [(line.reference, line.amount, line.balance) for line in lines] == [
        (first, 500, -9_000),
        (second, 100, -8_900),
    ]
    assert list(statement("payable", "S-1", "CNY", since=NOON + 3 * day, until=NOON + 4 * day)) == []


def test_locked_balances_are_positive_and_zero_where_there_is_no_account(earned: None) -> None:
    with transaction.atomic():
        found = lock_balances([Kind.PAYABLE, Kind.DEPOSIT, Kind.DEBT], "S-1", "CNY")
    assert found == {"payable": 9_500, "deposit": 0, "debt": 0}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from(["capture", "settlement", "refund", "deposit", "withdrawal"]), st.integers(1, 900)
        ),
        max_size=12,
    )
)
def test_whatever_is_booked_the_books_balance_and_nobody_is_overdrawn(
    earned: None, moves: list[tuple[str, int]]
) -> None:
    with transaction.atomic():
        for recipe, amount in moves:
            shares = {"settlement": {"payable": amount}, "refund": {"payable": amount}}.get(recipe, {})
            try:
                with transaction.atomic():
                    post(recipe, amount, **shares)
            except IntegrityError as error:
                assert "never_in_debit" in str(error)
        assert sum(sums().values()) == 0
        for account in Account.objects.filter(balance__isnull=False):
            assert account.balance == sum(account.postings.values_list("amount", flat=True))
        transaction.set_rollback(True)


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_history_of_money_is_never_changed_or_removed(earned: None, table: str, change: str) -> None:
    _fill(table)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(DatabaseError, match="history"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(table))


def test_every_append_only_table_is_tampered_with_somewhere() -> None:
    from tests.refunds.test_history_of_staff import HISTORY as STAFF
    from tests.refunds.test_machine import HISTORY as CASES

    append_only = {
        model._meta.db_table
        for model in apps.get_models()
        if any(
            trigger.name in ("append_only", "closed_once") for trigger in getattr(model._meta, "triggers", ())
        )
    }
    assert append_only == {*HISTORY, *CASES, *STAFF}


def _fill(table: str) -> None:
    """A row to tamper with, where the books have none: row triggers speak of rows."""
    from marketplace.payments.models import Reconciliation, Settlement
    from tests.factories import make_order

    if table == "payments_settlement":
        capture = make_order().captures.get()
        Settlement.objects.create(capture=capture, amount=1, commission=0, debt_repaid=0, settled_at=NOON)
    if table == "payments_reconciliation":
        Reconciliation.objects.create(channel="alipay", day=NOON.date(), ran_at=NOON, matched=0, breaks=0)
