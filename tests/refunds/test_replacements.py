"""New goods for old (F2): masked, worth what they replace, and never paid for beside it (G2)."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from marketplace.kernel.errors import Refusal
from marketplace.orders.goods import Place
from marketplace.orders.models import Unit
from marketplace.orders.operations import NothingToReveal
from marketplace.orders.replacing import CodeKnown, CodeTooLong
from marketplace.payments.models import Capture, Claim
from marketplace.payments.operations.reserve import NotEnoughCaptured
from refunds.exposure import exposure
from refunds.machine import State
from refunds.models import Offer, RefundItem, RefundRequest
from refunds.operations import offer as offering
from refunds.operations import review
from refunds.operations.approve import UnitReplaced
from refunds.operations.disputed import DisputeOpen
from refunds.operations.file import NotRefundable, UnknownUnit
from refunds.operations.sweep import sweep_deadlines
from refunds.operations.withdraw import withdraw
from refunds.transitions import OpenRequestExists
from tests.cases import bring, file, work
from tests.factories import days, hours, make_order
from tests.offers import (
    CODE,
    answer,
    key,
    number_of,
    places,
    read,
    refused,
    replacement,
    show_code,
    with_seller,
)
from tests.people import Cast

from .disputes import broken, dispute, settle_all

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
