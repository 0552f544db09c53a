"""Evidence asked of one side (requirement F5): the side that was asked answers, and the other does not."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.notices.models import Notice
from refunds.machine import State
from refunds.models import EvidenceDemand, RefundRequest
from refunds.operations.ask_evidence import CannotBeAsked, TimeOutOfRange, ask_evidence
from refunds.operations.asked import asked_party
from refunds.operations.give_evidence import UnknownKind
from refunds.operations.say import say_as_seller
from tests.cases import make_request, work
from tests.people import Api, Cast

now = timezone.now


def asking(cast: Cast, **asked: Any) -> RefundRequest:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    return ask_evidence(
        **{
            "number": request.number,
            "user": cast.reviewer,
            "note": "The delivery log.",
            "now": now(),
            **asked,
        }
    )


def say(api: Api, cast: Cast, request: RefundRequest) -> Any:
    return (
        api.sign_in(cast.buyer)
        .post(f"/api/v1/refund-requests/{request.number}/messages/", {"text": "Here."})
        .json()
    )


def test_sellers_word_answers_what_the_seller_was_asked(api: Api, cast: Cast) -> None:
    request = asking(cast, of="seller", kinds=["provider_statement"])
    demand = EvidenceDemand.objects.get()
    assert (demand.of, demand.kinds, demand.sequence) == ("seller", ["provider_statement"], request.sequence)
    said = say(api, cast, request)
    assert (said["state"], said["evidence_asked"]) == ("awaiting_evidence", None)
    say_as_seller(number=request.number, user=cast.seller_user, text="Delivered at noon.", now=now())
    request.refresh_from_db()
    assert request.state == State.MANUAL_REVIEW
    last = request.transitions.get(sequence=request.sequence)
    assert (last.event, last.actor, last.user) == ("give_evidence", "seller", cast.seller_user)


def test_buyers_word_answers_what_the_buyer_was_asked(api: Api, cast: Cast) -> None:
    request = asking(cast, kinds=["error_screen"])
    say_as_seller(number=request.number, user=cast.seller_user, text="We delivered.", now=now())
    request.refresh_from_db()
    assert request.state == State.AWAITING_EVIDENCE
    shown = api.sign_in(cast.buyer).get(f"/api/v1/refund-requests/{request.number}/").json()["evidence_asked"]
    assert (shown["kinds"], shown["note"]) == (["error_screen"], "The delivery log.")
    said = say(api, cast, request)
    assert (said["state"], said["evidence_asked"]) == ("manual_review", None)


def test_the_side_that_is_asked_is_told(cast: Cast) -> None:
    asking(cast, of="seller")
    work()
    assert (
        Notice.objects.filter(topic="evidence_wanted").values_list("recipient_kind", flat=True).get()
        == "seller"
    )


def test_time_to_answer_is_never_below_the_terms(cast: Cast) -> None:
    usual = asking(cast)
    assert usual.due_at is not None
    assert usual.due_at - now() > timedelta(hours=47)
    for until in (now() + timedelta(hours=47), now() + timedelta(days=61)):
        with pytest.raises(TimeOutOfRange):
            asking(cast, until=until)
    later = now() + timedelta(days=5)
    request = asking(cast, until=later)
    assert (request.due_at, request.evidence_demands.get().due_at) == (later, later)


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"of": "support"}, CannotBeAsked),
        ({"of": "buyer", "kinds": ["gossip"]}, UnknownKind),
        ({"of": "seller", "kinds": ["identity"]}, UnknownKind),
    ],
)
def test_wrong_demand_asks_nobody(cast: Cast, asked: dict[str, Any], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        asking(cast, **asked)
    assert RefundRequest.objects.get().state == State.MANUAL_REVIEW
    assert not EvidenceDemand.objects.exists()


def test_demand_is_over_with_its_move(cast: Cast) -> None:
    request = asking(cast, of="seller")
    say_as_seller(number=request.number, user=cast.seller_user, text="Here.", now=now())
    again = ask_evidence(number=request.number, user=cast.reviewer, note="And yours?", now=now())
    assert asked_party(again) == "buyer"
