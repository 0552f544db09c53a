"""The desk's pages of sellers' money: finance pays, rejects and books; others read, or do not even that."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import PERMISSIONS, Role
from marketplace.ledger.models import Account, Transaction
from marketplace.ledger.queries import balance
from marketplace.payments.models import Settlement, Withdrawal
from marketplace.payments.operations.seller_funds import MOVE_FUNDS
from refunds.operations.withdraw_funds import request_withdrawal
from tests.factories import days
from tests.payments.funds import own, refunding, settled, sound
from tests.people import Cast

from .conftest import staff

SignIn = Callable[[User], Client]
ENGLISH: Any = {"headers": {"accept-language": "en"}}


def page_of(row: Withdrawal) -> str:
    return f"/admin/payments/withdrawal/{row.pk}/change/"


def seller_page(cast: Cast) -> str:
    return f"/admin/sellers/seller/{cast.seller.pk}/change/"


@pytest.fixture
def asked(cast: Cast) -> Withdrawal:
    settled(cast)
    return request_withdrawal(user=cast.seller_user, amount=6000, currency="CNY", now=timezone.now())


@pytest.fixture
def finance(cast: Cast, signed_in: SignIn) -> Client:
    return signed_in(cast.finance)


def test_finance_records_the_payment_under_the_banks_reference(asked: Withdrawal, finance: Client) -> None:
    page = finance.get(page_of(asked), **ENGLISH).content.decode()
    assert "CNY 60.00" in page
    assert asked.number in page
    done = finance.post(page_of(asked), {"move": "pay", "bank_reference": "ICBC-1"}, follow=True, **ENGLISH)
    assert "Recorded as paid." in done.content.decode()
    asked.refresh_from_db()
    assert (asked.state, asked.bank_reference) == ("paid", "ICBC-1")
    assert 'value="pay"' not in done.content.decode()
    assert sound() == []


def test_finance_rejects_with_a_note_the_seller_reads(asked: Withdrawal, cast: Cast, finance: Client) -> None:
    assert finance.post(page_of(asked), {"move": "reject", "note": " "}).status_code == 422
    assert finance.post(page_of(asked), {"move": "reject", "note": "Other name."}).status_code == 302
    asked.refresh_from_db()
    assert (asked.state, asked.note) == ("rejected", "Other name.")
    assert own(cast.seller.code) == {"payable": 9900}


def test_refused_payment_keeps_what_was_typed(asked: Withdrawal, finance: Client) -> None:
    empty = finance.post(page_of(asked), {"move": "pay", "bank_reference": ""}, **ENGLISH)
    assert (empty.status_code, "Write the bank" in empty.content.decode()) == (422, True)
    long = finance.post(page_of(asked), {"move": "pay", "bank_reference": "x" * 65})
    assert long.status_code == 422
    assert "x" * 65 in long.content.decode()
    assert Withdrawal.objects.get().state == "requested"


@pytest.mark.parametrize("role", Role.values)
def test_withdrawals_and_settlements_open_to_who_may_read_them(
    role: str, asked: Withdrawal, cast: Cast, signed_in: SignIn
) -> None:
    client = signed_in(staff(role))
    for table, row in (("withdrawal", asked.pk), ("settlement", Settlement.objects.get().pk)):
        granted = f"payments.view_{table}" in PERMISSIONS[role]
        wanted = 200 if granted else 403
        assert client.get(f"/admin/payments/{table}/").status_code == wanted
        assert client.get(f"/admin/payments/{table}/{row}/change/").status_code == wanted
        assert client.get(f"/admin/payments/{table}/add/").status_code == 403
        assert client.post(f"/admin/payments/{table}/{row}/delete/", {"post": "yes"}).status_code == 403
        assert (f"/admin/payments/{table}/" in client.get("/admin/").content.decode()) == granted
    sees = "sellers.view_seller" in PERMISSIONS[role]
    page = client.get(seller_page(cast))
    assert page.status_code == (200 if sees else 403)
    assert ("desk-money" in page.content.decode()) == ("payments.view_withdrawal" in PERMISSIONS[role])


@pytest.mark.parametrize("role", sorted(set(Role.values) - {Role.FINANCE}))
def test_others_move_nothing(role: str, asked: Withdrawal, cast: Cast, signed_in: SignIn) -> None:
    assert MOVE_FUNDS not in PERMISSIONS[role]
    client, before = signed_in(staff(role)), Transaction.objects.count()
    money = {"currency": "CNY", "amount": "1", "reference": "B"}
    posts = [
        (page_of(asked), {"move": "pay", "bank_reference": "B"}),
        (page_of(asked), {"move": "reject", "note": "No."}),
    ]
    posts += [
        (seller_page(cast), {"move": move, **money})
        for move in ("deposit", "return", "repay", "fund", "write_off")
    ]
    for path, data in posts:
        assert client.post(path, data).status_code == 403
        if client.get(path).status_code == 200:
            assert f'name="move" value="{data["move"]}"' not in client.get(path).content.decode()
    assert Transaction.objects.count() == before
    assert Withdrawal.objects.get().state == "requested"


def test_seller_page_shows_the_money_and_finance_books_it(
    asked: Withdrawal, cast: Cast, finance: Client
) -> None:
    path = seller_page(cast)

    def move(name: str, amount: str, reference: str) -> Any:
        data = {"move": name, "currency": "CNY", "amount": amount, "reference": reference}
        return finance.post(path, data, **ENGLISH)

    assert move("deposit", "20.00", "B-1").status_code == 302
    assert move("deposit", "20.00", "B-1").status_code == 409
    assert move("deposit", "20.005", "B-2").status_code == 422
    page = finance.get(path, **ENGLISH).content.decode()
    for part in (
        "CNY 39.00",
        "CNY 60.00",
        "CNY 20.00",
        asked.number,
        "deposit CNY 20.00 B-1",
        cast.finance.username,
    ):
        assert part in page, part
    assert move("return", "5", "B-3").status_code == 302
    assert own(cast.seller.code) == {"payable": 3900, "deposit": 1500, "withdrawing": 6000}
    entries = LogEntry.objects.order_by("id").values_list("user", "object_id", "change_message")
    assert list(entries) == [
        (cast.finance.pk, str(cast.seller.pk), "deposit CNY 20.00 B-1"),
        (cast.finance.pk, str(cast.seller.pk), "deposit_returned CNY 5.00 B-3"),
    ]
    assert sound() == []


def test_debt_is_repaid_and_written_off_from_the_sellers_page(cast: Cast, finance: Client) -> None:
    order = settled(cast, 4900)
    request_withdrawal(user=cast.seller_user, amount=4900, currency="CNY", now=timezone.now())
    path = seller_page(cast)
    assert 'value="repay"' not in finance.get(path).content.decode()
    refunding(cast, order)
    page = finance.get(path).content.decode()
    for name, amount, reference in (
        ("repay", "9", "B-1"),
        ("fund", "100", "B-2"),
        ("write_off", "40", "V-1"),
    ):
        assert f'value="{name}"' in page
        data = {"move": name, "currency": "CNY", "amount": amount, "reference": reference}
        assert finance.post(path, data).status_code == 302, name
    assert own(cast.seller.code) == {"withdrawing": 4900}
    assert balance("advance", "platform", "CNY") == -6000
    assert "CNY 60.00" in finance.get(path, **ENGLISH).content.decode()
    assert sound() == []


def test_settlement_is_read_with_what_was_kept_of_it(asked: Withdrawal, finance: Client) -> None:
    row = Settlement.objects.select_related("capture__order").get()
    page = finance.get(f"/admin/payments/settlement/?q={row.capture.order.no}", **ENGLISH).content.decode()
    assert "CNY 99.00" in page
    assert (
        "CNY 99.00" in finance.get(f"/admin/payments/settlement/{row.pk}/change/", **ENGLISH).content.decode()
    )


def test_withdrawals_are_found_by_state_and_number(asked: Withdrawal, finance: Client) -> None:
    for query, found in (("?state=requested", True), ("?state=paid", False), (f"?q={asked.number}", True)):
        page = finance.get(f"/admin/payments/withdrawal/{query}").content.decode()
        assert (page_of(asked) in page) == found, query


# --- The books ---


def test_accounts_show_their_balance(asked: Withdrawal, finance: Client) -> None:
    page = finance.get("/admin/ledger/account/", **ENGLISH).content.decode()
    for part in ("CNY -39.00", "CNY -60.00", "CNY 99.00"):
        assert part in page, part
    assert Account.objects.filter(balance__isnull=True).exists()


def read_csv(answer: Any) -> list[list[str]]:
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def test_trial_balance_of_any_instant_is_in_balance(asked: Withdrawal, finance: Client) -> None:
    path = "/admin/ledger/account/trial-balance/"
    page = finance.get(path, **ENGLISH)
    assert page.context["sums"] == [("CNY", 0)]
    assert "in balance" in page.content.decode()
    before = timezone.localtime(timezone.now() - days(5)).strftime("%Y-%m-%dT%H:%M:%S")
    then = finance.get(path, {"at": before}, **ENGLISH)  # paid for, not settled yet
    assert sorted((row.kind, row.balance) for _label, row in then.context["rows"]) == [
        ("clearing", 9900), ("escrow", -9900),
    ]  # fmt: skip
    own_rows = finance.get(
        path, {"at": timezone.localtime().isoformat(), "owner": asked.seller.code, "csv": "1"}, **ENGLISH
    )
    assert read_csv(own_rows) == [
        ["Currency", "Ledger account", "Owner", "Balance"],
        ["CNY", "Escrow", asked.seller.code, "0.00"],
        ["CNY", "Seller's payable", asked.seller.code, "-39.00"],
        ["CNY", "On its way to the seller", asked.seller.code, "-60.00"],
    ]


def test_account_statement_runs_to_its_balance(asked: Withdrawal, finance: Client) -> None:
    account = Account.objects.get(kind="payable", owner=asked.seller.code)
    path = f"/admin/ledger/account/{account.pk}/statement/"
    assert path in finance.get(f"/admin/ledger/account/{account.pk}/change/").content.decode()
    lines = finance.get(path, **ENGLISH).context["lines"]
    assert [(line.recipe, line.amount, line.balance) for line in lines] == [
        ("settlement", -9900, -9900), ("withdrawal", 6000, -3900),
    ]  # fmt: skip
    since, until = (timezone.localtime(timezone.now() + days(n)).isoformat() for n in (-1, 1))
    rows = read_csv(finance.get(path, {"since": since, "until": until, "csv": "1"}, **ENGLISH))
    assert [row[3:] for row in rows[1:]] == [["-99.00", "-99.00", "CNY"], ["60.00", "-39.00", "CNY"]]
    assert finance.get(path, {"since": until, "until": since}).status_code == 422
    assert finance.get(path, {"since": "x", "until": "y"}).status_code == 422
    assert finance.get("/admin/ledger/account/999999/statement/").status_code == 404


@pytest.mark.parametrize("role", Role.values)
def test_books_as_of_then_open_to_who_may_read_accounts(
    role: str, asked: Withdrawal, signed_in: SignIn
) -> None:
    client = signed_in(staff(role))
    wanted = 200 if "ledger.view_account" in PERMISSIONS[role] else 403
    account = Account.objects.get(kind="payable", owner=asked.seller.code)
    for page in ("trial-balance/", "trial-balance/?csv=1", f"{account.pk}/statement/"):
        assert client.get(f"/admin/ledger/account/{page}").status_code == wanted, page
