"""The money page: what is shown is what the books hold, and another seller's is never on it."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from marketplace.ledger.recipes import RECIPES
from marketplace.payments.models import Withdrawal
from marketplace.payments.operations.seller_funds import take_deposit
from refunds.machine import State
from refunds.operations.settle import settle_due
from refunds.operations.withdraw_funds import pay_withdrawal, reject_withdrawal
from sellers.portal.money_looks import ACCOUNTS, MOVEMENTS, WITHDRAWALS
from tests.payments.funds import earned, own, refunding, settled
from tests.people import Cast

from .tools import words

MONEY, WITHDRAW, FILE = "/portal/money/", "/portal/money/withdraw/", "/portal/money/statement.csv"
ADDRESSES = [(MONEY, "get"), (WITHDRAW, "get"), (WITHDRAW, "post"), (FILE, "get")]


def page(client: Client, **query: Any) -> str:
    answer = client.get(MONEY, query)
    assert answer.status_code == 200
    return words(answer)


def ask(client: Client, amount: str, currency: str = "CNY", **options: Any) -> Any:
    return client.post(WITHDRAW, {"amount": amount, "currency": currency}, **options)


def days(**change: Any) -> dict[str, Any]:
    today = timezone.localdate()
    return {"account": "payable", "currency": "CNY", "since": today - timedelta(7), "until": today, **change}


def download(client: Client, **change: Any) -> list[list[str]]:
    answer: Any = client.get(FILE, days(**change))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def test_page_shows_every_part_of_the_money(seller: Client, cast: Cast) -> None:
    order = settled(cast, 9900)
    earned(cast, 1234)
    now = timezone.now()
    take_deposit(
        seller=cast.seller, amount=2000, currency="CNY", bank_reference="B", user=cast.finance, now=now
    )
    ask(seller, "50.00")
    refunding(cast, order, State.MANUAL_REVIEW)
    text = page(seller)
    for part in (
        "In escrow CNY 12.34", "Yours, held CNY 49.00", "Yours, can be taken out CNY 0.00",
        "On its way to you CNY 50.00", "Deposit CNY 20.00", "Open cases could still take CNY 99.00",
        "Can be taken out now CNY 0.00", "All of it is held for open cases",
    ):  # fmt: skip
        assert part in text, part
    assert "Owed to the platform CNY" not in text


def test_nothing_yet_says_what_will_come(seller: Client) -> None:
    text = page(seller)
    assert "No money has come in yet." in text
    assert "Ask for a withdrawal" not in text


def test_currencies_stand_in_blocks_of_their_own(seller: Client, cast: Cast) -> None:
    settled(cast, 9900)
    settled(cast, 700, currency="JPY", fx_rate="0.05")
    answer = seller.get(MONEY)
    assert [block.funds.currency for block in answer.context["blocks"]] == ["CNY", "JPY"]
    text = words(answer)
    assert "Can be taken out now CNY 99.00" in text
    assert "Can be taken out now JPY 700" in text
    ask(seller, "700", "JPY")
    assert own(cast.seller.code) == {"payable": 9900}
    assert own(cast.seller.code, "JPY") == {"withdrawing": 700}


def test_withdrawal_is_asked_for_once_and_followed_to_its_end(seller: Client, cast: Cast) -> None:
    settled(cast)
    done = ask(seller, "60.50", follow=True)
    row = Withdrawal.objects.get()
    assert (row.amount, row.currency, row.requested_by) == (6050, "CNY", cast.seller_user)
    assert f"CNY 60.50 is set aside as {row.number}" in words(done)
    assert "not asked for twice" in words(ask(seller, "60.50", follow=True))
    assert Withdrawal.objects.count() == 1
    assert "Waiting for finance" in page(seller)
    ask(seller, "1")
    second = Withdrawal.objects.order_by("-id")[0]
    now = timezone.now()
    pay_withdrawal(number=row.number, user=cast.finance, bank_reference="ICBC-9", now=now)
    reject_withdrawal(number=second.number, user=cast.finance, note="Account closed.", now=now)
    text = page(seller)
    assert "Paid out" in text
    assert "ICBC-9" in text
    assert "Rejected" in text
    assert "Account closed." in text


def test_refusal_names_the_figures_and_keeps_what_was_typed(seller: Client, cast: Cast) -> None:
    order = settled(cast, 9900, quantity=3)
    refunding(cast, order, State.MANUAL_REVIEW, units=("1",))
    refused = ask(seller, "66.01")
    assert refused.status_code == 409
    text = words(refused)
    assert "open cases may need: CNY 33.00" in text
    assert "can be taken out now: CNY 66.00" in text
    assert 'value="66.01"' in refused.content.decode()
    assert not Withdrawal.objects.exists()
    too_much = ask(seller, "99.01")
    assert (too_much.status_code, "payable: CNY 99.00" in words(too_much)) == (422, True)


def test_debt_blocks_and_says_so(seller: Client, cast: Cast) -> None:
    order = settled(cast, 4900)
    ask(seller, "49")
    refunding(cast, order)
    text = page(seller)
    assert "Owed to the platform CNY 49.00" in text
    assert "until what you owe is repaid" in text
    refused = ask(seller, "1")
    assert (refused.status_code, "owed: CNY 49.00" in words(refused)) == (409, True)


@pytest.mark.parametrize(
    ("amount", "word"),
    [("", "Write an amount first"), ("12,50", "write a number"), ("1.005", "decimals"), ("-1", "write a number"), ("0", "more than nothing")],
)  # fmt: skip
def test_unclear_amount_is_refused_beside_the_field(
    seller: Client, cast: Cast, amount: str, word: str
) -> None:
    settled(cast)
    answer = ask(seller, amount)
    assert (answer.status_code, word in words(answer)) == (422, True)
    assert not Withdrawal.objects.exists()


@pytest.mark.parametrize("currency", ["", "XXX", "USD"])
def test_currency_that_is_not_the_sellers_takes_nothing(seller: Client, cast: Cast, currency: str) -> None:
    settled(cast)
    assert ask(seller, "1", currency).status_code == 422
    assert not Withdrawal.objects.exists()


# --- Statements ---


def test_statement_runs_to_the_balance_from_the_sellers_side(seller: Client, cast: Cast) -> None:
    order = settled(cast, 9900)
    ask(seller, "20.00")
    refunding(cast, order)
    header, *rows = download(seller)
    assert header == ["Time", "Movement", "Reference", "Amount", "Balance", "Currency"]
    assert [(row[1], row[3], row[4], row[5]) for row in rows] == [
        ("Settlement", "99.00", "99.00", "CNY"),
        ("Withdrawal asked for", "-20.00", "79.00", "CNY"),
        ("Refund to a buyer", "-79.00", "0.00", "CNY"),
    ]
    assert [(row[1], row[3], row[4]) for row in download(seller, account="debt")[1:]] == [
        ("Refund to a buyer", "20.00", "20.00")
    ]
    shown = page(seller)
    assert "Refund to a buyer" in shown
    assert "CNY -79.00" in shown


def test_statement_has_the_days_asked_for_and_no_other(seller: Client, cast: Cast) -> None:
    settled(cast)
    tomorrow = timezone.localdate() + timedelta(1)
    assert len(download(seller)) == 2
    assert len(download(seller, since=tomorrow, until=tomorrow)) == 1
    text = page(seller, **days(since=tomorrow, until=tomorrow))
    assert "Nothing moved in the days chosen." in text


def test_long_statement_is_cut_on_the_page_and_whole_in_the_file(
    seller: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sellers.portal.money.LINES_SHOWN", 2)
    for fen in (101, 102, 103):
        earned(cast, fen)
    settle_due(timezone.now())
    answer = seller.get(MONEY)
    assert len(answer.context["lines"]) == 2
    assert "the file has them all" in words(answer)
    assert len(download(seller)) == 4


def test_chinese_reader_gets_the_file_for_excel(seller: Client, cast: Cast) -> None:
    settled(cast)
    seller.cookies["django_language"] = "zh-hans"
    assert download(seller)[1][3:] == ["99.00", "99.00", "CNY"]


@pytest.mark.parametrize(
    "change",
    [{"account": "bank"}, {"account": "clearing"}, {"currency": "USD"}, {"since": "x"}, {"until": "1999-01-01"},
     {"since": "2001-01-01"}],
)  # fmt: skip
def test_statement_of_what_is_not_the_sellers_is_refused(
    seller: Client, cast: Cast, change: dict[str, str]
) -> None:
    settled(cast)
    assert seller.get(FILE, days(**change)).status_code == 404
    shown = seller.get(MONEY, days(**change))
    assert shown.status_code == 200
    assert shown.context["lines"] == []


# --- Who sees it ---


def test_another_sellers_money_is_nowhere(client: Client, cast: Cast) -> None:
    settled(cast, 9900)
    client.force_login(cast.seller_user)
    ask(client, "12.34", follow=True)
    number = Withdrawal.objects.get().number
    client.force_login(cast.other_seller_user)
    client.cookies["django_language"] = "en"
    body = client.get(MONEY).content.decode()
    assert "No money has come in yet." in body
    for secret in (number, "99.00", "12.34", "86.66"):
        assert secret not in body
    assert client.get(FILE, days()).status_code == 404
    assert ask(client, "1").status_code == 422
    settled(cast, 500, seller=cast.other_seller)
    assert [row[3] for row in download(client)[1:]] == ["5.00"]
    assert client.get(MONEY).context["withdrawals"] == []
    assert number not in client.get(MONEY).content.decode()
    assert own(cast.seller.code) == {"payable": 8666, "withdrawing": 1234}


@pytest.mark.parametrize(("path", "method"), ADDRESSES)
def test_money_is_for_members(client: Client, cast: Cast, path: str, method: str) -> None:
    settled(cast)
    data = {"amount": "1", "currency": "CNY"}
    assert getattr(client, method)(path, data).status_code == 302
    client.force_login(cast.finance)
    assert getattr(client, method)(path, data).status_code == 403
    assert not Withdrawal.objects.exists()


def test_withdrawal_without_the_csrf_token_is_refused(cast: Cast) -> None:
    settled(cast)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.seller_user)
    assert ask(strict, "1").status_code == 403
    assert not Withdrawal.objects.exists()


def test_page_has_nothing_inline_and_the_header_leads_to_it(seller: Client, cast: Cast) -> None:
    settled(cast)
    answer = seller.get(MONEY)
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert " style=" not in answer.content.decode()
    assert f'href="{MONEY}" aria-current="page"' in answer.content.decode()
    assert f'href="{MONEY}"' in seller.get("/portal/").content.decode()


def test_every_movement_of_a_sellers_account_has_a_name() -> None:
    touching = {
        name for name, lines in RECIPES.items() if any(line.owner == "seller" and line.kind in ACCOUNTS for line in lines)
    }  # fmt: skip
    assert touching <= MOVEMENTS.keys()
    assert set(WITHDRAWALS) == set(Withdrawal.State.values)
