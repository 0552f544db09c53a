"""The panel at the desk, and an arbiter's narrow desk (requirement F8)."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import User
from refunds.evidence_shown import link_for_user
from refunds.models import PanelMember, RefundRequest, Vote
from refunds.operations.give_evidence import give_as_seller
from tests.cases import make_request
from tests.contested import arbiter, cast_vote, seat
from tests.evidence import evidence_folder, upload
from tests.people import Cast

from .conftest import QUEUE, standing, url_of

__all__ = ["evidence_folder"]
SignIn = Callable[[User], Client]
ENGLISH = {"accept-language": "en"}
TO_THE_LIST = (302, QUEUE)


def test_arbiter_sees_the_cases_they_sit_over_and_no_other(cast: Cast, signed_in: SignIn) -> None:
    mine, other, me = (
        make_request(cast, state="arbitration"), make_request(cast, state="arbitration"), arbiter(),
    )  # fmt: skip
    desk = signed_in(me)
    assert desk.get(url_of(mine)).status_code == 302  # not yet appointed
    seat(cast, mine, me)
    for path in (QUEUE, f"{QUEUE}?queue=all", f"{QUEUE}?q={other.number}", f"{QUEUE}?q={other.order.no}"):
        assert url_of(other) not in desk.get(path).content.decode(), path
    assert mine.number in desk.get(QUEUE).content.decode()
    page = desk.get(url_of(mine)).content.decode()
    assert other.number not in page  # of the same buyer, and shown to others
    assert "/admin/orders/" not in page and "/admin/identity/" not in page and "/admin/sellers/" not in page
    for path in (url_of(other), f"{url_of(other)}evidence/", f"{QUEUE}{other.pk}/change/"):
        answer = desk.get(path)
        assert (answer.status_code, answer.headers["Location"]) == TO_THE_LIST, path
    assert desk.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    "move", ["approve", "reject", "say", "vote_for_buyer", "write_answer", "appoint", "take_over"]
)
def test_arbiters_post_to_another_case_changes_nothing(cast: Cast, signed_in: SignIn, move: str) -> None:
    other, me = make_request(cast, state="arbitration"), arbiter()
    seat(cast, make_request(cast, state="arbitration"), me)
    before = standing(other)
    fields = {
        "note": "x",
        "fault": "none",
        "clause": "B3",
        "amount": "1",
        "text": "Hello",
        "arbiter": str(me.pk),
    }
    answer = signed_in(me).post(url_of(other), {"move": move, **fields})
    assert (answer.status_code, answer.headers["Location"]) == TO_THE_LIST
    assert standing(other) == before


@pytest.mark.usefixtures("evidence_folder")
def test_arbiters_link_to_a_file_works_while_they_sit(cast: Cast, signed_in: SignIn) -> None:
    request, me = make_request(cast, state="arbitration"), arbiter()
    file = give_as_seller(
        number=request.number,
        user=cast.seller_user,
        kind="error_screen",
        upload=upload(),
        note="",
        now=timezone.now(),
    )
    desk = signed_in(me)
    link = link_for_user(file, me, timezone.now())
    assert desk.get(link).status_code == 404
    [member] = seat(cast, request, me)
    assert desk.get(link).status_code == 200
    PanelMember.objects.filter(pk=member.pk).update(left_at=timezone.now(), removed_by=cast.supervisor)
    assert desk.get(link).status_code == 404


def test_supervisor_appoints_and_lets_go(cast: Cast, signed_in: SignIn) -> None:
    request, me = make_request(cast, state="arbitration"), arbiter()
    desk = signed_in(cast.supervisor)
    assert me.username in desk.get(url_of(request)).content.decode()
    assert desk.post(url_of(request), {"move": "appoint", "arbiter": me.pk}).status_code == 302
    member = PanelMember.objects.get()
    assert (member.arbiter, member.appointed_by) == (me, cast.supervisor)
    assert desk.post(url_of(request), {"move": "appoint", "arbiter": ""}).status_code == 422
    assert desk.post(url_of(request), {"move": "remove", "member": member.pk}).status_code == 302
    member.refresh_from_db()
    assert member.left_at is not None


def test_members_vote_and_see_the_others_votes_only_after_their_own(cast: Cast, signed_in: SignIn) -> None:
    request, people = make_request(cast, state="arbitration"), [arbiter() for _ in range(3)]
    seat(cast, request, *people)
    cast_vote(request, people[0], 4321, note="The seal was broken.")
    desk = signed_in(people[1])
    page = desk.get(url_of(request), headers=ENGLISH).content.decode()
    assert 'value="vote_for_buyer"' in page and 'value="approve"' not in page
    assert "has voted" in page and "43.21" not in page and "The seal was broken." not in page
    vote = {"move": "vote_for_seller", "note": "Used.", "fault": "buyer", "clause": "B3"}
    assert desk.post(url_of(request), vote).status_code == 302
    page = desk.get(url_of(request), headers=ENGLISH).content.decode()
    assert "43.21" in page and "The seal was broken." in page and 'value="vote_for_buyer"' not in page
    last = {"move": "vote_for_buyer", "note": "Fresh.", "fault": "seller", "amount": "50",
            "shares_seller": "70", "shares_buyer": "30"}  # fmt: skip
    assert signed_in(people[2]).post(url_of(request), last).status_code == 302
    request.refresh_from_db()
    assert (request.state, request.approved_amount) == ("approved", 4660)
    assert Vote.objects.get(member__arbiter=people[2]).shares == {"seller": 70, "buyer": 30}
    assert request.judgements.get().shares == {"seller": 70, "buyer": 30}


def test_shares_that_make_no_hundred_are_refused_and_kept(cast: Cast, signed_in: SignIn) -> None:
    request = make_request(cast, state="manual_review")
    before = standing(request)
    part = {"move": "approve_part", "note": "Half.", "fault": "seller", "amount": "50", "shares_seller": "70"}
    answer = signed_in(cast.reviewer).post(url_of(request), part)
    assert answer.status_code == 422
    assert 'value="70"' in answer.content.decode()
    assert standing(request) == before


def test_reviewer_asks_the_seller_and_the_page_says_whom_it_waits_for(cast: Cast, signed_in: SignIn) -> None:
    request, desk = make_request(cast, state="manual_review"), signed_in(cast.reviewer)
    asked = {
        "move": "ask_evidence",
        "note": "The delivery log.",
        "of": "seller",
        "kinds": ["provider_statement"],
    }
    assert desk.post(url_of(request), asked).status_code == 302
    page = desk.get(url_of(request), headers=ENGLISH).content.decode()
    assert "Asked: Seller" in page and "The delivery log." in page
    row = RefundRequest.objects.get()
    assert row.evidence_demands.get().of == "seller"
    assert desk.post(url_of(request), {**asked, "of": "support"}).status_code in (409, 422)


def test_too_short_a_time_is_refused(cast: Cast, signed_in: SignIn) -> None:
    request = make_request(cast, state="manual_review")
    before = standing(request)
    soon = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    answer = signed_in(cast.reviewer).post(
        url_of(request), {"move": "ask_evidence", "note": "The log.", "of": "seller", "until": soon}
    )
    assert answer.status_code == 422
    assert standing(request) == before
