"""What each operation asks of the database, counted: a round trip more is a decision, not an accident.

Counted are statements without transaction control (BEGIN, COMMIT, SAVEPOINT …), with warm caches: the policies in
force, the ledger's known accounts and the caller's session are remembered by a process. The channel is not counted.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketplace.ledger import operations as ledger
from marketplace.payments import gateways
from marketplace.payments.gateways.base import Instruction, Result, Status
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations.decide import precheck
from refunds.operations.pay import pay
from refunds.operations.sweep import sweep_deadlines
from tests.cases import make_request
from tests.factories import hours, make_order
from tests.people import Api, Cast

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")

FILING = 2
PRECHECK_APPROVED = 8
PAY = 9
SWEEP_BATCH = 2  # for each goods type of the batch one more
SWEEP_LOOKS = 4  # that find nothing: one for each kind of clock, and one for outages


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of the block, there once it ends."""
    statements: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield statements
    statements += [q["sql"] for q in captured.captured_queries if not q["sql"].startswith(CONTROL)]


class Instant:
    def refund(self, instruction: Instruction) -> Result:
        return Result(Status.SUCCEEDED, channel_refund_no="1")

    query = refund


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> None:
    instant: Callable[[str], Any] = lambda channel: Instant()  # noqa: E731
    monkeypatch.setattr(gateways, "for_channel", instant)


@pytest.fixture
def warm(cast: Cast, channel: None) -> Cast:
    """One request has gone all the way before."""
    request = make_request(cast, reason="not_activated", total=4900)
    precheck(request.pk, timezone.now())
    assert pay(request.number, timezone.now()) == 1
    # A process learns an account when its transaction commits, which a test's never does.
    ledger._known.update({("escrow", cast.seller.code, "CNY"), ("clearing", "alipay", "CNY")})
    return cast


def test_filing_takes_at_most_six_statements(warm: Cast, api: Api) -> None:
    buyer = api.sign_in(warm.buyer)
    first, second = (
        make_order(shop=warm.shop, buyer=warm.buyer, seller=warm.seller, events=[("delivered", hours(-3))])
        for _ in range(2)
    )
    path = "/api/v1/refund-requests/"
    assert buyer.post(path, {"order": first.no, "reason": "not_activated"}).status_code == 201
    with counted() as statements:
        answer = buyer.post(path, {"order": second.no, "reason": "not_activated"})
    assert answer.status_code == 201
    assert len(statements) == FILING <= 6, statements


def test_approving_precheck(warm: Cast) -> None:
    request = make_request(warm, reason="not_activated", total=4900)
    with counted() as statements:
        precheck(request.pk, timezone.now())
    request.refresh_from_db()
    assert request.state == State.APPROVED
    assert len(statements) == PRECHECK_APPROVED, statements


def test_paying_one_transfer(warm: Cast) -> None:
    request = make_request(warm, reason="not_activated", total=4900)
    now = timezone.now()
    precheck(request.pk, now)
    with counted() as statements:
        assert pay(request.number, now) == 1
    request.refresh_from_db()
    assert request.state == State.REFUNDED
    assert len(statements) == PAY, statements


@pytest.mark.parametrize("overdue", [1, 3])
def test_sweeping_costs_the_same_for_any_number_of_requests(warm: Cast, overdue: int) -> None:
    requests = [make_request(warm, state=State.AWAITING_SELLER) for _ in range(overdue)]
    later = timezone.now() + timedelta(days=30)
    with counted() as statements:
        assert sweep_deadlines(later) == overdue
    assert len(statements) == SWEEP_BATCH + SWEEP_LOOKS, statements
    assert {r.state for r in RefundRequest.objects.filter(pk__in=[r.pk for r in requests])} == {
        State.MANUAL_REVIEW
    }
