"""A refund fails while its chargeback is lost: the race, and its control."""

import threading
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from marketplace.payments.models import Transfer
from marketplace.risk.models import Dispute
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations import charged_back, dispute_close
from refunds.operations import pay as paying
from refunds.operations.pay import pay
from tests.people import Cast

from .disputes import balances, broken, close, dispute, read, set_fee
from .test_charged_back import UNDELIVERABLE, an_hour_later, ended, sent
from .test_races import together


def _lost_while_it_fails(request: RefundRequest) -> RefundRequest:
    found, later = Dispute.objects.get(), an_hour_later()
    answers = together([lambda: pay(request.number, later), lambda: close(found, "lost")])
    assert not any(isinstance(answer, Exception) for answer in answers), answers
    return request


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(5))
def test_lost_while_it_fails_comes_to_the_same_end(cast: Cast, _round: int) -> None:
    set_fee("platform", amount=0)
    request = sent(cast, UNDELIVERABLE)
    dispute()
    assert ended(_lost_while_it_fails(request))
    assert (balances(cast.seller.code), broken()) == ({}, [])


@pytest.mark.django_db(transaction=True)
def test_control_without_the_requests_lock_neither_sees_the_other(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the refund that failed hangs: this is what the lock of the order's requests keeps away."""
    set_fee("platform", amount=0)
    request = sent(cast, UNDELIVERABLE)
    dispute()
    meet = threading.Barrier(2)

    def meeting(step: Any) -> Any:
        def wait(*args: Any) -> Any:
            meet.wait(10)  # each has read, and nobody has committed
            return step(*args)

        return wait

    unlocked = lambda order_id: list(RefundRequest.objects.filter(order=order_id))  # noqa: E731
    monkeypatch.setattr(dispute_close, "_lock_requests", unlocked)
    monkeypatch.setattr(dispute_close, "_lose", meeting(dispute_close._lose))
    monkeypatch.setattr(paying, "close_when_through", meeting(paying.close_when_through))
    _lost_while_it_fails(request)
    assert (read(request).state, Transfer.objects.get().state) == (State.REFUNDING, "abnormal")
    with transaction.atomic():  # what the next word of it would do
        charged_back.take_over(read(request), timezone.now())
        monkeypatch.undo()
        paying.close_when_through(read(request), timezone.now())
    assert ended(request)
