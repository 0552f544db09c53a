"""What a seller offers and a buyer answers (F2): a part, new goods, a promise; and that no money is promised twice (G2)."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from marketplace.kernel.errors import NotFound
from marketplace.orders.goods import Place
from marketplace.payments.models import Claim
from refunds.machine import Party, State
from refunds.models import Offer, Proposal, RefundItem
from refunds.operations import offer as offering
from refunds.operations import review
from refunds.operations.decide import precheck
from refunds.operations.respond_offer import NoOffer
from refunds.operations.sweep import sweep_deadlines
from refunds.permissions import BUYER, Actor
from refunds.transitions import InvalidTransition, apply_transition
from tests.cases import bring, file, make_request, work
from tests.factories import days, hours, make_order
from tests.offers import (
    CODE,
    answer,
    part,
    places,
    promise,
    read,
    refused,
    replacement,
    standing,
    with_seller,
)
from tests.people import Api, Cast

from .disputes import broken

BIG = 300_000


# --- A part ---


def test_part_that_is_accepted_is_approved_and_paid(cast: Cast) -> None:
    request = with_seller(cast)
    offered = part(request, cast.seller_user, 4000, note="Half of it was used.")
    assert (offered.state, offered.due_kind) == (State.AWAITING_BUYER, "buyer_reply")
    assert not Claim.objects.exists()
    answer(request, True)
    assert (read(request).state, read(request).approved_amount) == (State.APPROVED, 4000)
    assert RefundItem.objects.get(request=request).approved_amount == 4000
    row = Offer.objects.get()
    assert (row.kind, row.amount, row.answer, row.by) == ("partial", 4000, "accepted", cast.seller_user)
    work()
    assert read(request).state == State.REFUNDED
    assert broken() == []


@pytest.mark.parametrize("amount", [0, -1, 9900, 9901])
def test_part_is_more_than_nothing_and_less_than_all(cast: Cast, amount: int) -> None:
    request = with_seller(cast)
    refused(offering.PartOutOfRange, request, lambda: part(request, cast.seller_user, amount))


def test_part_above_the_limit_waits_for_a_second_person(cast: Cast) -> None:
    request = with_seller(cast, total=BIG)
    part(request, cast.seller_user, 250_000)
    answer(request, True)
    assert read(request).state == State.MANUAL_REVIEW
    proposal = Proposal.objects.get()
    assert (proposal.amount, proposal.by) == (250_000, cast.seller_user)
    assert not Claim.objects.exists()
    review.approve_request(
        number=request.number,
        user=cast.reviewer,
        amount=250_000,
        note="Agreed.",
        fault="none",
        now=timezone.now(),
    )
    approved = read(request)
    assert (approved.state, approved.approved_amount) == (State.APPROVED, 250_000)
    assert (approved.maker, approved.checker) == (cast.seller_user, cast.reviewer)


def test_declined_offer_goes_to_a_reviewer(cast: Cast) -> None:
    request = with_seller(cast)
    part(request, cast.seller_user)
    answer(request, False, note="Too little.")
    assert read(request).state == State.MANUAL_REVIEW
    assert Offer.objects.get().answer == "declined"
    assert request.transitions.get(event="decline_offer").note == "Too little."
    refused(InvalidTransition, request, lambda: answer(request, True))


def test_offer_the_buyer_does_not_answer_lapses(cast: Cast) -> None:
    request = with_seller(cast)
    part(request, cast.seller_user)
    assert sweep_deadlines(timezone.now() + days(1)) == 0
    assert sweep_deadlines(timezone.now() + days(3)) == 1
    assert read(request).state == State.MANUAL_REVIEW
    assert Offer.objects.get().answer == "lapsed"
    assert request.transitions.filter(event="buyer_silent").exists()


def test_only_the_seller_of_the_case_offers_and_only_while_asked(cast: Cast) -> None:
    request = with_seller(cast)
    refused(NotFound, request, lambda: part(request, cast.other_seller_user))
    refused(NotFound, request, lambda: replacement(request, cast.other_seller_user))
    part(request, cast.seller_user)
    refused(InvalidTransition, request, lambda: part(request, cast.seller_user))
    refused(InvalidTransition, request, lambda: promise(request, cast.seller_user))


def test_only_the_buyer_of_the_case_answers(cast: Cast, api: Api) -> None:
    request = with_seller(cast)
    part(request, cast.seller_user)
    before = standing(request)
    path = f"/api/v1/refund-requests/{request.number}/respond-offer/"
    assert api.sign_in(cast.stranger).post(path, {"accept": True}).status_code == 404
    assert standing(request) == before


def test_nothing_is_accepted_where_nothing_was_offered(cast: Cast) -> None:
    asked = with_seller(cast)
    refused(InvalidTransition, asked, lambda: answer(asked, True))
    waiting = make_request(cast, state=State.AWAITING_BUYER)  # brought there with no offer
    refused(NoOffer, waiting, lambda: answer(waiting, True))


# --- A promise ---


def test_promise_kept_closes_the_case_and_leaves_the_unit_in_place(cast: Cast) -> None:
    request = with_seller(cast)
    offered = promise(request, cast.seller_user)
    assert offered.due_kind == "promise"
    assert offered.due_at == Offer.objects.get().promised_for
    answer(request, True)
    assert read(request).state == State.REPLACED
    assert Offer.objects.get().answer == "kept"
    assert places(request) == {"1": Place.IN_PLACE}
    again = file(request.order)  # what goes wrong with it later can be asked for
    precheck(again.pk, timezone.now())
    assert read(again).state == State.AWAITING_SELLER


def test_broken_promise_goes_to_a_reviewer_by_itself_and_counts_against_the_seller(cast: Cast) -> None:
    request = with_seller(cast)
    promise(request, cast.seller_user)
    assert sweep_deadlines(timezone.now() + days(2.9)) in (0, 1)
    assert sweep_deadlines(timezone.now() + days(4)) <= 1
    row = read(request)
    assert row.state == State.MANUAL_REVIEW
    move = request.transitions.get(event="promise_broken")
    assert (move.actor, move.from_state) == (Party.SYSTEM, State.AWAITING_BUYER)
    assert Offer.objects.get().answer == "broken"


def test_promise_is_not_broken_before_its_day_is_over(cast: Cast) -> None:
    request = with_seller(cast)
    today = timezone.localdate()
    promise(request, cast.seller_user, today)
    due = read(request).due_at
    assert timezone.localtime(due).date() == today
    assert sweep_deadlines(due - timedelta(seconds=1)) == 0
    assert sweep_deadlines(due) == 1


def test_promise_and_silence_in_one_sweep_take_their_own_moves(cast: Cast) -> None:
    promised, silent = with_seller(cast), with_seller(cast)
    promise(promised, cast.seller_user)
    part(silent, cast.seller_user)
    assert sweep_deadlines(timezone.now() + days(9)) == 2
    assert promised.transitions.filter(event="promise_broken").exists()
    assert silent.transitions.filter(event="buyer_silent").exists()


def test_buyer_may_decline_a_promise_at_any_time(cast: Cast) -> None:
    request = with_seller(cast)
    promise(request, cast.seller_user)
    answer(request, False)
    assert read(request).state == State.MANUAL_REVIEW
    assert Offer.objects.get().answer == "declined"


@pytest.mark.parametrize("away", [-1, 8, 400])
def test_promise_names_a_day_the_terms_allow(cast: Cast, away: int) -> None:
    request = with_seller(cast)
    on = timezone.localdate() + timedelta(days=away)
    refusal = refused(offering.PromiseOutOfRange, request, lambda: promise(request, cast.seller_user, on))
    assert date.fromisoformat(refusal.extra["latest"]) == timezone.localdate() + timedelta(days=7)


def test_promise_says_what_is_promised(cast: Cast) -> None:
    request = with_seller(cast)
    refused(offering.SayWhatIsOffered, request, lambda: promise(request, cast.seller_user, note=" \n"))
    refused(offering.SayWhatIsOffered, request, lambda: promise(request, cast.seller_user, note="x" * 4001))


# --- The database ---


def test_answered_offer_is_never_changed(cast: Cast) -> None:
    request = with_seller(cast)
    part(request, cast.seller_user)
    with pytest.raises(DatabaseError, match="history"), transaction.atomic():
        Offer.objects.update(amount=9899)
    answer(request, False)
    with pytest.raises(DatabaseError, match="history"), transaction.atomic():
        Offer.objects.update(answer="accepted")


def test_offer_ends_with_the_state_it_waits_in(cast: Cast) -> None:
    request = with_seller(cast)
    offered = part(request, cast.seller_user)
    with (
        pytest.raises(IntegrityError, match="offer_ends"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        apply_transition(offered, "decline_offer", actor=BUYER, now=timezone.now())
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    ("fields", "law"),
    [
        ({"amount": 9900}, "offer_of_its_request"),
        ({"sequence": 1}, "offer_of_its_request"),
        ({"amount": 0}, "offer_says_what_its_kind_needs"),
        ({"amount": None}, "offer_says_what_its_kind_needs"),
        ({"kind": "promise", "amount": None}, "offer_says_what_its_kind_needs"),
        ({"answer": "kept", "answered_at": timezone.now()}, "offer_answered_by_its_kind"),
        ({"answer": "accepted"}, "offer_answered_by_its_kind"),
    ],
)
def test_offer_that_makes_no_sense_is_refused(cast: Cast, fields: dict[str, Any], law: str) -> None:
    request = with_seller(cast)
    with transaction.atomic():
        apply_transition(request, "offer", actor=Actor(Party.SELLER, cast.seller_user.pk), now=timezone.now())
    row = {
        "request": request,
        "sequence": request.sequence,
        "kind": "partial",
        "amount": 1,
        "by": cast.seller_user,
    }
    with pytest.raises(IntegrityError, match=law), transaction.atomic():
        Offer.objects.create(**{**row, "at": timezone.now(), **fields})


def test_a_request_has_one_open_offer(cast: Cast) -> None:
    request = with_seller(cast)
    offered = part(request, cast.seller_user)
    with pytest.raises(IntegrityError), transaction.atomic():
        Offer.objects.create(
            request=request,
            sequence=offered.sequence,
            kind="partial",
            amount=1,
            by=cast.seller_user,
            at=timezone.now(),
        )


# --- As a front end sees it ---


def test_case_shows_the_offer_and_the_answer_is_idempotent(cast: Cast, api: Api) -> None:
    request, buyer = with_seller(cast), api.sign_in(cast.buyer)
    path = f"/api/v1/refund-requests/{request.number}/"
    shown = buyer.get(path).json()
    assert (shown["offer"], shown["sealed_offers"]) == (
        None,
        {"buyer": False, "seller": False, "result": None},
    )
    replacement(request, cast.seller_user, note="A new one.")
    shown = buyer.get(path).json()
    assert {**shown["offer"], "at": ""} == {
        "kind": "replacement", "amount": None, "promised_for": None, "note": "A new one.", "at": "", "state": "open",
        "units": ["1-R1"],
    }  # fmt: skip
    assert CODE not in str(shown)
    answers = [buyer.post(path + "respond-offer/", {"accept": True}, key="once") for _n in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert answers[0].json()["state"] == "replaced"
    assert answers[0].json()["offer"]["state"] == "accepted"
    again = buyer.post(path + "respond-offer/", {"accept": True})
    assert (again.status_code, again.json()["code"]) == (409, "invalid_transition")
    assert request.transitions.filter(event="confirm_replacement").count() == 1
    units = buyer.get(f"/api/v1/orders/{request.order.no}/").json()["units"]
    assert [(unit["ref"], unit["place"]) for unit in units] == [("1", "replaced"), ("1-R1", "in_place")]


@pytest.mark.parametrize(
    "body", [{}, {"accept": "yes"}, {"accept": 1}, {"accept": True, "x": 1}, {"accept": None}]
)
def test_answer_that_makes_no_sense_changes_nothing(cast: Cast, api: Api, body: dict[str, Any]) -> None:
    request = with_seller(cast)
    part(request, cast.seller_user)
    before = standing(request)
    path = f"/api/v1/refund-requests/{request.number}/respond-offer/"
    assert api.sign_in(cast.buyer).post(path, body).status_code == 400
    assert api.sign_in(cast.buyer).post(path, {"accept": True}, key=None).status_code == 400
    assert standing(request) == before


def test_a_seller_who_was_asked_for_new_goods_may_pay_and_the_other_way_round(cast: Cast) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900, events=[("delivered", hours(-3))]
    )
    wanted = bring(file(order, remedy="replacement"), State.AWAITING_SELLER, cast)
    part(wanted, cast.seller_user)
    answer(wanted, True)
    assert read(wanted).approved_amount == 4000
