"""Appeals: once a side, against a person's decision, in time, decided by another (requirement F8)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound, NotPermitted, SecondPersonNeeded
from marketplace.ledger.models import Kind
from marketplace.ledger.queries import balance
from marketplace.notices.models import Notice
from refunds.invariants import INVARIANTS, breaks
from refunds.machine import State
from refunds.models import Appeal, RefundRequest
from refunds.operations import decide_appeal, review
from refunds.operations.answer import agree
from refunds.operations.appealed import (
    AgreedYourself,
    AlreadyAppealed,
    AppealOvertaken,
    AppealWindowClosed,
    ApprovedByTheRules,
    DecidedByTheMachine,
    DecidedYourself,
    borne,
)
from refunds.operations.decide_appeal import AnotherAmountProposed, AppealDecided, MoreThanBorne
from refunds.operations.resubmit import RulingIsFinal
from refunds.operations.review import ReasonsNeeded
from refunds.permissions import BUYER
from refunds.transitions import InvalidTransition, OpenRequestExists, apply_transition
from tests.cases import file, make_request
from tests.contested import GROUNDS, buyer_appeals, refunded, rejected, seller_appeals
from tests.factories import StaffFactory, make_order
from tests.judged import approve, reject
from tests.people import Api, Cast

now = timezone.now
BIG = 300_000


def url(request: RefundRequest) -> str:
    return f"/api/v1/refund-requests/{request.number}/appeal/"


def untouched(request: RefundRequest) -> tuple[Any, ...]:
    row = RefundRequest.objects.get(pk=request.pk)
    return row.state, row.sequence, row.appeals.count(), balance(Kind.PAYABLE, row.seller.code, row.currency)


# --- The buyer's ------------------------------------------------------------------------------------------


def test_buyer_appeals_once_against_a_persons_rejection(api: Api, cast: Cast) -> None:
    request = rejected(cast)
    buyer = api.sign_in(cast.buyer)
    filed = buyer.post(url(request), GROUNDS)
    assert filed.status_code == 201
    shown = filed.json()
    assert shown["state"] == "rejected"
    assert shown["appeal"] | {"at": "", "due_at": ""} == {
        **GROUNDS, "at": "", "due_at": "", "outcome": None, "note": None, "decided_at": None,
    }  # fmt: skip
    before = untouched(request)
    again = buyer.post(url(request), GROUNDS)
    assert (again.status_code, again.json()["code"]) == (409, "already_appealed")
    assert untouched(request) == before
    assert Notice.objects.filter(topic="appeal_filed", recipient_kind="seller").count() == 1


def test_appeal_needs_its_key_and_replays_its_answer(api: Api, cast: Cast) -> None:
    request = rejected(cast)
    buyer = api.sign_in(cast.buyer)
    assert buyer.post(url(request), GROUNDS, key=None).json()["code"] == "idempotency_key_required"
    first, second = (buyer.post(url(request), GROUNDS, key="k1") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Appeal.objects.count() == 1


def test_stranger_finds_nothing_to_appeal(api: Api, cast: Cast) -> None:
    request = rejected(cast)
    assert api.sign_in(cast.stranger).post(url(request), GROUNDS).status_code == 404
    assert not Appeal.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"text": "x"}, {"clauses": [], "text": "x"}, {"clauses": ["x" * 17], "text": "x"}, {"clauses": ["B3"]},
        {"clauses": ["B3"], "text": ""}, {"clauses": ["B3"], "text": "x" * 4001}, {"clauses": "B3", "text": "x"},
        {"clauses": ["B3"] * 11, "text": "x"}, {"clauses": [" "], "text": "x"}, {**GROUNDS, "amount": 1},
        {"clauses": ["B3"], "text": "My card 4111 1111 1111 1111"},
    ],
)  # fmt: skip
def test_appeal_without_clauses_or_grounds_is_refused(api: Api, cast: Cast, body: dict[str, Any]) -> None:
    request = rejected(cast)
    before = untouched(request)
    assert api.sign_in(cast.buyer).post(url(request), body).status_code in (400, 422)
    assert untouched(request) == before


def test_machines_rejection_goes_to_a_person_instead(api: Api, cast: Cast) -> None:
    request = make_request(cast, reason="no_fault", decided=True, state=State.REJECTED)
    assert request.state == State.REJECTED
    refused = api.sign_in(cast.buyer).post(url(request), GROUNDS)
    assert (refused.status_code, refused.json()["code"]) == (409, DecidedByTheMachine.code)
    assert refused.json()["instead"] == "request-person"
    assert not Appeal.objects.exists()


def test_ruling_is_final_for_both_sides(cast: Cast) -> None:
    lost = make_request(cast, state=State.ARBITRATION)
    reject(lost, cast.supervisor)
    won = make_request(cast, state=State.ARBITRATION)
    approve(won, cast.supervisor)
    for call in (
        lambda: buyer_appeals(lost),
        lambda: seller_appeals(won, cast.seller_user),
        lambda: review.hear_appeal(number=lost.number, user=cast.supervisor, note="Again.", now=now()),
        lambda: review.escalate(number=lost.number, user=cast.supervisor, note="Again.", now=now()),
    ):
        with pytest.raises(RulingIsFinal):
            call()
    assert RefundRequest.objects.get(pk=lost.pk).state == State.REJECTED
    assert not Appeal.objects.exists()


def test_window_to_appeal_closes_after_seven_days(cast: Cast) -> None:
    late, in_time = rejected(cast), rejected(cast)
    with pytest.raises(AppealWindowClosed) as refused:
        buyer_appeals(late, now=now() + timedelta(days=7, minutes=1))
    assert "closes_at" in refused.value.extra
    assert buyer_appeals(in_time, now=now() + timedelta(days=6, hours=23)).is_waiting
    assert Appeal.objects.count() == 1


@pytest.mark.parametrize("state", [state for state in State if state != State.REJECTED])
def test_buyer_appeals_against_a_rejection_alone(cast: Cast, state: State) -> None:
    request = make_request(cast, state=state)
    with pytest.raises(InvalidTransition):
        buyer_appeals(request)
    assert not Appeal.objects.exists()


@pytest.mark.parametrize(
    ("verb", "outcome", "state"),
    [("hear_appeal", "heard", State.MANUAL_REVIEW), ("escalate", "escalated", State.ARBITRATION)],
)
def test_supervisor_hears_an_appeal_or_takes_it_to_arbitration(
    cast: Cast, verb: str, outcome: str, state: State
) -> None:
    request = rejected(cast)
    appeal = buyer_appeals(request)
    getattr(review, verb)(number=request.number, user=cast.supervisor, note="New light.", now=now())
    request.refresh_from_db()
    appeal.refresh_from_db()
    assert (request.state, appeal.outcome, appeal.decided_by) == (state, outcome, cast.supervisor)
    assert appeal.note == "New light."
    if state == State.MANUAL_REVIEW:  # once is once, whoever rejects it next
        reject(request, cast.second_reviewer)
        with pytest.raises(AlreadyAppealed):
            buyer_appeals(request, key="second")


def test_dismissed_appeal_leaves_the_rejection_and_tells_the_buyer(api: Api, cast: Cast) -> None:
    request = rejected(cast)
    appeal = buyer_appeals(request)
    decide_appeal.dismiss(number=request.number, user=cast.supervisor, note="The log is clear.", now=now())
    request.refresh_from_db()
    assert request.state == State.REJECTED
    shown = api.sign_in(cast.buyer).get(f"/api/v1/refund-requests/{request.number}/").json()["appeal"]
    assert (shown["outcome"], shown["note"]) == ("dismissed", "The log is clear.")
    assert Notice.objects.filter(topic="appeal_decided", recipient_kind="buyer").count() == 1
    with pytest.raises(AppealDecided):
        decide_appeal.dismiss(number=request.number, user=cast.supervisor, note="Again.", now=now())
    appeal.refresh_from_db()
    assert appeal.note == "The log is clear."


@pytest.mark.parametrize("who", ["reviewer", "support", "finance", "auditor", "seller_user"])
def test_supervisors_alone_decide_appeals(cast: Cast, who: str) -> None:
    request = rejected(cast)
    buyer_appeals(request)
    before = untouched(request)
    for verb in (decide_appeal.dismiss, decide_appeal.uphold, review.hear_appeal, review.escalate):
        with pytest.raises(NotPermitted):
            verb(number=request.number, user=getattr(cast, who), note="x", now=now())
    with pytest.raises(ReasonsNeeded):
        decide_appeal.dismiss(number=request.number, user=cast.supervisor, note=" ", now=now())
    assert untouched(request) == before
    assert Appeal.objects.get().is_waiting


def test_who_decided_does_not_decide_the_appeal(cast: Cast) -> None:
    request = make_request(cast, state="manual_review")
    reject(request, cast.supervisor)
    appeal = buyer_appeals(request)
    before = untouched(request)
    for verb in (decide_appeal.dismiss, review.hear_appeal, review.escalate):
        with pytest.raises(DecidedYourself):
            verb(number=request.number, user=cast.supervisor, note="As I said.", now=now())
    with pytest.raises(IntegrityError, match="who decided a case"), transaction.atomic():
        Appeal.objects.filter(pk=appeal.pk).update(
            decided_at=now(), decided_by=cast.supervisor, outcome="dismissed", note="As I said."
        )
    assert untouched(request) == before


def test_appeal_a_case_has_moved_on_from_is_dismissed_and_not_heard(cast: Cast) -> None:
    request = rejected(cast)
    appeal = buyer_appeals(request)
    request.refresh_from_db()
    with transaction.atomic():  # as by applying again, and another rejection
        apply_transition(request, "request_person", actor=BUYER, now=now())
    reject(request, cast.second_reviewer)
    before = untouched(request)
    with pytest.raises(AppealOvertaken):
        review.hear_appeal(number=request.number, user=cast.supervisor, note="x", now=now())
    assert untouched(request) == before
    decide_appeal.dismiss(number=request.number, user=cast.supervisor, note="Overtaken.", now=now())
    appeal.refresh_from_db()
    assert appeal.outcome == "dismissed"


def test_hearing_names_the_other_request_that_holds_the_goods(cast: Cast) -> None:
    request = rejected(cast)
    appeal = buyer_appeals(request)
    second = file(request.order, now=now())
    with pytest.raises(OpenRequestExists) as refused:
        review.hear_appeal(number=request.number, user=cast.supervisor, note="x", now=now())
    assert refused.value.extra == {"number": second.number}
    appeal.refresh_from_db()
    assert appeal.is_waiting


# --- The seller's -----------------------------------------------------------------------------------------


def test_seller_who_was_right_is_made_good_once(cast: Cast) -> None:
    request = refunded(cast)
    assert request.state == State.REFUNDED
    assert borne(request.pk) == 9900
    appeal = seller_appeals(request, cast.seller_user)
    decide_appeal.overturn(
        number=request.number, user=cast.supervisor, amount=9900, note="It was used.", now=now()
    )
    appeal.refresh_from_db()
    assert (appeal.outcome, appeal.amount) == ("overturned", 9900)
    assert balance(Kind.PAYABLE, cast.seller.code, "CNY") == -9900
    assert balance(Kind.COMPENSATION, "platform", "CNY") == 9900
    assert Notice.objects.filter(topic="appeal_decided", recipient_kind="seller").count() == 1
    with pytest.raises(AppealDecided):
        decide_appeal.overturn(number=request.number, user=cast.supervisor, amount=1, note="x", now=now())
    with pytest.raises(AlreadyAppealed):
        seller_appeals(request, cast.seller_user)
    assert balance(Kind.PAYABLE, cast.seller.code, "CNY") == -9900
    request.refresh_from_db()
    assert (request.state, request.approved_amount) == (State.REFUNDED, 9900)
    assert [invariant.name for invariant in INVARIANTS if breaks(invariant)] == []


def test_upheld_appeal_moves_no_money(cast: Cast) -> None:
    request = refunded(cast)
    seller_appeals(request, cast.seller_user)
    before = untouched(request)
    decide_appeal.uphold(number=request.number, user=cast.supervisor, note="The log is clear.", now=now())
    assert untouched(request) == before
    assert Appeal.objects.get().outcome == "upheld"


@pytest.mark.parametrize("amount", [0, -1, 9901])
def test_no_more_is_made_good_than_was_borne(cast: Cast, amount: int) -> None:
    request = refunded(cast)
    appeal = seller_appeals(request, cast.seller_user)
    before = untouched(request)
    with pytest.raises(MoreThanBorne):
        decide_appeal.overturn(
            number=request.number, user=cast.supervisor, amount=amount, note="x", now=now()
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        Appeal.objects.filter(pk=appeal.pk).update(
            decided_at=now(), decided_by=cast.supervisor, outcome="overturned", note="x", amount=amount
        )
    assert untouched(request) == before


def test_nothing_is_made_good_before_the_refund_is_booked(cast: Cast) -> None:
    request = make_request(cast, state="manual_review")
    approve(request, cast.reviewer)
    seller_appeals(request, cast.seller_user)
    with pytest.raises(MoreThanBorne):
        decide_appeal.overturn(number=request.number, user=cast.supervisor, amount=1, note="x", now=now())
    assert Appeal.objects.get().is_waiting


def test_above_the_limit_two_supervisors_make_it_good(cast: Cast) -> None:
    second = StaffFactory.create(role=Role.SUPERVISOR)
    request = refunded(cast, total=BIG)
    appeal = seller_appeals(request, cast.seller_user)
    say = {"number": request.number, "note": "It was used.", "now": now()}
    decide_appeal.overturn(user=cast.supervisor, amount=BIG, **say)
    assert Appeal.objects.get().is_waiting
    with pytest.raises(SecondPersonNeeded):
        decide_appeal.overturn(user=cast.supervisor, amount=BIG, **say)
    with pytest.raises(AnotherAmountProposed):
        decide_appeal.overturn(user=second, amount=BIG - 1, **say)
    with pytest.raises(IntegrityError, match="appeal_two_persons_above_limit"), transaction.atomic():
        Appeal.objects.filter(pk=appeal.pk).update(
            decided_at=now(), decided_by=cast.supervisor, outcome="overturned", note="x", amount=BIG
        )
    assert balance(Kind.PAYABLE, cast.seller.code, "CNY") == 0
    decide_appeal.overturn(user=second, amount=BIG, **say)
    assert balance(Kind.PAYABLE, cast.seller.code, "CNY") == -BIG


def test_seller_appeals_neither_against_themselves_nor_the_rules(cast: Cast) -> None:
    agreed = make_request(cast, state=State.AWAITING_SELLER)
    agree(number=agreed.number, user=cast.seller_user, now=now())
    with pytest.raises(AgreedYourself):
        seller_appeals(agreed, cast.seller_user)
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900, terms={"no_reason_days": 7}
    )
    ruled = make_request(cast, order=order, reason="no_fault", decided=True, state=State.APPROVED)
    assert ruled.state == State.APPROVED
    with pytest.raises(ApprovedByTheRules):
        seller_appeals(ruled, cast.seller_user)
    assert not Appeal.objects.exists()


def test_another_seller_finds_nothing_to_appeal(cast: Cast) -> None:
    request = refunded(cast)
    with pytest.raises(NotFound):
        seller_appeals(request, cast.other_seller_user)
    assert not Appeal.objects.exists()
