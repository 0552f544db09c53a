"""The portal of a seller who appeals, and of one who is asked for evidence."""

import pytest
from django.test import Client
from django.utils import timezone

from refunds.models import Appeal, RefundRequest
from refunds.operations import decide_appeal
from refunds.operations.ask_evidence import ask_evidence
from tests.cases import make_request
from tests.contested import GROUNDS, buyer_appeals, refunded, rejected, seller_appeals
from tests.people import Cast

from .tools import snapshot, url, words

TYPED = {"clauses": "B6, A3", "text": "The log shows no use."}


def test_seller_appeals_from_the_case_page(cast: Cast, seller: Client) -> None:
    request = refunded(cast)
    assert "Appeal against the decision" in words(seller.get(url(request)))
    assert seller.post(url(request, "appeal"), TYPED).status_code == 302
    appeal = Appeal.objects.get()
    assert (appeal.party, appeal.user, appeal.clauses) == ("seller", cast.seller_user, GROUNDS["clauses"])
    page = words(seller.get(url(request)))
    assert "With a supervisor" in page and "Appeal against the decision" not in page


def test_outcome_and_what_is_made_good_are_shown(cast: Cast, seller: Client) -> None:
    request = refunded(cast)
    seller_appeals(request, cast.seller_user)
    decide_appeal.overturn(
        number=request.number, user=cast.supervisor, amount=5000, note="It was used.", now=timezone.now()
    )
    page = words(seller.get(url(request)))
    assert "You were right" in page and "50.00" in page and "It was used." in page
    assert cast.supervisor.username not in page


@pytest.mark.parametrize(
    "typed",
    [{}, {"clauses": "", "text": "x"}, {"clauses": "B3", "text": " "}, {"clauses": "x" * 17, "text": "y"}],
)
def test_incomplete_appeal_is_refused(cast: Cast, seller: Client, typed: dict[str, str]) -> None:
    request = refunded(cast)
    before = snapshot(request)
    assert seller.post(url(request, "appeal"), typed).status_code == 422
    assert snapshot(request) == before
    assert not Appeal.objects.exists()


def test_second_appeal_is_refused_in_words(cast: Cast, seller: Client) -> None:
    request = refunded(cast)
    seller_appeals(request, cast.seller_user)
    again = seller.post(url(request, "appeal"), TYPED)
    assert again.status_code == 409
    assert "each side can do so once" in words(again)
    assert Appeal.objects.count() == 1


def test_case_of_another_seller_is_not_there(cast: Cast, client: Client) -> None:
    request = refunded(cast)
    client.force_login(cast.other_seller_user)
    assert client.post(url(request, "appeal"), TYPED).status_code == 404
    assert not Appeal.objects.exists()


def test_seller_reads_the_buyers_appeal_and_cannot_contest_a_rejection(cast: Cast, seller: Client) -> None:
    request = rejected(cast)
    buyer_appeals(request)
    page = words(seller.get(url(request)))
    assert "The buyer's appeal" in page and "Appeal against the decision" not in page
    assert seller.post(url(request, "appeal"), TYPED).status_code == 409
    assert Appeal.objects.count() == 1


def test_demand_stands_among_what_is_to_be_answered(cast: Cast, seller: Client) -> None:
    request = make_request(cast, state="manual_review")
    ask_evidence(
        number=request.number, user=cast.reviewer, note="The delivery log.", of="seller",
        kinds=["provider_statement"], now=timezone.now(),
    )  # fmt: skip
    listed = words(seller.get("/portal/"))
    assert request.number in listed and "Evidence asked of you" in listed
    assert request.number not in words(seller.get("/portal/?tab=platform"))
    page = words(seller.get(url(request)))
    assert "Asked of you" in page and "The delivery log." in page and "Give the evidence" in page
    assert seller.post(url(request, "messages"), {"text": "Delivered at noon."}).status_code == 302
    assert RefundRequest.objects.get().state == "manual_review"
    assert request.number in words(seller.get("/portal/?tab=platform"))


def test_what_the_buyer_is_asked_stays_with_the_platform(cast: Cast, seller: Client) -> None:
    request = make_request(cast, state="manual_review")
    ask_evidence(number=request.number, user=cast.reviewer, note="A screenshot.", now=timezone.now())
    assert request.number not in words(seller.get("/portal/"))
    assert "Asked of you" not in words(seller.get(url(request)))
    seller.post(url(request, "messages"), {"text": "We delivered."})
    assert RefundRequest.objects.get().state == "awaiting_evidence"
