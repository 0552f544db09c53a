"""Who is at fault, said with each decision of a person (F5): required, kept, shown, and what it forces."""

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from refunds.faults import Fault
from refunds.invariants import INVARIANTS, breaks
from refunds.machine import State
from refunds.models import Judgement, RefundRequest
from refunds.operations import answer, judging, review
from tests.cases import make_request
from tests.judged import approve, reject
from tests.people import Api, Cast

BIG = 300_000


def refused(error: type[Exception], request: RefundRequest, call: Any) -> None:
    before = (request.state, request.sequence)
    with pytest.raises(error):
        call()
    request.refresh_from_db()
    assert (request.state, request.sequence) == before
    assert not request.judgements.exists()
    assert not request.proposals.exists()


@pytest.mark.parametrize("fault", ["", "nobody", "SELLER", " seller"])
@pytest.mark.parametrize("decide", [approve, reject])
def test_a_decision_without_a_fault_of_the_list_is_refused(decide: Any, fault: str, cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    refused(judging.FaultNeeded, request, lambda: decide(request, cast.reviewer, fault=fault))


@pytest.mark.parametrize("fault", Fault.values)
@pytest.mark.parametrize("state", [State.MANUAL_REVIEW, State.ARBITRATION])
def test_judgement_is_kept_with_the_move_it_was_made_by(state: str, fault: str, cast: Cast) -> None:
    request = make_request(cast, state=state)
    approve(request, cast.supervisor, fault=fault, amount=4000, clause="B1", note=" Two work. ")
    request.refresh_from_db()
    judgement = Judgement.objects.get()
    move = request.transitions.get(sequence=request.sequence)
    assert (judgement.request, judgement.sequence, judgement.at) == (request, move.sequence, move.at)
    assert (judgement.by, judgement.outcome, judgement.amount) == (cast.supervisor, "part", 4000)
    assert (judgement.fault, judgement.clause, judgement.note) == (fault, "B1", "Two work.")
    assert judgement.deviation == ""


def test_outcome_follows_the_amount(cast: Cast) -> None:
    whole, part, none = (make_request(cast, state=State.MANUAL_REVIEW) for _ in range(3))
    approve(whole, cast.reviewer)
    approve(part, cast.reviewer, amount=1)
    reject(none, cast.reviewer)
    found = Judgement.objects.order_by("id").values_list("outcome", "amount")
    assert list(found) == [("approve", 9900), ("part", 1), ("reject", 0)]


def test_sellers_fault_forces_the_refund_without_their_answer(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    assert not request.transitions.filter(event__in=["agree", "refuse"]).exists()
    refused(judging.RefundForced, request, lambda: reject(request, cast.reviewer, fault="seller"))
    approve(request, cast.reviewer, fault="seller")
    assert RefundRequest.objects.get().state == State.APPROVED


def test_second_person_attributes_fault_and_the_first_ones_stays_with_the_proposal(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, total=BIG)
    approve(request, cast.reviewer, fault="provider")
    assert request.proposals.get().fault == "provider"
    assert not Judgement.objects.exists()
    approve(request, cast.second_reviewer, fault="platform")
    judgement = Judgement.objects.get()
    assert (judgement.fault, judgement.by) == ("platform", cast.second_reviewer)


def test_a_seller_who_agrees_attributes_nothing_and_who_confirms_does(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER, total=BIG)
    answer.agree(number=request.number, user=cast.seller_user, now=timezone.now())
    assert request.proposals.get().fault == ""
    approve(request, cast.reviewer, fault="seller")
    assert Judgement.objects.get().fault == "seller"


def test_a_case_decided_again_keeps_both_judgements(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    reject(request, cast.reviewer)
    review.hear_appeal(number=request.number, user=cast.supervisor, note="New facts.", now=timezone.now())
    approve(request, cast.supervisor, fault="provider")
    assert [each.outcome for each in request.judgements.order_by("sequence")] == ["reject", "approve"]


def test_buyer_and_seller_read_whose_fault_it_was(api: Api, cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    buyer, path = api.sign_in(cast.buyer), f"/api/v1/refund-requests/{request.number}/"
    assert buyer.get(path).json()["judgement"] is None
    approve(request, cast.reviewer, fault="seller", amount=4000, note="Half was used.", deviation="Internal.")
    seen = buyer.get(path).json()["judgement"]
    assert seen.pop("at")
    assert seen == {
        "outcome": "part",
        "amount": {"amount": 4000, "currency": "CNY"},
        "fault": "seller",
        "fault_shares": None,
        "clause": "",
        "note": "Half was used.",
    }
    assert "Internal." not in buyer.get(path).content.decode()
    assert api.sign_in(cast.stranger).get(path).status_code == 404


# --- What the database holds by itself -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "law"),
    [
        ({"fault": "moon"}, "judgement_names_a_fault"),
        ({"amount": 0}, "judgement_amount_by_outcome"),
        ({"outcome": "reject"}, "judgement_amount_by_outcome"),
        ({"outcome": "reject", "amount": 0, "fault": "seller"}, "judgement_amount_by_outcome"),
        ({"sequence": 99}, "judgement_of_a_transition"),
    ],
)
def test_database_refuses_a_judgement_that_cannot_be(fields: dict[str, Any], law: str, cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    row = {
        "request": request, "sequence": request.sequence, "by": cast.reviewer, "outcome": "approve", "amount": 1,
        "fault": "none", "note": "x", "at": timezone.now(), **fields,
    }  # fmt: skip
    with pytest.raises(IntegrityError, match=law), transaction.atomic():
        Judgement.objects.create(**row)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_decision_around_the_judgement_is_found(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    request = approve(request, cast.reviewer)
    law = next(each for each in INVARIANTS if each.name == "decisions_name_a_fault")
    assert breaks(law) == []
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match="history"), transaction.atomic():
            cursor.execute("DELETE FROM refunds_judgement")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM refunds_judgement")
        cursor.execute("SET session_replication_role = origin")
    assert breaks(law) == [(request.number, request.sequence)]
