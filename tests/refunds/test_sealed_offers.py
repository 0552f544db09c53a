"""Sealed offers (F3): what both sides would settle for, unseen; the middle is paid where they meet."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.money import middle
from marketplace.orders.models import Unit
from marketplace.payments.models import Capture, Claim
from refunds.machine import SEALABLE, State
from refunds.models import Offer, Proposal, RefundRequest, SealedOffer
from refunds.operations import review
from refunds.operations.approve import AmountOutOfRange
from refunds.operations.file import WrongCurrency
from refunds.operations.seal_offer import NothingToSettleWith, SealedAlready
from refunds.transitions import InvalidTransition
from tests.cases import make_request, work
from tests.offers import least, most, part, read, replacement, with_seller
from tests.people import Api, Cast

from .disputes import broken, dispute

BIG = 300_000


def standing(request: RefundRequest) -> tuple[Any, ...]:
    row = read(request)
    return row.state, row.sequence, row.approved_amount, SealedOffer.objects.count(), Claim.objects.count()


def refused(error: type[Refusal], request: RefundRequest, call: Callable[[], Any]) -> None:
    before = standing(request)
    with pytest.raises(error):
        call()
    assert standing(request) == before


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_middle_lies_between_and_half_a_unit_goes_up(one: int, other: int) -> None:
    low, high = sorted((one, other))
    found = middle(low, high)
    assert low <= found <= high
    assert 2 * found - (low + high) in (0, 1)


@pytest.mark.parametrize("buyer_first", [True, False])
@pytest.mark.parametrize("state", SEALABLE)
def test_offers_that_meet_settle_the_case_at_the_middle(cast: Cast, state: str, buyer_first: bool) -> None:
    request = make_request(cast, state=state)
    calls = [lambda: least(request, 3000), lambda: most(request, cast.seller_user, 5001)]
    first, second = calls if buyer_first else calls[::-1]
    first()
    assert (read(request).state, read(request).sequence) == (request.state, request.sequence)
    second()
    settled = read(request)
    assert (settled.state, settled.approved_amount) == (State.APPROVED, 4001)
    move = request.transitions.get(event="settle_sealed")
    assert (move.actor, move.note) == ("system", "")
    work()
    assert read(request).state == State.REFUNDED
    assert broken() == []


def test_equal_numbers_meet(cast: Cast) -> None:
    request = with_seller(cast)
    least(request, 9900)
    most(request, cast.seller_user, 9900)
    assert read(request).approved_amount == 9900


def test_offers_that_do_not_meet_settle_nothing_and_say_only_that(cast: Cast, api: Api) -> None:
    request, buyer = with_seller(cast), api.sign_in(cast.buyer)
    path = f"/api/v1/refund-requests/{request.number}/"
    filed = buyer.post(path + "sealed-offer/", {"amount": {"amount": 5001, "currency": "CNY"}})
    assert filed.status_code == 201
    assert filed.json()["sealed_offers"] == {"buyer": True, "seller": False, "result": None}
    most(request, cast.seller_user, 5000)
    assert buyer.get(path).json()["sealed_offers"] == {"buyer": True, "seller": True, "result": "no_overlap"}
    assert read(request).state == State.AWAITING_SELLER
    assert not Claim.objects.exists()


@pytest.mark.parametrize("state", SEALABLE)
def test_above_the_limit_a_settlement_waits_for_a_second_person(cast: Cast, state: str) -> None:
    request = make_request(cast, state=state, total=BIG)
    due = read(request).due_at
    if state == State.MANUAL_REVIEW:  # a reviewer has proposed something else meanwhile
        review.approve_request(
            number=request.number,
            user=cast.reviewer,
            amount=None,
            note="All.",
            fault="none",
            now=timezone.now(),
        )
    least(request, 220_000)
    most(request, cast.seller_user, 240_000)
    row = read(request)
    assert row.state == State.MANUAL_REVIEW
    if state == State.MANUAL_REVIEW:
        assert row.due_at == due  # the reviewer's clock goes on
    proposal = review.standing_proposal(row)
    assert proposal is not None
    assert (proposal.amount, proposal.by) == (230_000, cast.seller_user)
    review.approve_request(
        number=row.number,
        user=cast.reviewer,
        amount=230_000,
        note="Settled.",
        fault="none",
        now=timezone.now(),
    )
    assert read(request).approved_amount == 230_000
    assert Proposal.objects.count() == 1 + (state == State.MANUAL_REVIEW)


def test_settling_ends_an_open_offer_and_takes_new_goods_back(cast: Cast) -> None:
    request = with_seller(cast)
    replacement(request, cast.seller_user)
    least(request, 3000)
    most(request, cast.seller_user, 3000)
    assert (read(request).state, read(request).approved_amount) == (State.APPROVED, 3000)
    assert Offer.objects.get().answer == "lapsed"
    assert Unit.objects.get(ref="1-R1").place == "taken_back"
    assert Capture.objects.get().claimed == 3000
    assert broken() == []


def test_each_side_has_one_and_keeps_it(cast: Cast) -> None:
    request = with_seller(cast)
    least(request, 9000)
    refused(SealedAlready, request, lambda: least(request, 100))
    most(request, cast.seller_user, 100)
    refused(SealedAlready, request, lambda: most(request, cast.seller_user, 9900))
    for change in (
        lambda: SealedOffer.objects.update(party="buyer"),
        lambda: SealedOffer.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="history"), transaction.atomic():
            change()


@pytest.mark.parametrize("amount", [0, -1, 9901])
def test_number_lies_within_what_was_asked(cast: Cast, amount: int) -> None:
    request = with_seller(cast)
    refused(AmountOutOfRange, request, lambda: least(request, amount))
    refused(AmountOutOfRange, request, lambda: most(request, cast.seller_user, amount))


def test_number_is_in_the_currency_of_the_order(cast: Cast) -> None:
    request = with_seller(cast)
    refused(WrongCurrency, request, lambda: least(request, 100, "USD"))


@pytest.mark.parametrize("state", [s for s in State if s not in SEALABLE])
def test_only_while_the_sides_may_settle_it(cast: Cast, state: str) -> None:
    request = make_request(cast, state=state)
    refused(InvalidTransition, request, lambda: least(request, 100))
    refused(InvalidTransition, request, lambda: most(request, cast.seller_user, 100))


def test_only_the_two_sides_of_the_case(cast: Cast, api: Api) -> None:
    request = with_seller(cast)
    refused(NotFound, request, lambda: most(request, cast.other_seller_user, 100))
    before = standing(request)
    path = f"/api/v1/refund-requests/{request.number}/sealed-offer/"
    body = {"amount": {"amount": 100, "currency": "CNY"}}
    assert api.sign_in(cast.stranger).post(path, body).status_code == 404
    assert api.sign_in(cast.buyer).post(path, body, key=None).status_code == 400
    assert api.sign_in(cast.buyer).post(path, {"amount": 100}).status_code == 400
    assert standing(request) == before


def test_whether_it_can_be_paid_is_asked_before_the_numbers_are_compared(cast: Cast) -> None:
    """Else a refusal would tell the second side that the two had met."""
    request = make_request(cast, state=State.MANUAL_REVIEW)
    least(request, 3000)
    dispute(kind="complaint", amount=100)
    for number in (100, 3000):  # below and above what the buyer wants
        refused(NothingToSettleWith, request, lambda number=number: most(request, cast.seller_user, number))


# --- Nobody sees a number ---

LEAST, MOST = 73_190_624, 61_208_357  # they do not meet
WRITTEN = ("73190624", "731906.24", "731,906.24", "61208357", "612083.57", "612,083.57")


def leaks(text: str) -> list[str]:
    """Also as the database writes bytes that hold the digits."""
    return [number for number in WRITTEN if number in text or number.encode().hex() in text]


def test_no_page_answer_notice_log_or_table_holds_a_sealed_number(
    cast: Cast, api: Api, client: Client, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    request, buyer = with_seller(cast, total=99_999_999), api.sign_in(cast.buyer)
    path = f"/api/v1/refund-requests/{request.number}/"
    filed = buyer.post(path + "sealed-offer/", {"amount": {"amount": LEAST, "currency": "CNY"}})
    portal, desk = Client(), client
    portal.force_login(cast.seller_user)
    case = f"/portal/cases/{request.number}/"
    sent = portal.post(case + "sealed/", {"amount": "612083.57"}, follow=True)
    assert SealedOffer.objects.count() == 2
    again = portal.post(case + "sealed/", {"amount": "500.00"}, follow=True)
    review.take_over(number=request.number, user=cast.reviewer, note="Seen.", now=timezone.now())
    work()
    desk.force_login(cast.reviewer)
    seen = [
        filed, sent, again, buyer.get(path), buyer.get("/api/v1/refund-requests/"), buyer.get("/api/v1/notifications/"),
        buyer.post(path + "messages/", {"text": "Hello"}), portal.get(case), portal.get("/portal/notices/"),
        desk.get(f"/admin/refunds/refundrequest/case/{request.number}/"), desk.get("/admin/refunds/refundrequest/"),
    ]  # fmt: skip
    for response in seen:
        assert response.status_code in (200, 201), response
        assert leaks(response.content.decode()) == []
    assert leaks(caplog.text) == []
    assert leaks("".join(capfd.readouterr())) == []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            assert leaks(json.dumps(cursor.fetchall(), ensure_ascii=False)) == [], table


def test_reviewer_sees_who_has_made_one(cast: Cast, client: Client) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    least(request, 5000)
    client.force_login(cast.reviewer)
    client.cookies["django_language"] = "en"
    page = client.get(f"/admin/refunds/refundrequest/case/{request.number}/").content.decode()
    assert "Sealed offer made" in page


def test_a_part_on_offer_stays_open_beside_sealed_offers_that_do_not_meet(cast: Cast) -> None:
    request = with_seller(cast)
    part(request, cast.seller_user)
    least(request, 6000)
    most(request, cast.seller_user, 5000)
    assert Offer.objects.get().state == "open"
    assert read(request).state == State.AWAITING_BUYER
