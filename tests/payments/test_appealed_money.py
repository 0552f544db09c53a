"""While a buyer's appeal waits, the money it is about is neither settled nor taken out (requirements F8, G4, G5)."""

from typing import Any

import pytest
from django.utils import timezone

from refunds.exposure import exposure
from refunds.models import RefundRequest
from refunds.operations import decide_appeal, review
from refunds.operations.settle import settle_due
from refunds.operations.withdraw_funds import WithdrawalBlocked, request_withdrawal
from tests.cases import bring, file
from tests.contested import buyer_appeals
from tests.judged import reject
from tests.people import Cast

from .funds import earned, own, settled, sound


def rejected(cast: Cast, order: Any) -> RefundRequest:
    request = bring(file(order), "manual_review", cast)
    reject(request, cast.reviewer)
    return RefundRequest.objects.get(pk=request.pk)


def dismiss(cast: Cast, request: RefundRequest) -> None:
    decide_appeal.dismiss(
        number=request.number, user=cast.supervisor, note="It was used.", now=timezone.now()
    )


def test_appealed_order_is_not_settled_before_the_appeal_is_decided(cast: Cast) -> None:
    request = rejected(cast, earned(cast))
    buyer_appeals(request)
    assert settle_due(timezone.now()).settled == 0
    assert own(cast.seller.code) == {"escrow": 9900}
    dismiss(cast, request)
    assert settle_due(timezone.now()).sums == {"CNY": 9900}
    assert sound() == []


def test_appeal_on_settled_money_is_exposure_until_it_is_decided(cast: Cast) -> None:
    request = rejected(cast, settled(cast))
    assert exposure(cast.seller.pk, "CNY") == 0
    buyer_appeals(request)
    assert exposure(cast.seller.pk, "CNY") == 9900
    with pytest.raises(WithdrawalBlocked):
        request_withdrawal(user=cast.seller_user, amount=1, currency="CNY", now=timezone.now())
    assert own(cast.seller.code) == {"payable": 9900}
    dismiss(cast, request)
    assert exposure(cast.seller.pk, "CNY") == 0


def test_appeal_taken_up_is_exposure_once_and_not_twice(cast: Cast) -> None:
    request = rejected(cast, settled(cast))
    buyer_appeals(request)
    review.escalate(number=request.number, user=cast.supervisor, note="A doubt.", now=timezone.now())
    assert exposure(cast.seller.pk, "CNY") == 9900
