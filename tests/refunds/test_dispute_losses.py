"""Who bears what a chargeback takes for good, and its fee."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from marketplace.kernel.errors import NotFound
from marketplace.kernel.money import Money
from marketplace.ledger.models import Transaction
from marketplace.ledger.operations import book
from marketplace.payments.models import Capture
from marketplace.risk.models import Dispute
from refunds.operations.dispute import OtherCurrency, open_dispute
from tests.people import Cast

from .disputes import (
    balances,
    broken,
    close,
    dispute,
    give_deposit,
    order,
    set_fee,
    settle_all,
)


@pytest.fixture(autouse=True)
def _nothing_is_broken(db: None) -> Iterator[None]:
    yield
    assert broken() == []


def test_lost_before_settlement_is_borne_by_escrow(cast: Cast) -> None:
    set_fee("platform")
    order(cast)
    close(dispute(), "lost")
    assert balances(cast.seller.code) == {}
    assert balances(cast.seller.code, "USD") == {"clearing": -1500, "channel_fees": 1500}
    assert Capture.objects.get().claimed == 9900


@pytest.mark.parametrize(
    ("deposit", "withdrawn", "left"),
    [
        (0, 0, {}),  # all from the payable
        (5000, 9900, {"debt": 4900}),  # the seller has taken it out: the deposit, and then a debt
        (0, 9900, {"debt": 9900}),
        (20_000, 4000, {"deposit": -16_000}),
    ],
)
def test_lost_after_settlement_is_borne_by_payable_deposit_and_debt_in_turn(
    cast: Cast, deposit: int, withdrawn: int, left: dict[str, int]
) -> None:
    set_fee("platform", amount=0)
    order(cast)
    settle_all()
    if deposit:
        give_deposit(cast, deposit)
    if withdrawn:
        book(recipe="withdrawal", reference="withdrawal:WD1", amount=withdrawn, currency="CNY",
             occurred_at=timezone.now(), seller=cast.seller.code)  # fmt: skip
    close(dispute(), "lost")
    assert balances(cast.seller.code) == left


def test_lost_partly_settled_is_borne_by_escrow_first(cast: Cast) -> None:
    from marketplace.payments.operations.settle import settle

    set_fee("platform", amount=0)
    order(cast)
    settle(capture=Capture.objects.get(), amount=6000, commission=0, now=timezone.now())
    found = dispute(amount=5000)
    assert (found.claim.amount, found.claim.from_settled) == (5000, 1100)
    close(found, "lost")
    assert balances(cast.seller.code) == {"payable": -4900, "clearing": 4900}


def test_fee_is_borne_by_the_seller_in_its_own_currency(cast: Cast) -> None:
    order(cast)
    give_deposit(cast, 1000, "USD")
    close(dispute(), "lost")
    usd = balances(cast.seller.code, "USD")
    assert usd == {"debt": 500, "clearing": -1500}
    assert balances(cast.seller.code) == {}


def test_fee_in_the_currency_of_the_order_comes_after_the_chargeback_itself(cast: Cast) -> None:
    set_fee("seller", 1500, "CNY")
    order(cast)
    settle_all()
    close(dispute(), "lost")
    assert balances(cast.seller.code) == {"debt": 1500, "clearing": -1500}


def test_no_fee_where_the_chargeback_is_won_or_the_terms_name_none(cast: Cast) -> None:
    order(cast)
    close(dispute(), "won")
    set_fee("seller", amount=0)
    close(dispute(), "lost")
    assert not Transaction.objects.filter(recipe="chargeback_fee").exists()


def test_closed_complaint_moves_no_money(cast: Cast) -> None:
    for state in ("won", "lost"):
        placed = order(cast)
        close(dispute(placed.captures.get(), "complaint"), state)
        assert placed.captures.get().claimed == 0
    assert balances(cast.seller.code) == {"escrow": -19_800, "clearing": 19_800}


def test_closed_dispute_stays_as_it_was_closed(cast: Cast) -> None:
    order(cast)
    found = dispute()
    for state in ("won", "lost", "won"):
        assert close(found, state).state == "won"
    assert Capture.objects.get().claimed == 0


def test_dispute_about_no_payment_of_ours_and_in_another_currency(cast: Cast) -> None:
    order(cast)
    capture = Capture.objects.get()
    about: dict[str, Any] = {"kind": "chargeback", "channel_dispute_no": "du_x", "reason": "", "due_at": None}
    about |= {"opened_at": timezone.now(), "now": timezone.now()}
    for channel, channel_no in (("stripe", "pi_unknown"), ("alipay", capture.channel_no)):
        with pytest.raises(NotFound):
            open_dispute(channel=channel, channel_no=channel_no, money=Money(1, "CNY"), **about)
    with pytest.raises(OtherCurrency):
        open_dispute(channel="stripe", channel_no=capture.channel_no, money=Money(1, "USD"), **about)
    assert not Dispute.objects.exists()
