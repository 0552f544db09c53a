"""What was lost is found, what is overdue acts, and nothing acts twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.kernel.businesstime import add_working_days
from marketplace.kernel.models import OutboxJob
from marketplace.kernel.outbox import enqueue, publish
from refunds.machine import State
from refunds.models import RefundRequest, Transition
from refunds.operations import sweep
from refunds.operations.decide import precheck
from tests.cases import file, make_request, work
from tests.factories import days, hours, make_order
from tests.people import Cast


def test_lost_precheck_is_decided_by_the_sweep(cast: Cast) -> None:
    request = make_request(cast)
    assert sweep.sweep_prechecks(timezone.now()) == 0  # its message may still be on the way
    assert sweep.sweep_prechecks(timezone.now() + hours(1)) == 1
    work()
    request.refresh_from_db()
    assert request.state == State.AWAITING_SELLER
    assert sweep.sweep_prechecks(timezone.now() + hours(1)) == 0


def test_the_log_says_when_a_precheck_is_later_than_the_terms_promise(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    request = make_request(cast)
    sweep.sweep_prechecks(request.filed_at + timedelta(seconds=59))
    assert not caplog.records
    sweep.sweep_prechecks(request.filed_at + timedelta(seconds=61))
    [record] = caplog.records
    assert request.number in record.getMessage()


def test_precheck_twice_decides_once(cast: Cast) -> None:
    request = make_request(cast)
    precheck(request.pk, timezone.now())
    precheck(request.pk, timezone.now())
    assert request.decisions.count() == 1


def test_request_filed_for_later_is_decided_when_its_time_comes(cast: Cast) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=10_000, goods_type="direct_topup",
        channel="card", paid=hours(-0.1), completed=None,
    )  # fmt: skip
    request = file(order, reason="not_delivered", file_when_allowed=True)
    assert sweep.sweep_prechecks(request.due_at - hours(0.01)) == 0
    assert sweep.sweep_prechecks(request.due_at) == 1
    work(request.due_at)
    request.refresh_from_db()
    assert (request.state, request.due_kind) == (State.AWAITING_SELLER, "seller_reply")


@pytest.mark.parametrize(
    ("seconds", "state"), [(-1, "awaiting_seller"), (0, "manual_review"), (1, "manual_review")]
)
def test_sellers_silence_is_noticed_at_24_hours_sharp(cast: Cast, seconds: int, state: str) -> None:
    filed_at = timezone.now()
    request = make_request(cast, state=State.AWAITING_SELLER, now=filed_at)
    assert request.due_at == filed_at + hours(24)
    sweep.sweep_deadlines(filed_at + hours(24) + hours(seconds / 3600))
    request.refresh_from_db()
    assert request.state == state


def test_silence_is_in_the_history_and_starts_the_reviewers_clock(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    later = timezone.now() + days(2)
    assert sweep.sweep_deadlines(later) == 1
    assert sweep.sweep_deadlines(later) == 0
    move = Transition.objects.get(request=request, event="seller_silent")
    assert (move.actor, move.at, move.due_at) == ("system", later, add_working_days(later, 3))
    request.refresh_from_db()
    assert (request.due_kind, request.due_at) == ("review", move.due_at)


@pytest.mark.parametrize(
    ("state", "event"), [("awaiting_buyer", "buyer_silent"), ("awaiting_evidence", "evidence_overdue")]
)
def test_other_clocks_lead_to_a_reviewer_too(cast: Cast, state: str, event: str) -> None:
    request = make_request(cast, state=state)
    sweep.sweep_deadlines(timezone.now() + days(30))
    request.refresh_from_db()
    assert request.state == State.MANUAL_REVIEW
    assert Transition.objects.filter(request=request, event=event).exists()


def test_overdue_review_stays_and_is_shown(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    assert sweep.sweep_deadlines(timezone.now() + days(30)) == 0
    request.refresh_from_db()
    assert request.state == State.MANUAL_REVIEW


def test_many_batches_move_every_goods_type(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "BATCH", 2)
    for goods_type in ("card_code", "membership", "account", "game_item", "card_code"):
        make_request(cast, state=State.AWAITING_SELLER, goods_type=goods_type)
    assert sweep.sweep_deadlines(timezone.now() + days(2)) == 5
    assert set(RefundRequest.objects.values_list("state", flat=True)) == {State.MANUAL_REVIEW}


def test_outbox_is_handed_over_in_order_and_once(db: None) -> None:
    for number in range(3):
        enqueue("refunds.precheck", number)
    sent: list[Any] = []
    assert publish(lambda task, args: sent.append((task, args))) == 3
    assert sent == [("refunds.precheck", [0]), ("refunds.precheck", [1]), ("refunds.precheck", [2])]
    assert publish(lambda *_: None) == 0
    assert not OutboxJob.objects.exists()
