"""People's moves: the seller's answer, the reviewer's decision, two persons above the limit, words in the case."""

from typing import Any

import pytest
from django.utils import timezone

from marketplace.kernel.errors import NotFound, NotPermitted, Refusal
from marketplace.payments.models import Claim, Transfer
from refunds.machine import State
from refunds.models import Message, Proposal, RefundRequest
from refunds.operations import answer, review, say
from refunds.operations.approve import AmountOutOfRange
from refunds.operations.ask_evidence import ask_evidence
from refunds.transitions import InvalidTransition
from tests.cases import make_request, work
from tests.factories import hours
from tests.people import Api, Cast

BIG = 300_000


def now() -> Any:
    return timezone.now()


def refused(error: type[Refusal], request: RefundRequest, call: Any) -> None:
    """The call is refused by name, and the request stays as it was."""
    before = (request.state, request.sequence)
    with pytest.raises(error):
        call()
    request.refresh_from_db()
    assert (request.state, request.sequence) == before
    assert not Claim.objects.exists()


def test_seller_agrees_and_the_money_goes_back(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    answer.agree(number=request.number, user=cast.seller_user, now=now())
    work()
    request.refresh_from_db()
    assert (request.state, request.approved_amount) == (State.REFUNDED, request.amount)
    assert request.items.get().approved_amount == request.amount


def test_seller_agrees_above_the_limit_and_staff_confirms(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER, total=BIG)
    answer.agree(number=request.number, user=cast.seller_user, now=now())
    request.refresh_from_db()
    assert request.state == State.MANUAL_REVIEW
    assert not Claim.objects.exists()
    review.approve_request(
        number=request.number, user=cast.reviewer, amount=None, note="Checked.", fault="none", now=now()
    )
    request.refresh_from_db()
    assert request.state == State.APPROVED
    assert (request.maker_id, request.checker_id) == (cast.seller_user.pk, cast.reviewer.pk)


def test_seller_refuses_with_a_ground(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    for ground, note in (("because", "x"), ("other", " "), ("", "")):
        refused(
            answer.GroundNeeded,
            request,
            lambda g=ground, n=note: answer.refuse(
                number=request.number, user=cast.seller_user, ground=g, note=n, now=now()
            ),
        )
    answer.refuse(
        number=request.number, user=cast.seller_user, ground="already_used", note="Redeemed.", now=now()
    )
    request.refresh_from_db()
    assert (request.state, request.due_kind) == (State.MANUAL_REVIEW, "review")


@pytest.mark.parametrize("who", ["other_seller_user", "reviewer", "supervisor", "support"])
def test_nobody_else_answers_for_the_seller(cast: Cast, who: str) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    user = getattr(cast, who)
    refused(NotFound, request, lambda: answer.agree(number=request.number, user=user, now=now()))


@pytest.mark.parametrize("who", ["seller_user", "finance", "auditor", "support"])
@pytest.mark.parametrize("verb", ["approve_request", "reject", "ask_evidence", "refer"])
def test_only_judges_decide(cast: Cast, who: str, verb: str) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    extra = {
        "approve_request": {"amount": None, "fault": "none"},
        "reject": {"clause": "B3", "fault": "buyer"},
    }.get(verb, {})
    call = ask_evidence if verb == "ask_evidence" else getattr(review, verb)
    refused(
        NotPermitted,
        request,
        lambda: call(number=request.number, user=getattr(cast, who), note="x", now=now(), **extra),
    )


def test_partial_approval_pays_the_part_exactly(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, quantity=3, total=10_000)
    review.approve_request(
        number=request.number, user=cast.reviewer, amount=3_334, note="Two work.", fault="seller", now=now()
    )
    work()
    request.refresh_from_db()
    assert (request.state, request.approved_amount) == (State.REFUNDED, 3_334)
    assert sum(item.approved_amount for item in request.items.all()) == 3_334
    assert Claim.objects.get().amount == 3_334


@pytest.mark.parametrize("amount", [0, -1, 9_901])
def test_amount_outside_of_what_was_asked_is_refused(cast: Cast, amount: int) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    refused(
        AmountOutOfRange,
        request,
        lambda: review.approve_request(
            number=request.number, user=cast.reviewer, amount=amount, note="x", fault="none", now=now()
        ),
    )


def test_two_persons_approve_above_the_limit(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, total=BIG)

    def approve(user: Any, amount: int | None = None) -> RefundRequest:
        return review.approve_request(
            number=request.number, user=user, amount=amount, note="Theft.", fault="none", now=now()
        )

    assert approve(cast.reviewer).state == State.MANUAL_REVIEW
    refused(review.SecondPersonNeeded, request, lambda: approve(cast.reviewer))
    refused(AmountOutOfRange, request, lambda: approve(cast.second_reviewer, BIG - 1))
    assert approve(cast.second_reviewer).state == State.APPROVED
    request.refresh_from_db()
    assert (request.maker_id, request.checker_id) == (cast.reviewer.pk, cast.second_reviewer.pk)


def test_exactly_the_limit_needs_one_person(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, total=200_000)
    review.approve_request(
        number=request.number, user=cast.reviewer, amount=None, note="x", fault="none", now=now()
    )
    assert RefundRequest.objects.get().state == State.APPROVED


def test_a_move_voids_the_standing_proposal(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, total=BIG)
    review.approve_request(
        number=request.number, user=cast.reviewer, amount=None, note="x", fault="none", now=now()
    )
    ask_evidence(number=request.number, user=cast.reviewer, note="The screenshot.", now=now())
    review.resume(number=request.number, user=cast.reviewer, note="No answer needed.", now=now())
    review.approve_request(
        number=request.number, user=cast.second_reviewer, amount=None, note="x", fault="none", now=now()
    )
    assert RefundRequest.objects.get().state == State.MANUAL_REVIEW
    assert Proposal.objects.count() == 2


def test_reasons_and_clause_are_needed(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    number, user = request.number, cast.reviewer
    refused(
        review.ReasonsNeeded, request,
        lambda: review.approve_request(
            number=number, user=user, amount=None, note=" ", fault="none", now=now()
        ),
    )  # fmt: skip
    refused(
        review.ClauseNeeded,
        request,
        lambda: review.reject(number=number, user=user, clause="", note="x", fault="buyer", now=now()),
    )


def test_moves_out_of_turn_name_what_is_allowed(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    with pytest.raises(InvalidTransition) as error:
        review.reject(
            number=request.number, user=cast.reviewer, clause="B3", note="x", fault="buyer", now=now()
        )
    assert error.value.extra == {"from": "awaiting_seller", "to": "rejected", "allowed": ["manual_review"]}


def test_buyers_word_answers_the_question_asked(api: Api, cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_EVIDENCE)
    buyer = api.sign_in(cast.buyer)
    said = buyer.post(f"/api/v1/refund-requests/{request.number}/messages/", {"text": "Here is the number."})
    assert said.status_code == 201
    assert said.json()["state"] == State.MANUAL_REVIEW
    assert [message["text"] for message in said.json()["messages"]] == ["Here is the number."]


def test_internal_notes_stay_with_staff(api: Api, cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    say.say_as_staff(
        number=request.number, user=cast.reviewer, text="Looks forged.", now=now(), is_internal=True
    )
    say.say_as_staff(number=request.number, user=cast.reviewer, text="We are on it.", now=now())
    say.say_as_seller(number=request.number, user=cast.seller_user, text="Delivered.", now=now())
    seen = api.sign_in(cast.buyer).get(f"/api/v1/refund-requests/{request.number}/").json()
    assert [message["text"] for message in seen["messages"]] == ["We are on it.", "Delivered."]
    assert "forged" not in str(seen)


@pytest.mark.parametrize("text", ["", " \n", "x" * 4001])
def test_empty_or_endless_messages_are_refused(cast: Cast, text: str) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    with pytest.raises(say.NothingSaid):
        say.say_as_staff(number=request.number, user=cast.reviewer, text=text, now=now())
    assert not Message.objects.exists()


def test_card_number_is_kept_out_of_the_case(api: Api, cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    said = api.sign_in(cast.buyer).post(
        f"/api/v1/refund-requests/{request.number}/messages/", {"text": "card 4111 1111 1111 1111 please"}
    )
    assert (said.status_code, said.json()["code"]) == (422, "card_number")
    with pytest.raises(say.CardNumber):
        say.say_as_seller(number=request.number, user=cast.seller_user, text="4111-1111-1111-1111", now=now())
    assert not Message.objects.exists()


def test_withdrawing_frees_the_unit(api: Api, cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER, events=[("delivered", hours(-3))])
    buyer = api.sign_in(cast.buyer)
    gone = buyer.post(f"/api/v1/refund-requests/{request.number}/withdraw/", {"note": "Works now."})
    assert (gone.status_code, gone.json()["state"]) == (200, "withdrawn")
    again = buyer.post(f"/api/v1/refund-requests/{request.number}/withdraw/")
    assert (again.status_code, again.json()["code"]) == (409, "invalid_transition")
    refiled = buyer.post("/api/v1/refund-requests/", {"order": request.order.no, "reason": "invalid_code"})
    assert refiled.status_code == 201
    assert not Transfer.objects.exists()


def test_supervisor_rules_in_arbitration_and_reviewers_do_not(cast: Cast) -> None:
    request = make_request(cast, state=State.ARBITRATION)
    ruling = {"number": request.number, "note": "The log is clear.", "fault": "platform", "now": now()}
    refused(NotPermitted, request, lambda: review.approve_request(user=cast.reviewer, amount=None, **ruling))
    refused(NotPermitted, request, lambda: review.reject(user=cast.reviewer, clause="B3", **ruling))
    review.approve_request(user=cast.supervisor, amount=4000, **ruling)
    work()
    request.refresh_from_db()
    assert (request.state, request.approved_amount) == (State.REFUNDED, 4000)


def test_supervisor_takes_a_rejection_up_again_or_to_arbitration(cast: Cast) -> None:
    for verb, state in ((review.hear_appeal, State.MANUAL_REVIEW), (review.escalate, State.ARBITRATION)):
        request = make_request(cast, state=State.REJECTED)
        refused(
            NotPermitted,
            request,
            lambda verb=verb, r=request: verb(number=r.number, user=cast.reviewer, note="x", now=now()),
        )
        verb(number=request.number, user=cast.supervisor, note="New facts.", now=now())
        request.refresh_from_db()
        assert request.state == state
        assert request.due_at is not None


def test_buyer_asks_for_a_person_instead_of_the_machine_once(api: Api, cast: Cast) -> None:
    request = make_request(
        cast, state=State.REJECTED, completed=hours(-24 * 20), paid=hours(-24 * 20), decided=True
    )
    assert request.state == State.REJECTED
    buyer = api.sign_in(cast.buyer)
    path = f"/api/v1/refund-requests/{request.number}/request-person/"
    assert buyer.post(path).json()["state"] == State.MANUAL_REVIEW
    review.reject(
        number=request.number, user=cast.reviewer, clause="B6", note="Late.", fault="buyer", now=now()
    )
    again = buyer.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "decided_by_a_person")
