"""Decisions on the case page: every state x every move by POST, two persons, amounts, refusals that keep the text."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils.translation import override

from marketplace.identity.models import User
from marketplace.identity.roles import PERMISSIONS, Role
from refunds.admin.looks import STATES
from refunds.admin.moves import MOVES, VOTES
from refunds.casefile.words import EVENTS as EVENT_TITLES
from refunds.machine import BY_MOVE, EVENTS, Edge, Party, State
from refunds.models import Proposal, RefundRequest
from refunds.operations import review
from tests.cases import make_request
from tests.people import Cast

from .conftest import make_large, staff, standing, url_of

SignIn = Callable[[User], Client]
ONE_PERSON_MOVES = [
    name for name in MOVES if name not in ("confirm", *VOTES)
]  # votes: tests/desk/test_panel.py


def typed(move: str, **fields: str) -> dict[str, str]:
    """The form of a move, filled in."""
    extra = {
        "approve": {"fault": "none"},
        "ask_evidence": {"of": "buyer"},
        "confirm": {"fault": "none"},
        "reject": {"clause": "B3", "fault": "buyer"},
        "approve_part": {"amount": "12.50", "fault": "seller"},
    }.get(move, {})
    return {"move": move, "note": "Checked with the provider.", **extra, **fields}


def edge_of(move: str, state: str) -> Edge | None:
    """The edge this move takes from this state."""
    return next((BY_MOVE[event, state] for event in MOVES[move].events if (event, state) in BY_MOVE), None)


def test_every_event_and_state_of_the_machine_has_its_words() -> None:
    assert set(EVENT_TITLES) == set(EVENTS)
    assert set(STATES) == set(State)


@pytest.mark.parametrize("move", ONE_PERSON_MOVES)
@pytest.mark.parametrize("state", State.values)
def test_move_from_state(state: str, move: str, cast: Cast, desk: Client) -> None:
    request = make_request(cast, state=state)
    before = standing(request)
    edge = edge_of(move, state)
    answer = desk.post(url_of(request), typed(move))
    if edge is not None and Party.REVIEWER in edge.by:
        assert (answer.status_code, answer.headers.get("Location")) == (302, url_of(request))
        request.refresh_from_db()
        last = request.transitions.order_by("sequence").last()
        assert last is not None
        assert (request.state, last.event, last.user) == (edge.target, edge.event, cast.reviewer)
        assert last.note == "Checked with the provider."
    else:
        assert answer.status_code == (409 if edge is None else 403)
        assert "Checked with the provider." in answer.content.decode()
        assert standing(request) == before


@pytest.mark.parametrize("state", State.values)
def test_page_shows_exactly_the_moves_of_the_state(state: str, cast: Cast, desk: Client) -> None:
    page = desk.get(url_of(make_request(cast, state=state))).content.decode()
    shown = {name for name in MOVES if f'name="move" value="{name}"' in page}
    wanted = {
        name for name in ONE_PERSON_MOVES if (edge := edge_of(name, state)) and Party.REVIEWER in edge.by
    }
    assert shown == wanted


@pytest.mark.parametrize(
    ("state", "move", "target"),
    [
        ("rejected", "hear_appeal", "manual_review"),
        ("rejected", "escalate", "arbitration"),
        ("arbitration", "approve", "approved"),
        ("arbitration", "approve_part", "approved"),
        ("arbitration", "reject", "rejected"),
    ],
)
def test_supervisor_has_the_moves_beyond_a_reviewer(
    state: str, move: str, target: str, cast: Cast, signed_in: SignIn
) -> None:
    request, desk = make_request(cast, state=state), signed_in(cast.supervisor)
    assert f'name="move" value="{move}"' in desk.get(url_of(request)).content.decode()
    assert desk.post(url_of(request), typed(move)).status_code == 302
    request.refresh_from_db()
    assert request.state == target


@pytest.mark.parametrize("role", [role for role in Role.values if role not in ("reviewer", "supervisor")])
@pytest.mark.parametrize("move", ONE_PERSON_MOVES)
def test_other_roles_decide_nothing(move: str, role: str, cast: Cast, signed_in: SignIn) -> None:
    request = make_request(cast, state=next(s for s in State.values if edge_of(move, s)))
    before = standing(request)
    client = signed_in(staff(role))
    answer = client.post(url_of(request), typed(move))
    # To an arbiter who is not appointed to it, the case is not there.
    assert answer.status_code == (302 if role == Role.ARBITER else 403)
    assert standing(request) == before
    if "refunds.view_refundrequest" in PERMISSIONS[role]:
        assert f'name="move" value="{move}"' not in client.get(url_of(request)).content.decode()


def test_second_person_confirms_what_the_first_proposed(cast: Cast, signed_in: SignIn) -> None:
    request = make_large(cast)
    first, second = signed_in(cast.reviewer), signed_in(cast.second_reviewer)
    with override("en"):
        proposed = first.post(
            url_of(request), typed("approve"), follow=True, headers={"accept-language": "en"}
        )
        assert "second person must confirm" in proposed.content.decode()
        assert Proposal.objects.get().by == cast.reviewer
        own = first.get(url_of(request), headers={"accept-language": "en"}).content.decode()
        assert "another person must confirm" in own
    assert not [name for name in ("approve", "approve_part", "confirm") if f'value="{name}"' in own]
    theirs = second.get(url_of(request)).content.decode()
    assert cast.reviewer.username in theirs
    assert f'name="proposed" value="{request.amount}"' in theirs
    assert 'value="approve"' not in theirs
    done = second.post(url_of(request), typed("confirm", proposed=str(request.amount)))
    assert done.status_code == 302
    request.refresh_from_db()
    assert (request.state, request.approved_amount) == ("approved", request.amount)
    assert (request.maker, request.checker) == (cast.reviewer, cast.second_reviewer)


@pytest.mark.parametrize("move", ["approve", "confirm"])
def test_same_person_twice_is_refused(move: str, cast: Cast, desk: Client) -> None:
    request = make_large(cast)
    desk.post(url_of(request), typed("approve"))
    before = standing(request)
    again = desk.post(url_of(request), typed(move, proposed=str(request.amount)))
    assert again.status_code == 409
    assert standing(request) == before
    assert request.proposals.count() == 1


def test_another_amount_than_the_proposed_is_not_confirmed(cast: Cast, signed_in: SignIn) -> None:
    request = make_large(cast)
    signed_in(cast.reviewer).post(url_of(request), typed("approve"))
    before = standing(request)
    answer = signed_in(cast.second_reviewer).post(
        url_of(request), typed("confirm", proposed=str(request.amount - 1))
    )
    assert answer.status_code == 422
    assert standing(request) == before


@pytest.mark.parametrize(
    ("amount", "word"),
    [
        ("12.505", "decimals"),
        ("1e2", "number"),
        ("-1", "number"),
        ("NaN", "number"),
        ("", "required"),
        ("12,50", "number"),
    ],
)
def test_unclear_amount_is_refused_naming_the_field(amount: str, word: str, cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    before = standing(request)
    answer = desk.post(
        url_of(request), typed("approve_part", amount=amount), headers={"accept-language": "en"}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert word in page
    assert "desk-field-wrong" in page
    assert "Checked with the provider." in page
    assert standing(request) == before


@pytest.mark.parametrize("amount", ["0", "99.01", "1000000000000"])
def test_amount_beyond_what_was_asked_is_refused(amount: str, cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    before = standing(request)
    assert desk.post(url_of(request), typed("approve_part", amount=amount)).status_code == 422
    assert standing(request) == before


@pytest.mark.parametrize(
    ("amount", "fen"), [("98.99", 9899), ("98.9", 9890), ("７．５", 750), (" 50 ", 5000)]
)
def test_part_is_approved_to_the_fen(amount: str, fen: int, cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    desk.post(url_of(request), typed("approve_part", amount=amount))
    request.refresh_from_db()
    assert (request.state, request.approved_amount) == ("approved", fen)


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"move": "reject", "fault": "buyer", "clause": "", "note": "Seen as used."}, "Seen as used."),
        ({"move": "reject", "fault": "buyer", "clause": "B3", "note": "  "}, "B3"),
        ({"move": "reject", "fault": "buyer", "clause": "x" * 17, "note": "Seen as used."}, "Seen as used."),
        ({"move": "reject", "fault": "buyer", "clause": "B3", "note": "long " * 900}, "long long"),
        ({"move": "approve", "fault": "none", "note": ""}, ""),
        ({"move": "approve", "fault": "none", "note": "nul \x00"}, ""),
    ],
)
def test_incomplete_form_is_refused_and_keeps_what_was_typed(
    fields: dict[str, str], kept: str, cast: Cast, desk: Client
) -> None:
    request = make_request(cast, state="manual_review")
    before = standing(request)
    answer = desk.post(url_of(request), fields)
    assert answer.status_code == 422
    assert kept in answer.content.decode()
    assert standing(request) == before


def test_text_typed_while_the_case_moved_on_is_shown_back(
    cast: Cast, signed_in: SignIn, desk: Client
) -> None:
    request = make_request(cast, state="manual_review")
    signed_in(cast.supervisor).post(url_of(request), typed("refer"))
    late = desk.post(url_of(request), typed("reject", note="Three long paragraphs."))
    assert late.status_code == 403
    assert "Three long paragraphs." in late.content.decode()


@pytest.mark.parametrize("move", ["", "settle", "rule_for_buyer", "__class__"])
def test_unknown_move_is_refused(move: str, cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    before = standing(request)
    assert desk.post(url_of(request), typed(move)).status_code == 400
    assert standing(request) == before


def test_message_reaches_both_sides_and_a_note_stays_with_staff(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    assert desk.post(url_of(request), {"move": "say", "text": "Please add a screenshot."}).status_code == 302
    desk.post(url_of(request), {"move": "note", "text": "Seller was warned twice."})
    said = list(request.messages.order_by("id").values_list("text", "is_internal", "user"))
    assert said == [
        ("Please add a screenshot.", False, cast.reviewer.pk),
        ("Seller was warned twice.", True, cast.reviewer.pk),
    ]
    assert desk.post(url_of(request), {"move": "say", "text": "  "}).status_code == 422
    assert request.messages.count() == 2


@pytest.mark.parametrize("role", ["finance", "risk", "auditor"])
def test_readers_of_a_case_do_not_write_in_it(role: str, cast: Cast, signed_in: SignIn) -> None:
    request = make_request(cast, state="manual_review")
    answer = signed_in(staff(role)).post(url_of(request), {"move": "say", "text": "Hello"})
    assert answer.status_code == 403
    assert not request.messages.exists()


def test_case_that_is_not_there_leads_back_to_the_queue(cast: Cast, desk: Client) -> None:
    for answer in (desk.get("/admin/refunds/refundrequest/case/RFNONE/"),
                   desk.post("/admin/refunds/refundrequest/case/RFNONE/", typed("approve")),
                   desk.post("/admin/refunds/refundrequest/case/RFNONE/", {"move": "say", "text": "x"}),
                   desk.get("/admin/refunds/refundrequest/abc/change/")):  # fmt: skip
        assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/refunds/refundrequest/")


def test_a_move_voids_the_proposal(cast: Cast, signed_in: SignIn) -> None:
    request = make_large(cast)
    signed_in(cast.reviewer).post(url_of(request), typed("approve"))
    second = signed_in(cast.second_reviewer)
    second.post(url_of(request), typed("ask_evidence"))
    second.post(url_of(request), typed("resume"))
    request.refresh_from_db()
    assert review.standing_proposal(request) is None
    answer = second.post(url_of(request), typed("confirm", proposed=str(request.amount)))
    assert answer.status_code == 302  # a proposal of their own, not a confirmation
    assert RefundRequest.objects.get().state == "manual_review"
