"""A transfer that waits for a person: asked about, sent again, given up (G6)."""

from datetime import datetime
from typing import Any

import pytest

from marketplace.kernel.errors import Refusal
from marketplace.ledger.models import Transaction
from marketplace.payments.gateways.base import Result, Status
from marketplace.payments.models import SandboxRefund, Transfer
from marketplace.payments.operations import payout as payouts
from marketplace.payments.operations.stuck import ARRIVES_WITHIN, CallUnderWay, NotStuck
from refunds.machine import State
from refunds.models import Message, RefundRequest
from refunds.operations import money_desk, unstick
from refunds.operations.disputed import DisputeOpen
from tests.cases import work
from tests.factories import hours
from tests.people import Cast

from .by_hand import (
    all_is_well,
    answer_with,
    confirmed,
    make_dispute,
    now,
    paid_at_sandbox,
    proposed,
    refused,
    silence,
    stuck,
)


@pytest.mark.parametrize(
    ("result", "state", "request_state"),
    [
        (Result(Status.SUCCEEDED, "R1"), Transfer.State.SUCCEEDED, State.REFUNDED),
        (Result(Status.PENDING, "R1"), Transfer.State.PENDING, State.REFUNDING),
        (Result(Status.REFUSED, error_code="CLOSED"), Transfer.State.FAILED, State.REFUNDING),
        (Result(Status.ABNORMAL, error_code="ABNORMAL"), Transfer.State.ABNORMAL, State.REFUNDING),
        (Result(Status.UNKNOWN), None, State.REFUNDING),
        (Result(Status.PERSON, error_code="NO_AUTH"), None, State.REFUNDING),
    ],
)
@pytest.mark.parametrize("before", Transfer.STUCK_STATES)
def test_what_the_channel_says_when_asked_is_recorded(
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    result: Result,
    state: str | None,
    request_state: str,
) -> None:
    transfer = stuck(cast, before)
    answer_with(monkeypatch, result)
    assert unstick.ask_again(transfer_number=transfer.number, user=cast.finance, now=now()) == result
    transfer.refresh_from_db()
    assert transfer.state == (state or before)
    assert RefundRequest.objects.get().state == request_state
    assert result.status.value in Message.objects.get(is_internal=True).text
    assert Transaction.objects.filter(recipe="refund").exists() == (state == Transfer.State.SUCCEEDED)


@pytest.mark.parametrize("state", ["queued", "sending", "pending", "succeeded"])
def test_only_what_waits_for_a_person_is_asked_about_or_sent_by_one(cast: Cast, state: str) -> None:
    transfer = stuck(cast)
    Transfer.objects.update(state=state, settled_at=now() if state == "succeeded" else None)
    for call in (
        lambda: unstick.ask_again(transfer_number=transfer.number, user=cast.finance, now=now()),
        lambda: unstick.send_again(transfer_number=transfer.number, note="x", user=cast.finance, now=now()),
        lambda: unstick.give_up_channel(
            transfer_number=transfer.number, note="x", user=cast.finance, now=now()
        ),
    ):
        refused(NotStuck, call)


def test_asking_where_nobody_answers_changes_nothing(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    transfer = stuck(cast)

    def ask() -> Any:
        return unstick.ask_again(transfer_number=transfer.number, user=cast.finance, now=now())

    silence(monkeypatch)
    refused(money_desk.ChannelSilent, ask)
    settings.SANDBOX_ANSWERS_FOR = []
    refused(unstick.NoGatewayToAsk, ask)
    Transfer.objects.update(sent_at=None)
    refused(unstick.NotSent, ask)


def test_stuck_transfer_is_sent_again_under_its_number_after_a_query(cast: Cast) -> None:
    transfer = stuck(cast)
    unstick.send_again(transfer_number=transfer.number, note="Topped up.", user=cast.finance, now=now())
    work()
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert SandboxRefund.objects.get().number == transfer.number
    assert "Topped up." in Message.objects.get(user=cast.finance).text
    assert all_is_well()


def test_what_the_channel_has_paid_already_is_not_sent_by_sending_again(cast: Cast) -> None:
    transfer = stuck(cast)
    paid_at_sandbox(transfer, amount=9_900)
    unstick.send_again(transfer_number=transfer.number, note="Once more.", user=cast.finance, now=now())
    work()
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert SandboxRefund.objects.get().calls == 1


def test_nothing_is_sent_again_beside_a_chargeback(cast: Cast) -> None:
    transfer = stuck(cast)
    make_dispute(transfer)
    refused(
        DisputeOpen,
        lambda: unstick.send_again(transfer_number=transfer.number, note="x", user=cast.finance, now=now()),
    )


def test_channel_that_will_never_pay_is_given_up_and_paid_by_hand(cast: Cast) -> None:
    transfer = stuck(cast)
    refused(payouts.NotByHand, lambda: proposed(cast, transfer))
    unstick.give_up_channel(
        transfer_number=transfer.number, note="Portal: no refund.", user=cast.finance, now=now()
    )
    transfer.refresh_from_db()
    assert (transfer.state, transfer.error_code) == (Transfer.State.FAILED, "never_arrived")
    confirmed(proposed(cast, transfer), cast.supervisor)
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert all_is_well()


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (Result(Status.SUCCEEDED), money_desk.ChannelPaysAfterAll),
        (Result(Status.PENDING), money_desk.ChannelPaysAfterAll),
        (Result(Status.PERSON, error_code="amount"), money_desk.ChannelPaysAfterAll),
        (Result(Status.PERSON, error_code="api_key_invalid"), money_desk.ChannelSilent),
        (Result(Status.RETRY, error_code="20000"), money_desk.ChannelSilent),
        (None, money_desk.ChannelSilent),
    ],
)
def test_channel_is_not_given_up_before_it_says_that_it_has_not_paid(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, result: Result | None, error: type[Refusal]
) -> None:
    transfer = stuck(cast)
    if result is None:
        silence(monkeypatch)
    else:
        answer_with(monkeypatch, result)

    def give_up() -> Any:
        return unstick.give_up_channel(
            transfer_number=transfer.number, note="x", user=cast.finance, now=now()
        )

    refused(error, give_up)


def test_channel_is_given_up_without_an_answer_only_where_no_gateway_can_ever_ask_it(
    cast: Cast, settings: Any
) -> None:
    transfer = stuck(cast)
    settings.SANDBOX_ANSWERS_FOR = []

    def give_up() -> Any:
        return unstick.give_up_channel(
            transfer_number=transfer.number, note="x", user=cast.finance, now=now()
        )

    refused(money_desk.ChannelSilent, give_up)  # Alipay's keys are missing, and could be set
    type(transfer.claim.capture).objects.update(channel="card")
    assert give_up().state == Transfer.State.FAILED


@pytest.mark.parametrize(
    ("attempts", "hours_ago", "is_given_up"), [(1, 0, True), (2, 1.99, False), (2, 2, True)]
)
def test_channel_is_not_given_up_while_an_unanswered_call_may_still_arrive(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, attempts: int, hours_ago: float, is_given_up: bool
) -> None:
    transfer = stuck(cast)
    moment = now()
    Transfer.objects.filter(pk=transfer.pk).update(attempts=attempts, next_try_at=moment - hours(hours_ago))
    answer_with(monkeypatch, Result(Status.UNKNOWN))

    def give_up() -> Any:
        return unstick.give_up_channel(
            transfer_number=transfer.number, note="x", user=cast.finance, now=moment
        )

    if is_given_up:
        assert give_up().state == Transfer.State.FAILED
    else:
        until = refused(CallUnderWay, give_up).extra["until"]
        assert datetime.fromisoformat(until) == moment - hours(hours_ago) + ARRIVES_WITHIN
