"""What a seller offers and a buyer answers (F2): a part, new goods, a promise; and that no money is promised twice (G2)."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.idempotency import Key
from marketplace.orders.goods import Place
from marketplace.orders.models import Unit
from marketplace.orders.operations import NothingToReveal, code_of, reveal
from marketplace.orders.replacing import CodeKnown, CodeTooLong
from marketplace.payments.models import Capture, Claim
from marketplace.payments.operations.reserve import NotEnoughCaptured
from refunds.exposure import exposure
from refunds.machine import Party, State
from refunds.models import Offer, Proposal, RefundItem, RefundRequest
from refunds.operations import offer as offering
from refunds.operations import review
from refunds.operations.approve import UnitReplaced
from refunds.operations.decide import precheck
from refunds.operations.disputed import DisputeOpen
from refunds.operations.file import NotRefundable, UnknownUnit
from refunds.operations.respond_offer import NoOffer
from refunds.operations.sweep import sweep_deadlines
from refunds.operations.withdraw import withdraw
from refunds.permissions import BUYER, Actor
from refunds.transitions import InvalidTransition, OpenRequestExists, apply_transition
from tests.cases import bring, file, make_request, work
from tests.factories import days, hours, make_order
from tests.offers import CODE, answer, key, number_of, part, promise, read, replacement, with_seller
from tests.people import Api, Cast

from .disputes import broken, dispute, settle_all

BIG = 300_000


def standing(request: RefundRequest) -> tuple[Any, ...]:
    """What a refused call must leave as it was."""
    row = read(request)
    offers = list(Offer.objects.order_by("id").values_list("answer", "answered_at"))
    units = list(Unit.objects.order_by("id").values_list("ref", "place"))
    return row.state, row.sequence, row.due_at, offers, units, Claim.objects.filter(released_at=None).count()


def refused(error: type[Refusal], request: RefundRequest, call: Callable[[], Any]) -> Refusal:
    before = standing(request)
    with pytest.raises(error) as caught:
        call()
    assert standing(request) == before
    return caught.value


def show_code(request: RefundRequest, ref: str) -> str:
    order = request.order
    told = Key("test:reveal", f"{order.no}:{ref}:{timezone.now()}", b"0" * 32)
    reveal(
        buyer_id=request.buyer_id, order_no=order.no, ref=ref, key=told, now=timezone.now(), ip="", device=""
    )
    return code_of(buyer_id=request.buyer_id, order_no=order.no, ref=ref)


def places(request: RefundRequest) -> dict[str, str]:
    return dict(Unit.objects.filter(order=request.order_id).values_list("ref", "place"))


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


# --- New goods ---


def test_replacement_is_masked_until_revealed_and_takes_the_place_once_confirmed(cast: Cast) -> None:
    request = with_seller(cast)
    replacement(request, cast.seller_user)
    assert places(request) == {"1": Place.IN_PLACE, "1-R1": Place.OFFERED}
    old, new = Unit.objects.order_by("id")
    assert (new.amount, new.replaces, bytes(new.sealed_secret).find(CODE.encode())) == (9900, old, -1)
    assert list(new.events.values_list("type", flat=True)) == ["delivered"]
    assert not old.events.filter(type="replaced").exists()
    assert show_code(request, "1-R1") == CODE
    answer(request, True)
    assert read(request).state == State.REPLACED
    assert places(request) == {"1": Place.REPLACED, "1-R1": Place.IN_PLACE}
    assert old.events.filter(type="replaced").exists()
    assert Offer.objects.get().answer == "accepted"
    assert broken() == []


def test_replacement_on_offer_holds_its_worth_of_the_payment_until_it_ends(cast: Cast) -> None:
    for accept in (True, False):
        request = with_seller(cast)
        replacement(request, cast.seller_user, f"code for {accept}")
        held = Claim.objects.get(reference=request.number)
        assert (held.kind, held.amount, held.released_at) == ("replacement", 9900, None)
        assert held.capture.claimed == 9900
        assert broken() == []
        answer(request, accept)
        held.capture.refresh_from_db()
        assert held.capture.claimed == 0
        assert broken() == []


def test_replacement_of_settled_goods_still_counts_as_exposure(cast: Cast) -> None:
    request = with_seller(cast)
    settle_all()
    before = exposure(cast.seller.pk, "CNY")
    replacement(request, cast.seller_user)
    assert exposure(cast.seller.pk, "CNY") == before == 9900
    answer(request, True)
    assert exposure(cast.seller.pk, "CNY") == 0
    assert broken() == []


@pytest.mark.parametrize("ending", ["declined", "silent", "withdrawn", "charged back", "complained"])
def test_replacement_that_is_not_confirmed_is_taken_back(cast: Cast, ending: str) -> None:
    request = with_seller(cast)
    replacement(request, cast.seller_user)
    if ending == "declined":
        answer(request, False)
    elif ending == "silent":
        assert sweep_deadlines(timezone.now() + days(3)) == 1
    elif ending == "withdrawn":
        withdraw(
            buyer_id=cast.buyer.pk, number=request.number, key=key(), present=number_of, now=timezone.now()
        )
    else:
        dispute(kind="chargeback" if ending == "charged back" else "complaint")
        assert request.transitions.filter(event="freeze", from_state="awaiting_buyer").exists()
    assert places(request) == {"1": Place.IN_PLACE, "1-R1": Place.TAKEN_BACK}
    assert Unit.objects.get(ref="1-R1").events.filter(type="voided").exists()
    assert Offer.objects.get().answer == ("declined" if ending == "declined" else "lapsed")
    with pytest.raises(NothingToReveal):
        show_code(request, "1-R1")
    assert not Claim.objects.filter(kind="replacement", released_at=None).exists()
    assert broken() == []


def test_replacement_takes_a_code_for_each_unit_or_none(cast: Cast) -> None:
    request = with_seller(cast, quantity=2, total=9900)
    for codes in (("A",), ("A", "B", "C")):
        refused(
            offering.CodesDoNotFit,
            request,
            lambda codes=codes: replacement(request, cast.seller_user, *codes),
        )
    refused(offering.SayWhatIsOffered, request, lambda: replacement(request, cast.seller_user, " ", note=" "))
    replacement(request, cast.seller_user, "A", "B")
    assert places(request) == {"1": "in_place", "2": "in_place", "1-R1": "offered", "2-R1": "offered"}
    assert [show_code(request, ref) for ref in ("1-R1", "2-R1")] == ["A", "B"]
    assert Claim.objects.get().amount == 9900


def test_goods_delivered_on_the_account_need_no_code(cast: Cast) -> None:
    request = with_seller(cast, goods_type="game_item")
    replacement(request, cast.seller_user, " ", note="In your game mailbox.")
    assert Unit.objects.get(ref="1-R1").sealed_secret is None
    answer(request, True)
    assert places(request) == {"1": Place.REPLACED, "1-R1": Place.IN_PLACE}


def test_code_that_was_sold_before_replaces_nothing(cast: Cast) -> None:
    other = make_order(shop=cast.shop, seller=cast.other_seller)
    request = with_seller(cast, quantity=2)
    sold = f"CARD-{other.no}-1"
    refused(CodeKnown, request, lambda: replacement(request, cast.seller_user, sold, "NEW"))
    refused(CodeKnown, request, lambda: replacement(request, cast.seller_user, "SAME", "SAME"))
    refused(CodeTooLong, request, lambda: replacement(request, cast.seller_user, "X" * 4001, "NEW"))


def test_what_was_refunded_before_is_not_in_the_replacements_worth(cast: Cast) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900, events=[("delivered", hours(-3))]
    )
    first = bring(file(order), State.MANUAL_REVIEW, cast)
    review.approve_request(
        number=first.number, user=cast.reviewer, amount=3000, note="A part.", fault="none", now=timezone.now()
    )
    work()
    second = bring(file(order), State.AWAITING_SELLER, cast)
    replacement(second, cast.seller_user)
    assert Unit.objects.get(ref="1-R1").amount == 6900
    assert Capture.objects.get().claimed == 9900
    answer(second, True)
    assert broken() == []


# --- Never both the old and the new (G2) ---


def _replaced(cast: Cast) -> RefundRequest:
    request = with_seller(cast)
    replacement(request, cast.seller_user)
    answer(request, True)
    return read(request)


def test_the_new_unit_can_be_asked_for_and_the_old_one_no_more(cast: Cast) -> None:
    done = _replaced(cast)
    with pytest.raises(NotRefundable) as why:
        file(done.order, units=("1",))
    assert "duplicate" in str(why.value.extra)
    later = bring(file(done.order), State.MANUAL_REVIEW, cast)  # of all that is in place: the new unit
    assert [item.unit.ref for item in later.items.all()] == ["1-R1"]
    assert later.amount == 9900
    review.approve_request(
        number=later.number,
        user=cast.reviewer,
        amount=None,
        note="Bad too.",
        fault="seller",
        now=timezone.now(),
    )
    work()
    assert read(later).state == State.REFUNDED
    assert broken() == []


def test_a_replacement_can_be_replaced(cast: Cast) -> None:
    done = _replaced(cast)
    again = bring(file(done.order), State.AWAITING_SELLER, cast)
    replacement(again, cast.seller_user, "THIRD")
    answer(again, True)
    assert places(again) == {"1": "replaced", "1-R1": "replaced", "1-R2": "in_place"}
    assert broken() == []


def test_unconfirmed_replacement_is_no_unit_to_file_for(cast: Cast) -> None:
    request = with_seller(cast)
    replacement(request, cast.seller_user)
    with pytest.raises(UnknownUnit):
        file(request.order, units=("1-R1",))
    with pytest.raises(OpenRequestExists):
        file(request.order)
    answer(request, False)
    with pytest.raises(UnknownUnit):
        file(request.order, units=("1-R1",))
    assert RefundRequest.objects.count() == 1


def _taken_up_again(cast: Cast) -> RefundRequest:
    """Rejected while its unit, one of two, was in place; heard again after another request had it replaced."""
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900, quantity=2, events=[("delivered", hours(-3))]
    )  # fmt: skip
    old = bring(file(order, units=("1",)), State.MANUAL_REVIEW, cast)
    review.reject(
        number=old.number, user=cast.reviewer, clause="B3", note="No.", fault="buyer", now=timezone.now()
    )
    other = bring(file(order, units=("1",)), State.AWAITING_SELLER, cast)
    replacement(other, cast.seller_user)
    answer(other, True)
    return review.hear_appeal(number=old.number, user=cast.supervisor, note="Again.", now=timezone.now())


def _approve(request: RefundRequest, user: Any) -> None:
    review.approve_request(
        number=request.number, user=user, amount=None, note="Yes.", fault="seller", now=timezone.now(), deviation="Yes."
    )  # fmt: skip


def test_rejected_request_for_the_old_unit_pays_nothing_once_it_was_replaced(cast: Cast) -> None:
    old = _taken_up_again(cast)
    refused(UnitReplaced, old, lambda: _approve(old, cast.reviewer))
    assert not Claim.objects.filter(released_at=None).exists()


def test_control_without_the_trigger_old_and_new_are_both_refunded(cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger_paid_in_place%'")
        cursor.execute(f"DROP TRIGGER {cursor.fetchone()[0]} ON refunds_refunditem")
    old = _taken_up_again(cast)
    _approve(old, cast.reviewer)
    _approve(bring(file(old.order, units=("1-R1",)), State.MANUAL_REVIEW, cast), cast.reviewer)
    assert Capture.objects.get().claimed == 9900  # for one thing bought at 49.50
    assert Unit.objects.get(ref="2").refund_items.count() == 0


def test_database_pays_only_what_is_in_place(cast: Cast) -> None:
    done = _replaced(cast)
    item = RefundItem.objects.get(request=done)
    with pytest.raises(IntegrityError, match="paid_in_place"), transaction.atomic():
        RefundItem.objects.filter(pk=item.pk).update(approved_amount=1)


@pytest.mark.parametrize(("ref", "place"), [("1", "in_place"), ("1-R1", "offered"), ("1-R1", "taken_back")])
def test_places_are_never_taken_back(cast: Cast, ref: str, place: str) -> None:
    done = _replaced(cast)
    with pytest.raises(IntegrityError, match="unit_in_place"), transaction.atomic():
        Unit.objects.filter(order=done.order_id, ref=ref).update(place=place)


def test_two_units_never_stand_in_one_place(cast: Cast) -> None:
    request = with_seller(cast)
    replacement(request, cast.seller_user)
    with pytest.raises(IntegrityError, match="unit_in_place"), transaction.atomic():
        Unit.objects.filter(ref="1-R1").update(place="in_place")  # the old one has not made room
    answer(request, True)
    old = Unit.objects.get(ref="1")
    with pytest.raises(IntegrityError, match="unit_replaced_once"), transaction.atomic():
        second = Unit.objects.create(order=old.order, ref="1-R9", amount=1, replaces=old, place="offered")
        Unit.objects.filter(pk=second.pk).update(place="in_place")
    with pytest.raises(IntegrityError, match="unit_in_place"), transaction.atomic():
        Unit.objects.create(order=old.order, ref="1-R9", amount=1, replaces=old)


def test_chargeback_before_the_offer_leaves_no_money_to_stand_for_new_goods(cast: Cast) -> None:
    """A complaint that came in while the seller was being asked anew, the case brought back to the seller."""
    dispute(
        make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900).captures.get(),
        amount=9000,
    )
    request = with_seller(cast, order=Capture.objects.get().order)
    assert isinstance(
        refused(DisputeOpen, request, lambda: replacement(request, cast.seller_user)), DisputeOpen
    )


def test_chargeback_after_the_confirmation_claims_what_stands_for_the_new_unit(cast: Cast) -> None:
    done = _replaced(cast)
    dispute()
    assert Capture.objects.get().claimed == 9900
    with pytest.raises(Refusal):
        later = bring(file(done.order), State.MANUAL_REVIEW, cast)
        review.approve_request(
            number=later.number, user=cast.reviewer, amount=None, note="x", fault="none", now=timezone.now()
        )
    assert broken() == []


def test_payment_that_is_spent_holds_no_replacement(cast: Cast) -> None:
    request = with_seller(cast, captures=[5000])
    refused(NotEnoughCaptured, request, lambda: replacement(request, cast.seller_user))


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
