"""The workbench (requirements K1, F5, F9, D6): the letter before it is sent, what is at stake, the next case, one stream."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from marketplace.identity.models import Buyer, User
from marketplace.kernel.models import OutboxJob
from marketplace.notices.models import Notice
from marketplace.notices.texts import render
from refunds.admin.moves import MOVES
from refunds.admin.shortcuts import CASE, EVERYWHERE
from refunds.machine import EDGES
from refunds.models import RefundRequest
from refunds.operations.say import say_as_staff
from refunds.operations.tell import tell_waiting
from refunds.policy import ChargebackFee
from refunds.precedents import Precedent
from refunds.seller_figures import counts
from refunds.stakes import weigh
from tests.cases import make_request
from tests.evidence import evidence_folder, give
from tests.judged import approve, reject, to_judge
from tests.people import Cast
from tests.refunds.hostile.parts import pdf, png

from .conftest import QUEUE, make_large, standing, url_of

__all__ = ["evidence_folder"]
pytestmark = pytest.mark.usefixtures("evidence_folder")
SignIn = Callable[[User], Client]
REJECTION = {"move": "reject", "clause": "B3", "fault": "buyer", "note": "It was used."}


def letter(client: Client, request: RefundRequest, **data: str) -> Any:
    return client.post(f"{url_of(request)}letter/", data)


# --- The letter ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("region", "language"), [("CN", "zh-hans"), ("US", "en")])
@pytest.mark.parametrize(
    "data",
    [
        REJECTION,
        {"move": "approve", "fault": "seller", "note": "Right."},
        {"move": "approve_part", "amount": "1.50", "fault": "none", "note": "A part."},
        {"move": "ask_evidence", "of": "buyer", "note": "Show it."},
        {"move": "refer", "note": "Hard."},
    ],
    ids=lambda data: data["move"],
)
def test_letter_is_the_very_text_that_is_sent_then_in_the_buyers_language(
    region: str, language: str, data: dict[str, str], cast: Cast, desk: Client
) -> None:
    Buyer.objects.filter(pk=cast.buyer.pk).update(region=region)
    request = make_request(cast, state="manual_review")
    shown = letter(desk, request, **data).context["letter"]
    assert shown.language == language
    assert desk.post(url_of(request), data).status_code == 302
    tell_waiting(timezone.now())
    notice = Notice.objects.filter(recipient_kind="buyer", subject=request.number).latest("id")
    with override(notice.language):
        sent = render(notice.topic, "buyer", notice.data)
    minutes = [line.rpartition(":")[0] if "20" in line else line for line in sent.lines]  # a clock may tick
    assert (shown.text.title, minutes) == (
        sent.title,
        [line.rpartition(":")[0] if "20" in line else line for line in shown.text.lines],
    )
    assert notice.language == language


def test_letter_is_shown_in_the_other_language_where_asked(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    page = letter(desk, request, **REJECTION, language="en").content.decode()
    assert "was rejected." in page
    assert 'lang="en"' in page


def test_looking_at_a_letter_sends_and_changes_nothing(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    before = (standing(request), Notice.objects.count(), OutboxJob.objects.count())
    assert letter(desk, request, **REJECTION).status_code == 200
    assert (standing(request), Notice.objects.count(), OutboxJob.objects.count()) == before


def test_letter_of_a_proposal_says_that_it_waits_for_a_second_person(cast: Cast, desk: Client) -> None:
    request = make_large(cast)
    context = letter(desk, request, move="approve", fault="seller", note="Right.").context
    assert context["waits_for_second"]
    assert not letter(desk, request, **REJECTION).context["waits_for_second"]


def test_who_may_not_move_a_case_is_shown_no_letter(cast: Cast, signed_in: SignIn) -> None:
    request = make_request(cast, state="manual_review")
    assert letter(signed_in(cast.finance), request, **REJECTION).status_code == 404
    assert signed_in(cast.reviewer).get(f"{url_of(request)}letter/").status_code == 405


# --- What is at stake ----------------------------------------------------------------------------------------

FEE = ChargebackFee(amount=1500, currency="USD", borne_by="seller")


def precedent(outcome: str, findings: float = 1.0) -> Precedent:
    return Precedent(
        "RF1", outcome, "buyer", "B3", timezone.now(), same_goods=True, same_reason=True, findings=findings, words=1.0
    )  # fmt: skip


def test_stakes_are_borne_as_the_refund_would_be() -> None:
    at_stake = weigh(
        amount=10_000, from_settled=6_000, funds={"payable": 2_500, "deposit": 1_000}, commission_bps=500, fee=FEE,
        precedents=[],
    )  # fmt: skip
    assert (at_stake.payable, at_stake.deposit, at_stake.debt) == (2_500, 1_000, 2_500)
    assert (at_stake.earned, at_stake.commission) == (3_800, 200)
    assert sum(at_stake[1:6]) == at_stake.amount
    assert at_stake.fee == FEE


def test_share_of_precedents_is_given_from_three_that_bind() -> None:
    far = precedent("reject", findings=0.0)._replace(words=0.0)
    two = [precedent("approve"), precedent("reject"), far, far]
    few = weigh(amount=1, from_settled=0, funds={}, commission_bps=0, fee=FEE, precedents=two)
    assert (few.comparable, few.share_for_buyer) == (2, None)
    enough = weigh(
        amount=1, from_settled=0, funds={}, commission_bps=0, fee=FEE, precedents=[*two, precedent("part")]
    )
    assert (enough.comparable, enough.for_buyer, enough.share_for_buyer) == (3, 2, 67)


def test_page_weighs_only_what_is_to_be_judged(cast: Cast, desk: Client) -> None:
    to_decide, over = to_judge(cast), make_request(cast, state="refunding")
    at_stake = desk.get(url_of(to_decide)).context["stakes"]
    assert at_stake.amount == to_decide.amount == at_stake.earned + at_stake.commission
    assert desk.get(url_of(over)).context["stakes"] is None


def test_sellers_standing_counts_orders_disputed_once(cast: Cast) -> None:
    make_request(cast, state="manual_review")
    found = counts(cast.seller.pk, timezone.now() + timedelta(minutes=1))
    assert (found.orders, found.cases, found.disputed) == (1, 1, 0)
    assert found.refund_rate is None  # of one order there is no rate


# --- Clauses, the stream, drafts -----------------------------------------------------------------------------


def test_clauses_begin_with_those_of_the_findings_and_have_their_words(cast: Cast, desk: Client) -> None:
    request = to_judge(cast)
    shown = desk.get(url_of(request), headers={"accept-language": "en"}).context["clauses"]
    first = [clause.is_found for clause in shown]
    assert first == sorted(first, reverse=True)
    assert {True, False} == set(first)
    assert all(clause.words for clause in shown)
    assert "B6" in {clause.code for clause in shown if not clause.is_found}


def test_stream_sorts_what_was_said_given_and_moved(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    for is_internal in (False, True):
        say_as_staff(
            number=request.number,
            user=cast.reviewer,
            text="Seen.",
            now=timezone.now(),
            is_internal=is_internal,
        )
    give(request, cast.support, png())
    stream = desk.get(url_of(request)).context["timeline"]
    assert [shown.groups for shown in stream if shown.entry.text == "Seen."] == [("message",), ("note",)]
    [file] = [shown for shown in stream if shown.file]
    assert file.groups == ("evidence",)
    assert file.file.thumbnail
    assert sum("move" in shown.groups for shown in stream) == request.sequence


def test_draft_is_forgotten_only_when_the_server_says_it_arrived(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    name = f"{request.number}:reject"
    refused = desk.post(url_of(request), {**REJECTION, "note": "", "draft": name})
    assert (refused.status_code, refused.context["sent"]) == (422, "")
    assert desk.post(url_of(request), {**REJECTION, "draft": name}).status_code == 302
    assert desk.get(url_of(request)).context["sent"] == name
    assert desk.get(url_of(request)).context["sent"] == ""


# --- The next case -------------------------------------------------------------------------------------------


def test_decision_leads_to_the_next_case_in_hand_and_is_remembered(cast: Cast, desk: Client) -> None:
    here, after = (make_request(cast, state="manual_review") for _ in range(2))
    answer = desk.post(url_of(here), {**REJECTION, "then": "next"})
    assert answer.headers["Location"].split("?")[0] == url_of(after)
    after.refresh_from_db()
    assert after.holder == cast.reviewer
    page = desk.get(answer.headers["Location"])
    assert page.context["then_next"]
    assert page.context["queue"] == "review"


def test_decision_without_the_box_stays_and_forgets_it(cast: Cast, desk: Client) -> None:
    here, after = (make_request(cast, state="manual_review") for _ in range(2))
    desk.post(url_of(here), {"move": "say", "text": "Wait.", "then": "next"})
    assert desk.post(url_of(here), REJECTION).headers["Location"] == url_of(here)
    after.refresh_from_db()
    assert after.holder is None
    assert not desk.get(url_of(after)).context["then_next"]


def test_refused_decision_leads_nowhere(cast: Cast, desk: Client) -> None:
    here, after = (make_request(cast, state="manual_review") for _ in range(2))
    answer = desk.post(url_of(here), {**REJECTION, "note": "", "then": "next"})
    assert answer.status_code == 422
    after.refresh_from_db()
    assert after.holder is None


def test_last_case_leads_back_to_its_queue(cast: Cast, desk: Client) -> None:
    here = make_request(cast, state="manual_review")
    answer = desk.post(f"{url_of(here)}?_changelist_filters=queue%3Doverdue", {**REJECTION, "then": "next"})
    assert answer.headers["Location"] == f"{QUEUE}?queue=overdue"


# --- Keys, palette, queries ----------------------------------------------------------------------------------


def test_no_two_moves_open_together_have_one_key() -> None:
    fixed = [key for shortcut in (CASE | EVERYWHERE).values() for key in shortcut.keys]
    assert len(set(fixed)) == len(fixed)
    for state in {edge.source for edge in EDGES}:
        events = {edge.event for edge in EDGES if edge.source == state}
        keys: dict[str, set[str]] = {}
        for name, move in MOVES.items():
            if events & set(move.events):
                keys.setdefault(move.key, set()).add(name)
        # To confirm, to approve and to vote stand for each other: open_to() shows one of them.
        alike = ({"confirm", "approve", "vote_for_buyer"}, {"reject", "vote_for_seller"})
        assert all(len(names) == 1 or any(names <= each for each in alike) for names in keys.values()), keys
        assert not set(keys) & set(fixed)


def test_palette_finds_a_case_by_its_numbers_within_reach(
    cast: Cast, desk: Client, signed_in: SignIn
) -> None:
    request = make_request(cast, state="manual_review")
    for term in (request.number, request.order.no, request.order.external_no):
        [found] = desk.get(f"{QUEUE}find/", {"q": term}).json()["cases"]
        assert (found["number"], found["link"]) == (request.number, url_of(request))
    assert desk.get(f"{QUEUE}find/", {"q": "R"}).json() == {"cases": []}


def test_palette_holds_the_pages_of_this_role_in_both_languages(cast: Cast, signed_in: SignIn) -> None:
    shown = {}
    for user in (cast.reviewer, cast.finance):
        context = signed_in(user).get("/admin/", headers={"accept-language": "en"}).context
        shown[user.role] = {item.link: item for item in context["palette"]()}
    overdue = shown["reviewer"][f"{QUEUE}?queue=overdue"]
    assert (overdue.title, "已超时" in overdue.words) == ("Overdue", True)
    assert "/admin/payments/withdrawal/" in shown["finance"]
    assert "/admin/payments/withdrawal/" not in shown["reviewer"]


def test_case_page_takes_the_same_queries_with_all_there_can_be(cast: Cast, desk: Client) -> None:
    """Evidence that is in other cases too, messages and precedents: as many rows, no more queries."""
    for decide in (approve, reject, reject):
        decide(to_judge(cast), cast.second_reviewer)
    taken = []
    for files, words in ((1, 1), (6, 12)):
        request = to_judge(cast, quantity=files, total=9000)
        for n in range(files):
            give(request, cast.support, png(n), kind="other")
            give(request, cast.support, pdf(), kind="payment_proof") if n == 0 else None
        for n in range(words):
            say_as_staff(
                number=request.number,
                user=cast.reviewer,
                text=f"{n}",
                now=timezone.now(),
                is_internal=n % 2 == 1,
            )
        desk.get(url_of(request))
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(url_of(request)).status_code == 200
        taken.append(len(queries))
    assert taken == [37, 37]  # and one more where the figures of the seller are not remembered
