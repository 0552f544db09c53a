"""Search by any number (requirement K5): the case is found by whatever number a person has before them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import override

from marketplace.identity.models import Buyer, User
from marketplace.payments.models import Transfer
from marketplace.risk.models import Dispute
from refunds.desk_search import WAYS, find
from refunds.models import RefundRequest
from tests.cases import make_request
from tests.contested import arbiter
from tests.people import Cast

from .conftest import QUEUE, url_of

SignIn = Callable[[User], Client]
EN = {"accept-language": "en"}


# How a case was filed is never changed: as if it had come in by a ticket.
_BY_TICKET = """
SET LOCAL session_replication_role = replica;
UPDATE refunds_refundrequest SET ticket = 'TK-99' WHERE id = {id};
SET LOCAL session_replication_role = origin;
"""


@pytest.fixture
def case(cast: Cast) -> RefundRequest:
    """One that has every kind of number; beside it another one that has others."""
    Buyer.objects.filter(pk=cast.buyer.pk).update(phone="+8613812345678", external_id="U-4711")
    made = make_request(cast, state="refunded")
    with connection.cursor() as cursor:
        cursor.execute(_BY_TICKET.format(id=made.pk))
    Transfer.objects.filter(reference=made.number).update(channel_refund_no="CH-77")
    capture = made.order.captures.get()
    Dispute.objects.create(
        number="RD261127AAAAAAAA", kind="complaint", channel=capture.channel, channel_dispute_no="200000123",
        capture=capture, amount=100, currency="CNY", opened_at=timezone.now(),
    )  # fmt: skip
    other = make_request(cast, state="manual_review")
    RefundRequest.objects.filter(pk=other.pk).update(buyer=cast.stranger)
    return made


def numbers_of(case: RefundRequest) -> dict[str, str]:
    """By kind."""
    capture = case.order.captures.get()
    return {
        "refund": case.number,
        "order": case.order.no,
        "shop_order": case.order.external_no,
        "payment": capture.channel_no,
        "transfer": Transfer.objects.get(reference=case.number).number,
        "channel_refund": "CH-77",
        "dispute": "200000123",
        "buyer": "U-4711",
        "phone": "+8613812345678",
        "ticket": "TK-99",
    }


@pytest.mark.parametrize("way", WAYS)
def test_whole_number_of_any_kind_leads_straight_to_the_case_and_says_which(
    way: str, case: RefundRequest, desk: Client
) -> None:
    term = numbers_of(case)[way]
    for typed in (term, f" {term} "):
        answer = desk.get(QUEUE, {"q": typed}, headers=EN, follow=True)
        assert answer.redirect_chain == [(url_of(case), 302)], (way, typed)
        with override("en"):
            label = str(WAYS[way].label)
        assert escape(f"Found by {label}.") in answer.content.decode()


def test_small_letters_find_what_is_written_in_capitals(case: RefundRequest, cast: Cast) -> None:
    for way, term in numbers_of(case).items():
        if way in ("buyer", "ticket"):
            continue  # other people's numbers, as they write them
        assert [hit.request_id for hit in find(term.lower(), cast.reviewer)] == [case.pk], way


def test_our_own_dispute_number_is_one_too(case: RefundRequest, cast: Cast) -> None:
    assert {hit.way for hit in find("RD261127AAAAAAAA", cast.reviewer)} == {"dispute"}


@pytest.mark.parametrize("end", ["5678", "12345678", "13812345678", "138 1234 5678"])
def test_end_of_the_phone_number_lists_the_buyers_cases(end: str, case: RefundRequest, desk: Client) -> None:
    answer = desk.get(QUEUE, {"q": end}, headers=EN)
    assert [row.number for row in answer.context["cl"].result_list] == [case.number]
    assert "found by end of the phone number" in answer.content.decode()


@pytest.mark.parametrize(
    "term", ["678", "1234", "5679", "%5678", "五六七八", "", "   ", "_" * 16, "RF", "x" * 5000]
)
def test_what_is_no_number_finds_nothing(term: str, case: RefundRequest, cast: Cast) -> None:
    assert find(term, cast.reviewer) == []


def test_beginning_of_our_own_number_lists_what_begins_so(case: RefundRequest, desk: Client) -> None:
    answer = desk.get(QUEUE, {"q": case.number[:12]}, headers=EN)
    assert [row.number for row in answer.context["cl"].result_list] == [case.number]
    assert "found by refund number" in answer.content.decode()
    assert not desk.get(QUEUE, {"q": case.number[:9]}).context["cl"].result_list


def test_number_of_two_cases_lists_both(case: RefundRequest, cast: Cast, desk: Client) -> None:
    twin = make_request(cast, state="withdrawn")
    RefundRequest.objects.filter(pk=twin.pk).update(order=case.order)
    listed = desk.get(QUEUE, {"q": case.order.no}).context["cl"].result_list
    assert {row.number for row in listed} == {case.number, twin.number}


def test_search_keeps_to_the_queue_that_was_chosen_unless_one_case_is_meant(
    case: RefundRequest, desk: Client
) -> None:
    assert not desk.get(QUEUE, {"q": case.number[:12], "queue": "review"}).context["cl"].result_list
    assert desk.get(QUEUE, {"q": case.number, "queue": "review"}).headers["Location"] == url_of(case)


def test_card_code_is_no_number(case: RefundRequest, cast: Cast) -> None:
    assert find(f"CARD-{case.order.no}-1", cast.reviewer) == []


def test_arbiter_finds_no_case_they_do_not_sit_over(case: RefundRequest, signed_in: SignIn) -> None:
    person = arbiter()
    for way, term in numbers_of(case).items():
        assert find(term, person) == [], way
    answer = signed_in(person).get(QUEUE, {"q": case.number})
    assert (answer.status_code, list(answer.context["cl"].result_list)) == (200, [])


def test_one_statement_finds_it_and_reads_no_table_whole(case: RefundRequest, cast: Cast) -> None:
    """With everything else forbidden, each way still has its index."""
    statements: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        find("12345678", cast.reviewer)
    [(sql, params)] = statements
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan" not in plan, plan
