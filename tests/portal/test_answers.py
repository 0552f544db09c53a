"""The seller's answers: each POST is one operation, refused without losing a word, harmless when repeated."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from marketplace.payments.models import Claim
from refunds.machine import EVENTS as MACHINE_EVENTS
from refunds.machine import State
from refunds.models import Message, Proposal, RefundRequest
from refunds.operations import review
from refunds.operations.answer import refuse
from sellers.portal import looks
from tests.people import Cast

from .tools import BIG, Asked, snapshot, url, words


def state(request: RefundRequest) -> str:
    return RefundRequest.objects.get(pk=request.pk).state


def test_case_page_shows_what_is_asked_and_the_way_to_answer(seller: Client, asked: Asked) -> None:
    request = asked(page_text="Codes work for one year.", terms={"window_days": 15})
    page = words(seller.get(url(request)))
    for text in (
        request.number, "Game card 50", "CNY 99.00", "The shop says the code is invalid.", "Codes work for one year.",
        "Delivered", "Revealed", "Seen, use unproven", "Agree: pay CNY 99.00 back", "Refuse with a ground",
        "the silence counts against you", "The buyer sees the same countdown.", "You were asked for an answer",
    ):  # fmt: skip
        assert text in page, text
    assert "two-person" not in page
    assert "a member of staff" not in page


def test_agreeing_asks_once_more_then_reserves_the_money(seller: Client, asked: Asked) -> None:
    request = asked()
    assert "Pay CNY 99.00 back to the buyer?" in words(seller.get(url(request, "agree")))
    assert state(request) == State.AWAITING_SELLER
    done = seller.post(url(request, "agree"), {"note": "Sorry."}, follow=True)
    assert done.redirect_chain == [(url(request), 302)]
    assert "Done: you agreed, and the money goes back to the buyer." in words(done)
    assert state(request) == State.APPROVED
    assert Claim.objects.get().amount == 9900
    assert request.transitions.get(event="agree").note == "Sorry."


def test_agreeing_above_the_limit_proposes(seller: Client, asked: Asked) -> None:
    request = asked(total=BIG)
    assert "Above CNY 2,000.00 a member of staff confirms" in words(seller.get(url(request)))
    assert "Above CNY 2,000.00 a member of staff confirms" in words(seller.get(url(request, "agree")))
    done = words(seller.post(url(request, "agree"), follow=True))
    assert "A member of staff confirms it before the money goes back." in done
    assert "Agreed, being confirmed" in done
    assert state(request) == State.MANUAL_REVIEW
    assert Proposal.objects.get().amount == BIG
    assert not Claim.objects.exists()


@pytest.mark.parametrize("total", [9900, BIG])
def test_agreeing_twice_is_calm_and_changes_nothing(seller: Client, asked: Asked, total: int) -> None:
    request = asked(total=total)
    seller.post(url(request, "agree"), {"note": "Sorry."})
    before = snapshot(request)
    again = seller.post(url(request, "agree"), {"note": "Sorry."}, follow=True)
    assert again.status_code == 200
    assert "You agreed to this refund already" in words(again)
    assert "You agreed to this refund already" in words(seller.get(url(request, "agree"), follow=True))
    assert snapshot(request) == before


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"note": "Redeemed at noon."}, "Choose a ground."),
        ({"ground": "already_used", "note": " \n"}, "Say in a sentence what the ground rests on."),
        ({"ground": "because", "note": "Redeemed at noon."}, "Choose one of the grounds listed."),
        ({"ground": "other", "note": "x" * 4001}, "4000"),
        ({"ground": "other", "note": "null \0 byte"}, "Null characters are not allowed."),
    ],
)
def test_refusing_needs_ground_and_text_and_keeps_what_was_typed(
    seller: Client, asked: Asked, data: dict[str, str], says: str
) -> None:
    request = asked()
    before = snapshot(request)
    refused = seller.post(url(request, "refuse"), data)
    assert refused.status_code == 422
    assert says in words(refused)
    assert data["note"].strip(" \n\0")[:4] in refused.content.decode()
    assert '<details class="refuse" open>' in refused.content.decode()
    assert snapshot(request) == before


def test_refusing_brings_the_case_to_a_reviewer(seller: Client, asked: Asked) -> None:
    request = asked()
    done = words(
        seller.post(url(request, "refuse"), {"ground": "already_used", "note": "Redeemed."}, follow=True)
    )
    assert "Done: you refused." in done
    assert "The goods were used: Redeemed." in done
    assert state(request) == State.MANUAL_REVIEW
    assert request.transitions.get(event="refuse").note == "already_used: Redeemed."


def test_refusing_twice_is_calm_and_changes_nothing(seller: Client, asked: Asked) -> None:
    request = asked()
    typed = {"ground": "other", "note": "No."}
    seller.post(url(request, "refuse"), typed)
    before = snapshot(request)
    assert "You refused this refund already" in words(seller.post(url(request, "refuse"), typed, follow=True))
    assert snapshot(request) == before


@pytest.mark.parametrize(("action", "data"), [("agree", {}), ("refuse", {"ground": "other"}), ("refuse", {})])
def test_answering_too_late_says_so_and_keeps_the_text(
    seller: Client, cast: Cast, asked: Asked, action: str, data: dict[str, str]
) -> None:
    request = asked()
    review.take_over(number=request.number, user=cast.reviewer, note="Too slow.", now=timezone.now())
    before = snapshot(request)
    late = seller.post(url(request, action), {**data, "note": "I checked the log."})
    assert late.status_code == 409
    assert "no longer waits for your answer. It is now: With a reviewer." in words(late)
    assert "I checked the log.</textarea>" in late.content.decode()
    assert snapshot(request) == before


def test_agreeing_after_a_colleague_refused_says_what_happened(
    seller: Client, cast: Cast, asked: Asked
) -> None:
    request = asked()
    refuse(number=request.number, user=cast.seller_user, ground="other", note="No.", now=timezone.now())
    assert "You refused this refund already" in words(seller.post(url(request, "agree"), follow=True))
    assert state(request) == State.MANUAL_REVIEW


def test_an_agreement_the_books_refuse_is_shown_beside_the_form(seller: Client, asked: Asked) -> None:
    request = asked()
    capture = request.order.captures.get()
    claimed = Claim.objects.create(
        capture=capture, amount=9900, kind="refund", reference="other", created_at=timezone.now()
    )
    refused = seller.post(url(request, "agree"), {"note": "Sorry, my fault."})
    assert claimed.pk
    assert 400 <= refused.status_code < 500
    assert 'role="alert"' in refused.content.decode()
    assert "Sorry, my fault.</textarea>" in refused.content.decode()
    assert state(request) == State.AWAITING_SELLER


def test_a_message_is_sent_once_however_often_the_button_is_pressed(seller: Client, asked: Asked) -> None:
    request = asked()
    sent = seller.post(url(request, "messages"), {"text": "Which server?\r\nThanks."}, follow=True)
    assert "Which server? Thanks." in words(sent)
    again = seller.post(url(request, "messages"), {"text": "Which server?\r\nThanks."}, follow=True)
    assert "it was not sent twice" in words(again)
    assert Message.objects.get().text == "Which server?\nThanks."
    seller.post(url(request, "messages"), {"text": "Hello?"})
    assert Message.objects.count() == 2
    assert state(request) == State.AWAITING_SELLER


@pytest.mark.parametrize("text", ["", " \r\n", "x" * 4001])
def test_empty_or_endless_messages_are_refused(seller: Client, asked: Asked, text: str) -> None:
    request = asked()
    refused = seller.post(url(request, "messages"), {"text": text})
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.content.decode()
    assert not Message.objects.exists()


def test_text_is_shown_as_text(seller: Client, asked: Asked) -> None:
    request = asked()
    seller.post(url(request, "messages"), {"text": "<script>alert(1)</script>"})
    body = seller.get(url(request)).content.decode()
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert" in body


@pytest.mark.parametrize("part", ["refuse", "messages"])
def test_get_of_a_form_address_leads_back_to_the_case(seller: Client, asked: Asked, part: str) -> None:
    request = asked()
    back = seller.get(url(request, part))
    assert (back.status_code, back["Location"]) == (302, url(request))


def test_chinese_comes_first(seller: Client, asked: Asked) -> None:
    request = asked()
    del seller.cookies["django_language"]
    body = seller.get(url(request)).content.decode()
    assert '<html lang="zh-Hans">' in body
    assert "卡密无效" in body
    assert "¥99.00" in body


def test_looks_cover_the_whole_machine() -> None:
    assert set(looks.EVENTS) == set(MACHINE_EVENTS)
    assert set(looks.STATES) == set(State)


def test_case_page_takes_a_fixed_number_of_queries(
    seller: Client, asked: Asked, django_assert_num_queries: Any
) -> None:
    one, many = asked(), asked(quantity=12, total=12_000)
    seller.get(url(one))
    for request in (one, many):
        # session, user, membership; case with items and units, moves, decision, judgement, messages, clocks, evidence,
        # demands, appeals, offers, sealed offers; unit events; transfers; disputes; captures; bell; extensions; what
        # is announced
        with django_assert_num_queries(22):
            seller.get(url(request))
