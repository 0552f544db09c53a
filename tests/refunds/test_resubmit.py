"""Applying again after a rejection: with new evidence, in time, and never past a person's no (requirement C6)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.kernel.models import OutboxJob
from refunds.machine import State
from refunds.models import RefundRequest
from tests.cases import bring, file, make_request, work
from tests.evidence import give, problem_of, send, state_of
from tests.factories import days, hours, make_order
from tests.people import Api, Cast
from tests.refunds.hostile.parts import png

pytestmark = pytest.mark.usefixtures("evidence_folder")


@pytest.fixture
def buyer(api: Api, cast: Cast) -> Api:
    return api.sign_in(cast.buyer)


@pytest.fixture
def rejected(cast: Cast) -> RefundRequest:
    return _reject(make_request(cast, state=State.MANUAL_REVIEW, decided=True), cast)


def _reject(case: RefundRequest, cast: Cast) -> RefundRequest:
    review_reject(case, cast)
    case.refresh_from_db()
    assert case.state == State.REJECTED
    return case


def review_reject(case: RefundRequest, cast: Cast) -> None:
    bring(case, State.REJECTED, cast)


def apply_again(buyer: Api, case: RefundRequest, **extra: Any) -> Any:
    return buyer.post(f"/api/v1/refund-requests/{case.number}/resubmit/", {}, **extra)


def test_new_evidence_takes_a_rejected_request_back_to_the_check(buyer: Api, rejected: RefundRequest) -> None:
    assert send(buyer, rejected).json()["state"] == State.REJECTED
    response = apply_again(buyer, rejected)
    assert (response.status_code, response.json()["state"]) == (200, State.SUBMITTED)
    assert OutboxJob.objects.get(task="refunds.precheck").args == [rejected.pk]
    last = rejected.transitions.latest("sequence")
    assert (last.event, last.actor) == ("reapply", "buyer")
    work()
    rejected.refresh_from_db()
    assert rejected.state not in (State.SUBMITTED, State.REJECTED)
    facts = rejected.decisions.latest("id").facts
    assert facts["evidence"] == ["error_screen"]


def test_without_new_evidence_it_is_refused(buyer: Api, cast: Cast) -> None:
    case = make_request(cast, state=State.MANUAL_REVIEW, decided=True)
    send(buyer, case)
    _reject(case, cast)
    before = state_of(case)
    assert problem_of(apply_again(buyer, case)) == (422, "no_new_evidence")
    send(buyer, case, kind="other")  # the same file under another kind is not new
    assert problem_of(apply_again(buyer, case)) == (422, "no_new_evidence")
    give(case, cast.reviewer, png(5), side="seller")  # nor is the other side's
    assert problem_of(apply_again(buyer, case)) == (422, "no_new_evidence")
    assert state_of(case)[:2] == before[:2]


def test_after_the_window_it_is_refused(buyer: Api, cast: Cast) -> None:
    filed = timezone.now() - days(20)
    order = make_order(
        shop=cast.shop,
        buyer=cast.buyer,
        seller=cast.seller,
        total=9900,
        paid=hours(-3),
        completed=hours(-3),
        events=[("delivered", hours(-3))],
        now=filed,
    )
    case = file(order, now=filed)
    bring(case, State.REJECTED, cast, now=filed)
    send(buyer, case)
    before = state_of(case)
    response = apply_again(buyer, case)
    assert problem_of(response) == (422, "window_closed")
    assert response.json()["closes_at"]
    assert state_of(case) == before


def test_ruling_is_final(buyer: Api, cast: Cast) -> None:
    case = make_request(cast, state=State.ARBITRATION, decided=True)
    from django.db import transaction

    from refunds.permissions import staff
    from refunds.transitions import apply_transition

    with transaction.atomic():
        apply_transition(case, "rule_for_seller", actor=staff(cast.supervisor), now=timezone.now())
    send(buyer, case)
    before = state_of(case)
    assert problem_of(apply_again(buyer, case)) == (409, "ruling_is_final")
    assert state_of(case) == before


def test_only_a_rejected_request_can_be_applied_for_again(buyer: Api, cast: Cast) -> None:
    case = make_request(cast, state=State.MANUAL_REVIEW)
    send(buyer, case)
    response = apply_again(buyer, case)
    assert problem_of(response) == (409, "invalid_transition")
    assert response.json()["from"] == State.MANUAL_REVIEW


def test_units_held_by_another_request_are_not_taken_from_it(
    buyer: Api, cast: Cast, rejected: RefundRequest
) -> None:
    send(buyer, rejected)
    other = file(rejected.order)
    before = state_of(rejected)
    response = apply_again(buyer, rejected)
    assert problem_of(response) == (409, "open_request_exists")
    assert response.json()["number"] == other.number
    assert state_of(rejected) == before


def test_strangers_cannot_apply_and_one_key_applies_once(
    api: Api, cast: Cast, buyer: Api, rejected: RefundRequest
) -> None:
    send(buyer, rejected)
    assert problem_of(apply_again(api.sign_in(cast.stranger), rejected)) == (404, "not_found")
    first, again = apply_again(buyer, rejected, key="one"), apply_again(buyer, rejected, key="one")
    assert again.json() == first.json()
    assert rejected.transitions.filter(event="reapply").count() == 1


def test_what_a_person_refused_no_machine_approves(buyer: Api, cast: Cast) -> None:
    """The books pay this one by themselves; a person has said no, so a person hears it again."""
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=4900, events=[("delivered", hours(-3))]
    )
    case = file(order, reason="not_activated")
    from django.db import transaction

    from refunds.permissions import SYSTEM, staff
    from refunds.transitions import apply_transition

    with transaction.atomic():
        apply_transition(case, "precheck", "policy_review", actor=SYSTEM, now=timezone.now())
        apply_transition(case, "reject", actor=staff(cast.reviewer), now=timezone.now(), clause="B2")
    send(buyer, case)
    apply_again(buyer, case)
    work()
    case.refresh_from_db()
    assert case.decisions.latest("id").outcome == "approve"
    assert case.state == State.MANUAL_REVIEW


def test_evidence_older_than_the_rejection_by_a_moment_is_not_new(buyer: Api, cast: Cast) -> None:
    case = make_request(cast, state=State.MANUAL_REVIEW, decided=True)
    give(case, cast.support, now=timezone.now() - timedelta(seconds=1))
    _reject(case, cast)
    assert problem_of(apply_again(buyer, case)) == (422, "no_new_evidence")
