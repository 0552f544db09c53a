"""Who bears a refund: escrow, then the seller's payable, the deposit, and last the platform, which is owed it (G4)."""

import pytest
from django.utils import timezone

from marketplace.ledger.queries import balance
from marketplace.payments.models import Capture, Claim
from marketplace.payments.operations.reserve import release
from marketplace.payments.operations.seller_funds import take_deposit
from refunds.operations.settle import settle_due
from refunds.operations.withdraw_funds import request_withdrawal
from tests.people import Cast

from .funds import earned, own, refunding, settled, sound

now = timezone.now


def test_refund_before_settlement_comes_from_escrow_alone(cast: Cast) -> None:
    settled(cast, 5000)  # money of the seller's own, which must not be touched
    refunding(cast, earned(cast))
    assert own(cast.seller.code) == {"payable": 5000}
    assert Claim.objects.get().from_settled == 0
    assert sound() == []


@pytest.mark.parametrize(
    ("taken", "deposit", "left"),
    [
        (0, 0, {"payable": 5000}),
        (5000, 3000, {"deposit": 3000}),
        (8000, 3000, {}),
        (8000, 5000, {"deposit": 2000}),
        (14_900, 3000, {"debt": 6900}),
    ],
)
def test_refund_after_settlement_comes_from_payable_then_deposit_then_is_advanced(
    cast: Cast, taken: int, deposit: int, left: dict[str, int]
) -> None:
    order = settled(cast)
    settled(cast, 5000)
    if taken:
        request_withdrawal(user=cast.seller_user, amount=taken, currency="CNY", now=now())
    if deposit:
        take_deposit(
            seller=cast.seller,
            amount=deposit,
            currency="CNY",
            bank_reference="B1",
            user=cast.finance,
            now=now(),
        )
    refunding(cast, order)
    found = own(cast.seller.code)
    assert found.pop("withdrawing", 0) == taken
    assert found == left
    assert balance("clearing", "alipay", "CNY") == 5000
    assert sound() == []


def test_refund_partly_settled_takes_escrow_first(cast: Cast) -> None:
    order = earned(cast, quantity=3)
    held = Claim.objects.create(
        capture=Capture.objects.get(), kind="complaint", reference="C1", amount=4000, created_at=now()
    )
    settle_due(now())
    release(held, now())
    refunding(cast, order)
    assert Claim.objects.get(kind="refund").from_settled == 5900
    assert own(cast.seller.code) == {}
    assert sound() == []
