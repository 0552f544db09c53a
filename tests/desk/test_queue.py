"""The queues: what stands in each, in which order, and how few queries it takes to see it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import override

from marketplace.identity.models import User
from marketplace.payments.models import Break, Transfer
from refunds.desk_queries import BREAKS, COUNT_TO, QUEUES, queue_counts
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations import hold
from refunds.operations.review import approve_request
from tests.cases import make_request, put_clock
from tests.people import Cast

from .conftest import QUEUE, due_in, make_large, make_stuck, staff, url_of

SignIn = Callable[[User], Client]


def listed(client: Client, **parameters: str) -> list[str]:
    answer = client.get(QUEUE, parameters)
    assert answer.status_code == 200
    return [row.number for row in answer.context["cl"].result_list]


def counted(action: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        action()
    return len(queries)


def test_reviewer_sees_what_needs_a_reviewer_first_due_first(cast: Cast, desk: Client) -> None:
    late, soon, next_week = (due_in(make_request(cast, state="manual_review"), h) for h in (-2, 3, 150))
    make_request(cast, state="awaiting_seller")
    assert listed(desk) == [late.number, soon.number, next_week.number]


def test_cases_due_at_the_same_time_keep_their_order(cast: Cast, desk: Client) -> None:
    cases = [make_request(cast, state="manual_review") for _ in range(3)]
    for case in cases:
        put_clock(case, cases[0].due_at)
    assert listed(desk) == [case.number for case in cases]


@pytest.mark.parametrize(
    ("queue", "state"),
    [
        ("review", "manual_review"),
        ("seller", "awaiting_seller"),
        ("buyer", "awaiting_buyer"),
        ("evidence", "awaiting_evidence"),
        ("arbitration", "arbitration"),
    ],
)
def test_queue_of_a_state_holds_that_state_alone(queue: str, state: str, cast: Cast, desk: Client) -> None:
    cases = {each: make_request(cast, state=each).number for each in State.values}
    assert listed(desk, queue=queue) == [cases[state]]


def test_queues_by_deadline(cast: Cast, desk: Client) -> None:
    late, soon, later = (due_in(make_request(cast, state="manual_review"), h) for h in (-1, 3.9, 4.1))
    assert listed(desk, queue="overdue") == [late.number]
    assert listed(desk, queue="soon") == [soon.number]
    assert listed(desk, queue="review") == [late.number, soon.number, later.number]


def test_queues_of_money(cast: Cast, desk: Client) -> None:
    approved, paying = make_request(cast, state="approved"), make_request(cast, state="refunding")
    stuck = make_stuck(cast)
    make_request(cast, state="refunded")
    assert listed(desk, queue="paying") == [approved.number, paying.number, stuck.number]
    assert listed(desk, queue="stuck") == [stuck.number]


def test_case_with_a_refused_payment_leads_to_the_payment(cast: Cast, signed_in: SignIn) -> None:
    stuck = make_stuck(cast)
    transfer = Transfer.objects.get(reference=stuck.number)
    link = f'<a class="desk-button" href="/admin/payments/transfer/{transfer.pk}/change/">'
    assert link in signed_in(staff("finance")).get(url_of(stuck)).content.decode()
    paid = make_request(cast, state="refunded")
    assert 'class="desk-button" href="/admin/payments' not in (
        signed_in(staff("finance")).get(url_of(paid)).content.decode()
    )


def test_queues_of_hands(cast: Cast, desk: Client) -> None:
    mine, theirs, free = (due_in(make_request(cast, state="manual_review"), h) for h in (3, 2, 1))
    hold.claim(number=mine.number, user=cast.reviewer, now=timezone.now())
    hold.claim(number=theirs.number, user=cast.supervisor, now=timezone.now())
    make_request(cast, state="arbitration")
    assert listed(desk, queue="mine") == [mine.number]
    assert listed(desk, queue="unassigned") == [free.number]
    page = desk.get(QUEUE, {"queue": "review"}, headers={"accept-language": "en"}).content.decode()
    assert [
        word for word in ("You", cast.supervisor.username, "nobody") if page.count(f">{word}<") != 1
    ] == []


def test_queues_of_high_value_and_of_the_second_person(cast: Cast, desk: Client) -> None:
    plain, proposed = make_large(cast), make_large(cast)
    make_request(cast, state="manual_review")
    approve_request(
        number=proposed.number, user=cast.reviewer, amount=None, note="Due.", fault="none", now=timezone.now()
    )
    assert set(listed(desk, queue="high")) == {plain.number, proposed.number}
    assert listed(desk, queue="second") == [proposed.number]


def test_breaks_are_counted_for_who_may_see_them(cast: Cast, signed_in: SignIn) -> None:
    Break.objects.create(
        channel="alipay",
        day=timezone.now(),
        kind="amount",
        number="T1",
        ours="1",
        theirs="2",
        found_at=timezone.now(),
    )
    assert queue_counts(timezone.now(), cast.finance)[BREAKS] == 1
    for user, sees in ((cast.finance, True), (cast.support, False)):
        page = signed_in(user).get("/admin/").content.decode()
        assert ("/admin/payments/break/" in page) is sees


def test_role_decides_the_first_queue(cast: Cast, signed_in: SignIn) -> None:
    first = {"reviewer": "review", "supervisor": "overdue", "finance": "stuck", "support": "all"}
    for who, queue in first.items():
        assert signed_in(getattr(cast, who)).get(QUEUE).context["chosen_queue"].key == queue


def test_queue_mine_is_for_who_judges(cast: Cast, signed_in: SignIn) -> None:
    for user, sees in (
        (cast.reviewer, True),
        (cast.supervisor, True),
        (cast.support, False),
        (cast.auditor, False),
    ):
        page = signed_in(user).get(QUEUE)
        assert ("mine" in {queue.key for queue, _count in page.context["queues"]}) is sees
        assert ("claim-next" in page.content.decode()) is sees


def test_all_is_everything_newest_first(cast: Cast, desk: Client) -> None:
    cases = [make_request(cast, state=state).number for state in State.values]
    assert listed(desk, queue="all") == cases[::-1]


def test_unknown_queue_is_the_roles_own(cast: Cast, desk: Client) -> None:
    case = make_request(cast, state="manual_review")
    make_request(cast, state="refunded")
    assert listed(desk, queue="nonsense") == [case.number]


def test_counts_stand_on_the_tabs_and_are_capped(
    cast: Cast, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make_request(cast, state="manual_review")
    tabs = {queue.key: count for queue, count in desk.get(QUEUE).context["queues"]}
    assert (tabs["review"], tabs["arbitration"]) == ("3", "0")
    monkeypatch.setattr("refunds.desk_queries.COUNT_TO", 2)
    monkeypatch.setattr("refunds.admin.sidebar.COUNT_TO", 2)
    tabs = {queue.key: count for queue, count in desk.get(QUEUE).context["queues"]}
    assert tabs["review"] == "2+"
    assert COUNT_TO == 99


def test_overdue_is_said_in_words_beside_an_icon(cast: Cast, desk: Client) -> None:
    due_in(make_request(cast, state="manual_review"), -3)
    page = desk.get(QUEUE, headers={"accept-language": "en"}).content.decode()
    assert "3 hours overdue" in page
    assert ">alarm</span>3 hours overdue" in page


@pytest.mark.parametrize("queue", QUEUES)
def test_empty_queue_says_what_that_means(queue: str, cast: Cast, desk: Client) -> None:
    page = desk.get(QUEUE, {"queue": queue}, headers={"accept-language": "en"}).content.decode()
    with override("en"):
        assert escape(str(QUEUES[queue].empty)) in page


def test_filters_narrow_a_queue(cast: Cast, desk: Client) -> None:
    make_request(cast, state="manual_review")
    other = make_request(cast, state="manual_review", reason="other")
    assert listed(desk, reason__exact="other") == [other.number]
    page = desk.get(QUEUE, {"reason__exact": "no_fault"}).content.decode()
    assert 'href="?queue=review"' in page


def test_queue_takes_the_same_few_queries_for_three_cases_or_thirty(cast: Cast, desk: Client) -> None:
    for _ in range(3):
        make_request(cast, state="manual_review")
    few = counted(lambda: desk.get(QUEUE))
    for _ in range(20):
        make_request(cast, state="manual_review")
    assert (
        counted(lambda: desk.get(QUEUE)) == few == 8
    )  # session, user, their seat at the desk, counts, views kept, how many, rows, what is announced


def test_search_takes_the_same_few_queries_for_any_number(cast: Cast, desk: Client) -> None:
    case = make_request(cast, state="manual_review")
    # Session, user, their seat, search, counts, views kept, what is announced; with anything found, how many and the rows.
    assert counted(lambda: desk.get(QUEUE, {"q": "no-such-number"})) == 7
    assert counted(lambda: desk.get(QUEUE, {"q": case.number[:12]})) == 9
    # session, user, their seat, search; the case is another page
    assert counted(lambda: desk.get(QUEUE, {"q": case.number})) == 4


@pytest.mark.django_db(transaction=True)
def test_statements_of_the_desk_are_planned_for_their_values(cast: Cast, desk: Client) -> None:
    """And those of others, on the same connection, are prepared as before."""
    connection.close()
    url = url_of(make_request(cast, state="manual_review"))
    for _ in range(6):
        assert (desk.get(QUEUE).status_code, desk.get(url).status_code) == (200, 200)
    for _ in range(6):
        RefundRequest.objects.filter(number="RF0").exists()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%%refundrequest%%'"
        )
        prepared = [statement for (statement,) in cursor.fetchall()]
    assert [statement for statement in prepared if "LIMIT" in statement and "due_at" in statement] == []
    assert any("refunds_refundrequest" in statement for statement in prepared)


def test_case_in_hand_takes_one_query_more(cast: Cast, desk: Client) -> None:
    url = url_of(make_request(cast, state="manual_review"))
    desk.get(url)  # what is read once for many pages
    free = counted(lambda: desk.get(url))
    desk.post(f"{url}hold/", {"do": "claim"})
    desk.get(url)  # shows the message that waits
    assert counted(lambda: desk.get(url)) == free + 1 == 37  # to whom it may be handed


def test_case_page_takes_the_same_queries_for_one_unit_or_five(cast: Cast, desk: Client) -> None:
    one = make_request(cast, state="refunding", decided=False)
    url = url_of(one)
    desk.get(url)  # what is read once for many pages
    few = counted(lambda: desk.get(url))
    five = make_request(cast, state="refunding", quantity=5, total=9900)
    for text in ("One", "Two", "Three"):
        desk.post(url_of(five), {"move": "say", "text": text})
    desk.get(url_of(five))  # shows the messages that wait
    assert counted(lambda: desk.get(url_of(five))) == few == 31
