"""The seller's offers in the portal: each one form, refused without losing a word, harmless when repeated."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from marketplace.orders.models import Unit
from refunds.machine import State
from refunds.models import Offer, RefundRequest, SealedOffer
from refunds.operations import review
from refunds.operations.sweep import sweep_deadlines
from tests.cases import bring, file, make_request
from tests.offers import answer, least
from tests.people import Cast

from .tools import Asked, snapshot, url, words

SOON = (timezone.localdate() + timedelta(days=2)).isoformat()


def state(request: RefundRequest) -> str:
    return RefundRequest.objects.get(pk=request.pk).state


@pytest.mark.parametrize(
    ("way", "typed", "says", "shown"),
    [
        (
            "part",
            {"amount": "40.00", "note": "Half was used."},
            "your offer is with the buyer",
            "A part: CNY 40.00",
        ),
        ("replacement", {"codes": "NEW-1"}, "the replacement is with the buyer", "New goods: unit 1-R1"),
        (
            "promise",
            {"on": SOON, "note": "By hand."},
            "your promise is with the buyer",
            f"Promised by {SOON} 23:59",
        ),
    ],
)
def test_offer_goes_to_the_buyer_and_is_shown(
    seller: Client, asked: Asked, way: str, typed: dict[str, str], says: str, shown: str
) -> None:
    request = asked()
    done = seller.post(url(request, way), typed, follow=True)
    page = words(done)
    assert says in page
    assert page.count(shown) == 2  # with what happens now, and in the time-line
    assert "Waiting for the buyer" in page
    assert state(request) == State.AWAITING_BUYER
    assert "NEW-1" not in page
    before = snapshot(request)
    assert "You made an offer in this case already." in words(seller.post(url(request, way), {}, follow=True))
    assert snapshot(request) == before


@pytest.mark.parametrize(
    ("way", "typed", "says"),
    [
        ("part", {"amount": "", "note": "Words."}, "Write an amount first."),
        ("part", {"amount": "99.00", "note": "Words."}, "less than what was asked"),
        ("part", {"amount": "-1", "note": "Words."}, "write a number"),
        ("part", {"amount": "1.005", "note": "Words."}, "at most 2 decimals"),
        ("replacement", {"codes": "A\r\nB", "note": "Words."}, "one new code for each unit"),
        ("replacement", {"codes": "", "note": ""}, "Say in 1 to 4000 characters"),
        ("promise", {"on": "2099-01-01", "note": "Words."}, "no later than the terms allow"),
        ("promise", {"on": "soon", "note": "Words."}, "Enter a valid date."),
        ("promise", {"on": SOON, "note": " "}, "Say what you promise."),
        ("sealed", {"amount": "0"}, "no more than was asked"),
        ("sealed", {"amount": "99.01"}, "no more than was asked"),
        ("sealed", {"amount": "much"}, "write a number"),
    ],
)
def test_offer_that_is_refused_keeps_what_was_typed(
    seller: Client, asked: Asked, way: str, typed: dict[str, str], says: str
) -> None:
    request = asked()
    before = snapshot(request)
    refused = seller.post(url(request, way), typed)
    assert refused.status_code == 422
    body = refused.content.decode()
    assert says in words(refused)
    assert '<details class="way" open>' in body
    if typed.get("note", "").strip():
        assert typed["note"] in body
    assert snapshot(request) == before
    assert not Offer.objects.exists()
    assert not SealedOffer.objects.exists()


@pytest.mark.parametrize("way", ["part", "replacement", "promise", "sealed"])
def test_get_of_an_offers_address_leads_back_to_the_case(seller: Client, asked: Asked, way: str) -> None:
    request = asked()
    back = seller.get(url(request, way))
    assert (back.status_code, back["Location"]) == (302, url(request))


def test_offer_that_comes_too_late_says_so_and_keeps_the_text(
    seller: Client, cast: Cast, asked: Asked
) -> None:
    request = asked()
    review.take_over(number=request.number, user=cast.reviewer, note="Too slow.", now=timezone.now())
    before = snapshot(request)
    late = seller.post(url(request, "part"), {"amount": "1.00", "note": "I can pay some."})
    assert late.status_code == 409
    assert "I can pay some.</textarea>" in late.content.decode()
    assert snapshot(request) == before


def test_what_the_buyer_asked_for_comes_first(seller: Client, cast: Cast, asked: Asked) -> None:
    refund = words(seller.get(url(asked())))
    assert refund.index("Offer a part") < refund.index("Send a replacement")
    order = make_request(cast, state=State.REJECTED).order
    wanted = file(order, remedy="replacement")
    replacement = words(seller.get(url(bring(wanted, State.AWAITING_SELLER, cast))))
    assert replacement.index("Send a replacement") < replacement.index("Offer a part")


def test_buyers_answer_is_shown(seller: Client, asked: Asked) -> None:
    request = asked()
    seller.post(url(request, "replacement"), {"codes": "NEW-1"})
    answer(request, True)
    page = words(seller.get(url(request)))
    assert "Accepted New goods: unit 1-R1" in page
    assert Unit.objects.get(ref="1-R1").place == "in_place"


def test_broken_promise_is_shown_to_the_seller_and_counted_at_the_desk(
    seller: Client, cast: Cast, asked: Asked
) -> None:
    request = asked()
    seller.post(url(request, "promise"), {"on": SOON, "note": "By hand."})
    assert sweep_deadlines(timezone.now() + timedelta(days=4)) == 1
    assert "The day you promised passed unconfirmed" in words(seller.get(url(request)))
    desk = Client()
    desk.force_login(cast.reviewer)
    desk.cookies["django_language"] = "en"
    other = make_request(cast, state=State.MANUAL_REVIEW)
    for number in (request.number, other.number):
        page = words(desk.get(f"/admin/refunds/refundrequest/case/{number}/"))
        assert "1 broken promise" in page
    assert "Offer ended: Broken" in words(desk.get(f"/admin/refunds/refundrequest/case/{request.number}/"))


def test_sealed_offers_that_meet_are_paid_and_shown(seller: Client, asked: Asked) -> None:
    request = asked()
    least(request, 3000)
    assert "The buyer's is made." in words(seller.get(url(request)))
    done = words(seller.post(url(request, "sealed"), {"amount": "50.00"}, follow=True))
    assert "The two met: the case is settled at the middle." in done
    assert "Approved: CNY 40.00" in done
    assert state(request) == State.APPROVED


def test_sealed_offers_that_do_not_meet_say_only_that(seller: Client, asked: Asked) -> None:
    request = asked()
    least(request, 6000)
    page = words(seller.post(url(request, "sealed"), {"amount": "50.00"}, follow=True))
    assert "The two did not meet. Nobody learns the other's number." in page
    assert "Make a sealed offer" not in page
    again = words(seller.post(url(request, "sealed"), {"amount": "70.00"}, follow=True))
    assert "You have made your sealed offer in this case." in again
    assert state(request) == State.AWAITING_SELLER


def test_sealed_offer_in_a_closed_case_is_calm_news(seller: Client, cast: Cast, asked: Asked) -> None:
    request = make_request(cast, state=State.REJECTED)
    before = snapshot(request)
    assert "It is now: Rejected." in words(
        seller.post(url(request, "sealed"), {"amount": "1.00"}, follow=True)
    )
    assert snapshot(request) == before
