"""Races, each with its control: the same race with the lock and the constraint taken away, where it does harm.

The control is what makes the test worth something: it shows that the race is really run.
"""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from marketplace.kernel.idempotency import Key
from marketplace.orders.models import Order
from marketplace.payments.models import Capture, SandboxRefund, Transfer
from marketplace.payments.operations import reserve as reserving
from marketplace.payments.operations import send as payments
from refunds import transitions
from refunds.machine import State
from refunds.models import RefundRequest, Transition
from refunds.operations import file as filing
from refunds.operations import pay as paying
from refunds.operations.answer import agree
from refunds.operations.review import approve_request
from refunds.operations.sweep import sweep_deadlines
from tests.cases import bring, file, make_request
from tests.factories import days, hours, make_order
from tests.people import Api, Cast

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 50


def together(calls: list[Callable[[], Any]]) -> list[Any]:
    """Run the calls at once, each on its own connection; refusals and errors are results too."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            start.wait(30)
            return call()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


@contextmanager
def without(constraint: str, table: str, restore: str) -> Iterator[None]:
    """Take a constraint away for a control; the rows it would refuse are gone before it comes back."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            for emptied in ("refunds_refunditem", "refunds_transition", "refunds_refundrequest",
                            "payments_transfer", "payments_claim", "payments_capture"):  # fmt: skip
                cursor.execute(f"DELETE FROM {emptied}")
            cursor.execute("SET session_replication_role = origin")
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {restore}")


@contextmanager
def without_index(name: str, restore: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            for emptied in ("refunds_refunditem", "refunds_transition", "refunds_refundrequest",
                            "kernel_idempotencykey"):  # fmt: skip
                cursor.execute(f"DELETE FROM {emptied}")
            cursor.execute("SET session_replication_role = origin")
            cursor.execute(restore)


@pytest.fixture
def locks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = QuerySet.raw

    def raw_without_lock(self: Any, sql: str, *args: Any, **kwargs: Any) -> Any:
        return raw(self, re.sub(r" FOR UPDATE( OF \w+)?( SKIP LOCKED)?", "", sql), *args, **kwargs)

    monkeypatch.setattr(QuerySet, "raw", raw_without_lock)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_options: self)


ONE_OPEN = "CREATE UNIQUE INDEX one_open_request_per_unit ON refunds_refunditem (unit_id) WHERE is_open"


def _file(cast: Cast, order_no: str, key: str) -> Any:
    return filing.file_request(
        buyer_id=cast.buyer.pk,
        filing=filing.Filing(order_no, "invalid_code"),
        key=Key("race", key, b"0" * 32),
        present=lambda request, _units: {"number": request.number},
        now=timezone.now(),
    )


def _file_many(cast: Cast, keys: list[str]) -> list[Any]:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900, events=[("delivered", hours(-3))]
    )
    return together([lambda key=key: _file(cast, order.no, key) for key in keys])


def test_50_parallel_filings_of_one_order_open_one_request(cast: Cast) -> None:
    answers = _file_many(cast, [f"k{i}" for i in range(MANY)])
    request = RefundRequest.objects.get()
    refused = [answer for answer in answers if isinstance(answer, filing.OpenRequestExists)]
    assert len(refused) == MANY - 1
    assert {answer.extra["number"] for answer in refused} == {request.number}


def test_without_lock_the_index_alone_still_refuses(cast: Cast, locks_off: None) -> None:
    answers = _file_many(cast, [f"k{i}" for i in range(MANY)])
    assert RefundRequest.objects.count() == 1
    assert sum(isinstance(answer, filing.OpenRequestExists) for answer in answers) == MANY - 1


def test_control_without_lock_and_index_an_order_gets_many_requests(cast: Cast, locks_off: None) -> None:
    with without_index("one_open_request_per_unit", ONE_OPEN):
        _file_many(cast, [f"k{i}" for i in range(MANY)])
        assert RefundRequest.objects.count() > 1


def test_50_replays_of_one_key_have_one_effect_and_one_answer(cast: Cast) -> None:
    answers = _file_many(cast, ["same"] * MANY)
    request = RefundRequest.objects.get()
    assert {answer.answer["number"] for answer in answers} == {request.number}
    assert sum(answer.replayed for answer in answers) == MANY - 1


def test_a_second_call_that_waits_too_long_hears_that_the_first_still_runs(
    cast: Cast, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, events=[("delivered", hours(-3))]
    )
    buyer, locked, told = api.sign_in(cast.buyer), threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            Order.objects.select_for_update().get(pk=order.pk)
            locked.set()
            told.wait(30)

    def second() -> Any:
        locked.wait(30)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        answer = buyer.post("/api/v1/refund-requests/", {"order": order.no, "reason": "other"})
        told.set()
        return answer

    _first, answer = together([first, second])
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")
    assert not RefundRequest.objects.exists()


def test_control_without_the_unique_key_replays_have_many_effects(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing, "_INSERT", filing._INSERT.replace("ON CONFLICT (scope, key) DO NOTHING", ""))
    unique = "ALTER TABLE kernel_idempotencykey ADD CONSTRAINT idempotency_key_once UNIQUE (scope, key)"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kernel_idempotencykey DROP CONSTRAINT idempotency_key_once")
    with without_index("one_open_request_per_unit", f"{ONE_OPEN}; {unique}"):
        _file_many(cast, ["same"] * MANY)
        assert RefundRequest.objects.count() > 1


def _two_approvals_of_one_capture(cast: Cast) -> list[Any]:
    """Two units of 4,950, but only 4,950 was ever captured; two reviewers approve one unit each."""
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900, quantity=2, captures=[4950],
        events=[("delivered", hours(-3))],
    )  # fmt: skip
    requests = [_in_review(cast, order, ref) for ref in ("1", "2")]
    people = [cast.reviewer, cast.second_reviewer]
    return together(
        [
            lambda request=request, user=user: approve_request(
                number=request.number,
                user=user,
                amount=None,
                note="Agreed.",
                fault="none",
                now=timezone.now(),
            )
            for request, user in zip(requests, people, strict=True)
        ]
    )


def _in_review(cast: Cast, order: Any, ref: str) -> RefundRequest:
    return bring(file(order, units=(ref,)), State.MANUAL_REVIEW, cast)


def test_two_refunds_of_one_capture_cannot_both_be_promised(cast: Cast) -> None:
    answers = _two_approvals_of_one_capture(cast)
    assert sum(isinstance(answer, reserving.NotEnoughCaptured) for answer in answers) == 1
    assert Capture.objects.get().claimed == 4950


def test_without_lock_the_check_alone_still_refuses(cast: Cast, locks_off: None) -> None:
    _two_approvals_of_one_capture(cast)
    assert Capture.objects.get().claimed == 4950
    assert Transfer.objects.count() == 1


def test_control_without_lock_and_check_both_are_promised(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet = threading.Barrier(2)
    allocate = reserving.allocate

    def allocate_together(*args: Any) -> Any:
        parts = allocate(*args)
        meet.wait(10)
        return parts

    from refunds.operations import approve

    monkeypatch.setattr(approve, "allocate", allocate_together)
    check = "CHECK (claimed >= 0 AND claimed <= amount)"
    escrow = (
        "CHECK (claimed_settled >= 0 AND claimed_settled <= settled"
        " AND settled <= amount - claimed + claimed_settled)"
    )
    with (
        without("claims_within_capture", "payments_capture", check),
        without("escrow_pays_once", "payments_capture", escrow),
    ):
        _two_approvals_of_one_capture(cast)
        assert Capture.objects.get().claimed == 9900


def _agree_while_deadline_fires(cast: Cast) -> RefundRequest:
    request = make_request(cast, state=State.AWAITING_SELLER, now=timezone.now() - days(2))
    together(
        [
            lambda: agree(number=request.number, user=cast.seller_user, now=timezone.now()),
            lambda: sweep_deadlines(timezone.now()),
        ]
    )
    return RefundRequest.objects.get(pk=request.pk)


@pytest.mark.parametrize("_round", range(5))
def test_seller_agrees_while_the_deadline_fires_one_of_them_wins(cast: Cast, _round: int) -> None:
    request = _agree_while_deadline_fires(cast)
    assert request.state in (State.APPROVED, State.MANUAL_REVIEW)
    moves = Transition.objects.filter(request=request, from_state=State.AWAITING_SELLER)
    assert moves.count() == 1
    assert Transfer.objects.filter(reference=request.number).exists() == (request.state == State.APPROVED)


def test_control_without_compare_and_set_both_win(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet = threading.Barrier(2)
    parameters_of = transitions._parameters

    def parameters_together(edges: Any, *rest: Any) -> Any:
        """Both have read the request and found the move allowed; neither has written."""
        if edges[0].source == State.AWAITING_SELLER:
            meet.wait(10)
        return parameters_of(edges, *rest)

    # Neither asks what the state is by now; there is one request, so no row needs picking.
    careless = transitions._MOVE.replace("WHERE r.state = %(source)s AND {where}", "")
    assert careless != transitions._MOVE
    fk = (
        "FOREIGN KEY (request_id, previous, from_state) REFERENCES refunds_transition"
        " (request_id, sequence, to_state) DEFERRABLE INITIALLY DEFERRED"
    )
    request = make_request(cast, state=State.AWAITING_SELLER, now=timezone.now() - days(2))
    monkeypatch.setattr(transitions, "_parameters", parameters_together)
    monkeypatch.setattr(transitions, "_MOVE", careless)
    with without("transition_continues", "refunds_transition", fk):
        answers = together(
            [
                lambda: agree(number=request.number, user=cast.seller_user, now=timezone.now()),
                lambda: sweep_deadlines(timezone.now()),
            ]
        )
        moves = Transition.objects.filter(request=request, from_state=State.AWAITING_SELLER)
        assert moves.count() == 2, answers


def test_two_workers_on_one_transfer_send_it_once(cast: Cast) -> None:
    request = make_request(cast, state=State.APPROVED)
    together([lambda: paying.pay(request.number, timezone.now())] * 8)
    request.refresh_from_db()
    assert request.state == State.REFUNDED
    assert SandboxRefund.objects.get().calls == 1


def test_control_without_lock_and_stable_number_the_channel_pays_twice(
    cast: Cast, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both workers see the transfer due, neither checks again as it takes it, and each makes up a number."""
    numbers = iter(range(100))
    meet = threading.Barrier(2)
    begin = payments.begin
    careless = payments._BEGIN.replace("AND t.next_try_at <= %(now)s", "")
    assert careless != payments._BEGIN

    def begin_unstable(*args: Any) -> Any:
        meet.wait(10)
        attempt = begin(*args)
        unstable = attempt.instruction._replace(number=f"RT-{next(numbers)}")
        return attempt._replace(instruction=unstable, attempts=1)

    monkeypatch.setattr(payments, "_BEGIN", careless)
    monkeypatch.setattr(paying, "begin", begin_unstable)
    request = make_request(cast, state=State.REFUNDING)
    together([lambda: paying.pay(request.number, timezone.now())] * 2)
    assert SandboxRefund.objects.count() == 2
