"""The channel beside the hand: whatever it says and whenever, one of them pays (G6, G7, H1)."""

from typing import Any

import pytest

from marketplace.ledger.queries import balance
from marketplace.payments.gateways.base import Result, Status
from marketplace.payments.models import SandboxRefund, Transfer
from marketplace.payments.operations import payout as payouts
from marketplace.payments.operations import send
from marketplace.payments.operations.stuck import CameBackBefore
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations import money_desk, pay_by_hand, unstick
from refunds.operations.come_back import recheck
from refunds.operations.disputed import DisputeOpen
from refunds.operations.pay import pay
from refunds.operations.sweep import sweep_transfers
from tests.people import Cast

from .by_hand import (
    all_is_well,
    answer_with,
    confirmed,
    later,
    make_dispute,
    now,
    paid_at_sandbox,
    proposed,
    refused,
    refused_by_channel,
    silence,
    standing,
)


@pytest.mark.parametrize("settles_in", [0, 3600])
def test_payout_is_refused_where_the_channel_pays_after_all(cast: Cast, settles_in: int) -> None:
    transfer, other = refused_by_channel(cast), refused_by_channel(cast)
    payout = proposed(cast, transfer)
    for each in (transfer, other):
        paid_at_sandbox(each)
    SandboxRefund.objects.update(succeeds_at=later(settles_in))
    refused(money_desk.ChannelPaysAfterAll, lambda: confirmed(payout, cast.supervisor))
    refused(money_desk.ChannelPaysAfterAll, lambda: proposed(cast, other))


def test_channel_that_paid_another_amount_under_our_number_stops_the_payout(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = proposed(cast, refused_by_channel(cast))
    answer_with(monkeypatch, Result(Status.PERSON, "RE1", "other_money", "3.00"))
    refused(money_desk.ChannelPaysAfterAll, lambda: confirmed(payout, cast.supervisor))


def test_silent_channel_lets_propose_and_not_confirm(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = refused_by_channel(cast)
    silence(monkeypatch)
    payout = proposed(cast, transfer)
    refused(money_desk.ChannelSilent, lambda: confirmed(payout, cast.supervisor))
    answer_with(monkeypatch, Result(Status.RETRY, error_code="SYSTEM_ERROR"))
    refused(money_desk.ChannelSilent, lambda: confirmed(payout, cast.supervisor))


def test_channel_without_a_gateway_and_bank_transfers_can_be_confirmed(cast: Cast, settings: Any) -> None:
    transfers = [refused_by_channel(cast), refused_by_channel(cast)]
    settings.SANDBOX_ANSWERS_FOR = []
    for channel, transfer in zip(("card", "bank_transfer"), transfers, strict=True):
        type(transfer.claim.capture).objects.filter(pk=transfer.claim.capture_id).update(channel=channel)
        confirmed(proposed(cast, transfer), cast.supervisor, f"BANK-{channel}")
    assert set(Transfer.objects.values_list("state", flat=True)) == {Transfer.State.SUCCEEDED}


def test_what_the_channel_paid_after_all_is_recorded_and_the_payout_is_dead(cast: Cast) -> None:
    transfer = refused_by_channel(cast)
    payout = proposed(cast, transfer)
    paid_at_sandbox(transfer)
    unstick.ask_again(transfer_number=transfer.number, user=cast.finance, now=now())
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert balance("clearing", "alipay", "CNY") == 0
    refused(money_desk.ChannelPaysAfterAll, lambda: confirmed(payout, cast.supervisor))
    SandboxRefund.objects.all().delete()
    refused(payouts.NotByHand, lambda: confirmed(payout, cast.supervisor))
    pay_by_hand.reject(payout_id=payout.pk, user=cast.supervisor, now=now())
    paid_at_sandbox(transfer)
    Transfer.objects.update(channel_refund_no="")
    assert all_is_well()


def test_paid_payout_is_never_undone_by_a_late_channel_failure_nor_sent_again(cast: Cast) -> None:
    transfer = refused_by_channel(cast)
    confirmed(proposed(cast, transfer), cast.supervisor)
    attempt = send.attempt_of(transfer.number)
    assert attempt is not None
    before = standing()
    for status in (Status.REFUSED, Status.ABNORMAL):
        assert send.undo(attempt, Result(status, error_code="late"), now()) is False
    assert recheck(transfer.number, now()) is False
    send.record(attempt, Result(Status.SUCCEEDED), now())
    assert pay(transfer.reference, later(100_000)) == 0
    assert sweep_transfers(later(100_000)) == 0
    assert standing() == before
    assert not SandboxRefund.objects.exists()
    assert all_is_well()


def test_refund_that_arrived_and_came_back_is_paid_by_hand_once(cast: Cast) -> None:
    transfer = refused_by_channel(cast, total=9_976)
    assert transfer.state == Transfer.State.SUCCEEDED
    SandboxRefund.objects.update(succeeds_at=later(-61))
    assert recheck(transfer.number, now()) is True
    confirmed(proposed(cast, transfer), cast.supervisor)
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert (balance("clearing", "alipay", "CNY"), balance("bank", "platform", "CNY")) == (9_976, -9_976)
    assert all_is_well()


def test_refund_that_came_back_and_is_paid_anew_by_the_channel_is_left_to_accounting(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = refused_by_channel(cast, total=9_976)
    SandboxRefund.objects.update(succeeds_at=later(-61))
    recheck(transfer.number, now())
    answer_with(monkeypatch, Result(Status.SUCCEEDED))
    refused(
        CameBackBefore,
        lambda: unstick.ask_again(transfer_number=transfer.number, user=cast.finance, now=now()),
    )


@pytest.mark.parametrize(
    ("kind", "state", "stops"),
    [
        ("chargeback", "open", True),
        ("chargeback", "lost", True),
        ("chargeback", "won", False),
        ("complaint", "open", False),
        ("complaint", "lost", False),
    ],
)
def test_payout_waits_for_a_chargeback_and_is_not_paid_beside_a_lost_one(
    cast: Cast, kind: str, state: str, stops: bool
) -> None:
    transfer = refused_by_channel(cast)
    payout = proposed(cast, transfer)
    make_dispute(transfer, kind=kind, state=state)
    if stops:
        refused(DisputeOpen, lambda: confirmed(payout, cast.supervisor))
    else:
        confirmed(payout, cast.supervisor)
