"""Refund, chargeback and complaint: whichever two of them want one payment, it is promised once and paid once.

A pair is tried one after the other, in both orders, and at the same time; the controls take locks and constraint away.
"""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from marketplace.kernel.errors import Refusal
from marketplace.ledger.operations import ensure_accounts
from marketplace.payments.models import Capture, Claim, SandboxRefund, Transfer
from marketplace.risk.models import Dispute, Signal
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations import approve as approving
from refunds.operations import dispute as disputing
from refunds.operations import disputed
from refunds.operations import file as filing
from refunds.operations import pay as paying
from refunds.operations.answer import agree
from refunds.operations.decide import precheck
from refunds.operations.review import approve_request
from tests.cases import bring, file, make_request, work
from tests.people import Cast

from .disputes import broken, close, dispute, order, settle_all
from .test_races import locks_off, together, without

__all__ = ["locks_off"]

pytestmark = pytest.mark.django_db(transaction=True)

WHOLE = 4950
TWO_PERSON_LIMIT = 100_000  # minor units; an agreement above it goes to a member of staff
KINDS = ("refund", "chargeback", "complaint")
PAIRS = [(first, second) for first in KINDS for second in KINDS]
# Who holds the payment in the end, where each of the two wants all of it and the second comes after the first.
HOLDER = {
    ("refund", "refund"): "refund",
    ("refund", "chargeback"): "chargeback",  # nothing was sent yet: called off
    ("refund", "complaint"): "refund",  # it is what the complaint asks for
    ("chargeback", "refund"): "chargeback",
    ("chargeback", "chargeback"): "chargeback",
    ("chargeback", "complaint"): "chargeback",
    ("complaint", "refund"): "refund",  # the reviewer's decision settles the complaint
    ("complaint", "chargeback"): "chargeback",
    ("complaint", "complaint"): "complaint",
}
AMOUNTS = [(WHOLE, WHOLE), (3000, 3000), (2000, 2950), (1, WHOLE), (WHOLE, 1)]


def promises(cast: Cast, pair: tuple[str, str], amounts: tuple[int, int]) -> list[Callable[[], Any]]:
    """Two units were sold and one of them paid for; each party of the pair wants so much of the one payment."""
    placed = order(cast, total=2 * WHOLE, quantity=2, captures=[WHOLE])
    capture = Capture.objects.get()
    calls = []
    for turn, (kind, amount) in enumerate(zip(pair, amounts, strict=True)):
        if kind == "refund":
            request = bring(file(placed, units=(str(turn + 1),)), State.MANUAL_REVIEW, cast)
            calls.append(_approval(request, [cast.reviewer, cast.second_reviewer][turn], amount))
        else:
            calls.append(lambda kind=kind, amount=amount: dispute(capture, kind, amount))
    return calls


def _approval(request: RefundRequest, user: Any, amount: int) -> Callable[[], Any]:
    return lambda: approve_request(
        number=request.number, user=user, amount=amount, note="Agreed.", fault="none", now=timezone.now()
    )


def one_after_the_other(calls: list[Callable[[], Any]]) -> list[Any]:
    answers = []
    for call in calls:
        try:
            answers.append(call())
        except Refusal as refusal:
            answers.append(refusal)
    return answers


def holders() -> set[str]:
    return set(Claim.objects.filter(released_at=None).values_list("kind", flat=True))


def nothing_is_paid_twice() -> None:
    """Now, and when all has run its course: refunds are paid, and disputes decided for the buyer."""
    assert broken() == []
    assert Capture.objects.get().claimed <= WHOLE
    work()
    assert broken() == []
    for row in Dispute.objects.filter(state="open").order_by("id"):
        close(row, "lost")
    assert broken() == []
    refunded = sum(SandboxRefund.objects.values_list("amount", flat=True))
    charged_back = sum(row.amount - row.contested for row in Dispute.objects.filter(kind="chargeback"))
    assert refunded + charged_back <= WHOLE
    # Nothing had been sent when the chargeback came in, so none of it can have been paid back already.
    if Dispute.objects.filter(kind="chargeback").count() == 1:
        assert all(row.contested == 0 for row in Dispute.objects.filter(kind="chargeback"))


@pytest.mark.django_db(transaction=False)  # nothing runs beside it
@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("amounts", AMOUNTS)
@pytest.mark.parametrize("pair", PAIRS)
def test_one_after_the_other(
    cast: Cast, pair: tuple[str, str], amounts: tuple[int, int], settled: bool
) -> None:
    calls = promises(cast, pair, amounts)
    if settled:
        settle_all()
    one_after_the_other(calls)
    if amounts == (WHOLE, WHOLE):
        assert holders() == {HOLDER[pair]}
    elif sum(amounts) <= WHOLE and pair != ("refund", "chargeback"):
        assert Capture.objects.get().claimed == sum(amounts)
    nothing_is_paid_twice()


@pytest.mark.parametrize("_round", range(3))
@pytest.mark.parametrize("amounts", AMOUNTS[:2])
@pytest.mark.parametrize("pair", [(a, b) for a, b in PAIRS if KINDS.index(a) <= KINDS.index(b)])
def test_at_the_same_time(cast: Cast, pair: tuple[str, str], amounts: tuple[int, int], _round: int) -> None:
    answers = together(promises(cast, pair, amounts))
    assert all(isinstance(answer, Refusal | RefundRequest | Dispute) for answer in answers), answers
    if amounts == (WHOLE, WHOLE):
        assert holders() in ({HOLDER[pair]}, {HOLDER[pair[::-1]]})
    nothing_is_paid_twice()


def test_three_at_the_same_time_and_the_payer_at_work(cast: Cast) -> None:
    calls = promises(cast, ("refund", "chargeback"), (WHOLE, WHOLE))
    capture, request = Capture.objects.get(), RefundRequest.objects.get()
    calls += [lambda: dispute(capture, "complaint")]
    calls += [lambda: paying.pay(request.number, timezone.now())] * 3
    together(calls)
    assert broken() == []
    work()
    for row in Dispute.objects.order_by("id"):
        close(row, "lost")
    assert broken() == []
    # The refund may have left before the chargeback came in, which then is contested, and never both without that.
    refunded = sum(SandboxRefund.objects.values_list("amount", flat=True))
    assert (
        refunded + sum(row.amount - row.contested for row in Dispute.objects.filter(kind="chargeback"))
        <= WHOLE
    )


# --- Controls ---


@pytest.fixture
def meeting(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have seen that the money is there; neither has claimed it."""
    ensure_accounts({("disputed", "stripe", "CNY")})  # else the second waits for the first to make it
    meet = threading.Barrier(2)
    allocate = disputed.allocate

    def allocate_together(*args: Any) -> Any:
        parts = allocate(*args)
        meet.wait(10)
        return parts

    monkeypatch.setattr(disputed, "allocate", allocate_together)
    monkeypatch.setattr(approving, "allocate", allocate_together)


UNLIKE = [
    ("refund", "chargeback"),
    ("refund", "complaint"),
    ("chargeback", "complaint"),
    ("chargeback", "chargeback"),
]


@pytest.mark.parametrize("pair", UNLIKE)
def test_without_locks_the_check_alone_still_refuses(
    cast: Cast, locks_off: None, meeting: None, pair: tuple[str, str]
) -> None:
    answers = together(promises(cast, pair, (WHOLE, WHOLE)))
    assert sum(isinstance(answer, IntegrityError) for answer in answers) == 1, answers
    assert Capture.objects.get().claimed == WHOLE


@pytest.mark.parametrize("pair", UNLIKE)
def test_control_without_locks_and_check_both_are_promised(
    cast: Cast, locks_off: None, meeting: None, pair: tuple[str, str]
) -> None:
    check = "CHECK (claimed >= 0 AND claimed <= amount)"
    escrow = (
        "CHECK (claimed_settled >= 0 AND claimed_settled <= settled"
        " AND settled <= amount - claimed + claimed_settled)"
    )
    with (
        without("claims_within_capture", "payments_capture", check),
        without("escrow_pays_once", "payments_capture", escrow),
    ):
        answers = together(promises(cast, pair, (WHOLE, WHOLE)))
        assert Capture.objects.get().claimed == 2 * WHOLE, answers


# --- News of one dispute, at the same time ---


def test_dispute_heard_many_times_at_once_is_opened_and_closed_once(cast: Cast) -> None:
    order(cast)
    answers = together([lambda: dispute(no="du_same")] * 8)
    assert {answer.number for answer in answers} == {Dispute.objects.get().number}
    together(
        [lambda: close(Dispute.objects.get(), "lost")] * 4 + [lambda: close(Dispute.objects.get(), "won")] * 4
    )
    assert broken() == []
    assert Signal.objects.count() == 1


def test_control_without_the_lock_one_dispute_is_opened_more_than_once(cast: Cast, locks_off: None) -> None:
    order(cast)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE risk_dispute DROP CONSTRAINT dispute_once")
    try:
        together([lambda: dispute(amount=1, no="du_same")] * 8)
        assert Dispute.objects.count() > 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE risk_dispute")
            cursor.execute(
                "ALTER TABLE risk_dispute ADD CONSTRAINT dispute_once UNIQUE (channel, channel_dispute_no)"
            )


# --- The buyer's other orders ---


@pytest.mark.parametrize("agreed", [2 * WHOLE, 3 * TWO_PERSON_LIMIT])
def test_chargebacks_on_many_orders_of_one_buyer_and_work_on_all_of_them_do_not_lock_each_other_up(
    cast: Cast, agreed: int
) -> None:
    """Each chargeback locks what the buyer has open on every order, while sellers agree and transfers go out."""
    requests = [make_request(cast, state=State.APPROVED, order=order(cast)) for _n in range(4)]
    waiting = [
        make_request(cast, state=State.AWAITING_SELLER, order=order(cast, total=agreed)) for _n in range(4)
    ]
    captures = list(Capture.objects.order_by("-id"))
    now = timezone.now()
    calls: list[Callable[[], Any]] = [lambda c=capture: dispute(c) for capture in captures]
    calls += [lambda r=request: paying.pay(r.number, now) for request in requests]
    calls += [lambda r=row: agree(number=r.number, user=cast.seller_user, now=now) for row in waiting]
    answers = together(calls)
    wrong = [a for a in answers if isinstance(a, Exception) and not isinstance(a, Refusal)]
    assert wrong == []
    assert broken() == []
    assert not RefundRequest.objects.filter(state__in=[State.APPROVED, State.AWAITING_SELLER]).exists()
    for capture in Capture.objects.all():
        sent = Transfer.objects.filter(claim__capture=capture, sent_at__isnull=False).exists()
        assert capture.disputes.get().contested == (capture.amount if sent else 0)


def _file_while_a_chargeback_comes_in(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> RefundRequest:
    """The new request is written and not committed when the chargeback reads what its buyer has open; it is
    committed and checked before the chargeback is."""
    small = order(cast, total=4900)
    order(cast)
    disputed_capture = Capture.objects.order_by("id").last()
    written, read, checked = threading.Event(), threading.Event(), threading.Event()
    insert, lock = filing._insert, disputing.lock_buyers_requests

    def insert_and_wait(*args: Any) -> None:
        insert(*args)
        written.set()
        read.wait(10)

    def lock_and_wait(placed: Any) -> Any:
        requests = lock(placed)
        read.set()
        checked.wait(1)
        return requests

    monkeypatch.setattr(filing, "_insert", insert_and_wait)
    monkeypatch.setattr(disputing, "lock_buyers_requests", lock_and_wait)

    def file_and_check() -> None:
        request = file(small, reason="not_activated")
        precheck(request.pk, timezone.now())
        checked.set()

    def charge_back() -> None:
        written.wait(10)
        dispute(disputed_capture)

    assert together([file_and_check, charge_back]) == [None, None]
    return RefundRequest.objects.get()


def test_request_filed_while_a_chargeback_comes_in_is_not_approved_by_the_machine(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _file_while_a_chargeback_comes_in(cast, monkeypatch).state == State.MANUAL_REVIEW


def test_control_without_the_lock_on_the_buyer_it_is(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, locks_off: None
) -> None:
    assert _file_while_a_chargeback_comes_in(cast, monkeypatch).state == State.APPROVED


@pytest.mark.parametrize("_round", range(5))
def test_machine_checks_a_request_while_a_chargeback_comes_in(cast: Cast, _round: int) -> None:
    request = file(order(cast, total=4900), reason="not_activated")
    together([lambda: precheck(request.pk, timezone.now()), dispute])
    precheck(request.pk, timezone.now())  # where the chargeback had the lock, the sweep comes back to it
    request.refresh_from_db()
    assert request.state == State.MANUAL_REVIEW
    assert broken() == []
