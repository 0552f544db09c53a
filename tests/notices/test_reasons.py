"""Reasons of a decision reach both sides (F11) and nothing that is not meant for them; what waits for arbiters and
supervisors is told to them.
"""

from django.utils import timezone

from marketplace.identity.models import User
from marketplace.kernel.serializers import instant
from marketplace.notices.models import Notice
from marketplace.notices.texts import render
from marketplace.notices.topics import RecipientKind
from refunds.machine import State
from refunds.operations import review, say, tell
from refunds.operations.answer import refuse
from refunds.operations.offer import promise
from refunds.telling import BUYER, SELLER
from tests.cases import make_request, work
from tests.contested import arbiter, buyer_appeals, rejected, seat
from tests.factories import StaffFactory, days
from tests.people import Cast


def test_reasons_of_a_decision_reach_both_sides_masked(cast: Cast) -> None:
    now = timezone.now()
    request = make_request(cast, state=State.MANUAL_REVIEW, now=now)
    code = f"CARD-{request.order.no}-{request.order.units.get().ref}"
    note = f"{code} was redeemed by 13812345678 with 6222 0212 3456 7890 12."
    review.reject(number=request.number, user=cast.reviewer, clause="B3", fault="buyer", note=note, now=now)
    work(now)
    notices = Notice.objects.filter(topic="rejected")
    assert {notice.recipient_kind for notice in notices} == {BUYER, SELLER}
    for notice in notices:
        text = render(notice.topic, notice.recipient_kind, notice.data).body
        assert "was redeemed by 138****5678 with" in text
        assert "B3" in text
        assert code not in text
        assert "6222" not in text


def test_internal_notes_and_what_a_side_wrote_never_leave_the_case(cast: Cast) -> None:
    now = timezone.now()
    request = make_request(cast, state=State.AWAITING_SELLER, now=now)
    refuse(number=request.number, user=cast.seller_user, ground="other", note="Seller's own words.", now=now)
    say.say_as_staff(number=request.number, user=cast.reviewer, text="Between us.", now=now, is_internal=True)
    judged = {"fault": "buyer", "note": "Public.", "deviation": "Unlike the others."}
    review.reject(number=request.number, user=cast.reviewer, clause="B3", now=now, **judged)
    work(now)
    told_all = str([notice.data for notice in Notice.objects.all()])
    assert "Public." in told_all
    for words in ("Between us.", "Unlike the others.", "Seller's own words."):
        assert words not in told_all


def test_a_promise_is_told_with_its_own_clock(cast: Cast) -> None:
    now = timezone.now()
    request = make_request(cast, state=State.AWAITING_SELLER, now=now)
    promise(
        number=request.number,
        user=cast.seller_user,
        on=(now + days(5)).date(),
        note="A new code.",
        now=now,
    )
    work(now)
    made = Notice.objects.get(topic="offer_made")
    assert made.data["due_kind"] == "promise"
    tell.sweep_progress(now + days(4))
    assert Notice.objects.get(topic="progress").data["due_kind"] == "promise"


def test_an_arbiter_is_told_of_their_seat(cast: Cast, mailbox: object) -> None:
    request, person = make_request(cast, state=State.ARBITRATION), arbiter()
    User.objects.filter(pk=person.pk).update(email="arbiter@example.com")
    seat(cast, request, person)
    notice = Notice.objects.get(topic="seated")
    assert (notice.recipient_kind, notice.recipient_id) == (RecipientKind.USER, person.pk)
    assert request.number in render(notice.topic, notice.recipient_kind, notice.data).title
    assert [row.way for row in notice.deliveries.all()] == ["email"]


def test_supervisors_are_told_of_a_new_appeal_and_nobody_else_on_the_staff(cast: Cast) -> None:
    gone = StaffFactory.create(role="supervisor", is_active=False)
    appeal = buyer_appeals(rejected(cast))
    notices = Notice.objects.filter(topic="appeal_to_decide")
    assert [notice.recipient_id for notice in notices] == [cast.supervisor.pk]
    assert notices.get().data["due_at"] == instant(appeal.due_at)
    assert gone.pk not in notices.values_list("recipient_id", flat=True)
