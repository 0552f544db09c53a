"""Appeals at the desk: who sees them, who decides them, and that what waits stands first."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from marketplace.identity.models import User
from refunds.models import Appeal, RefundRequest
from tests.cases import file
from tests.contested import buyer_appeals, refunded, rejected, seller_appeals
from tests.judged import reject
from tests.people import Cast

from .conftest import standing, url_of

SignIn = Callable[[User], Client]
LIST = "/admin/refunds/appeal/"
ENGLISH = {"accept-language": "en"}


def page_of(appeal: Appeal) -> str:
    return reverse("admin:refunds_appeal_change", args=[appeal.pk])


@pytest.fixture
def desk(cast: Cast, signed_in: SignIn) -> Client:
    return signed_in(cast.supervisor)


def test_what_waits_stands_first_and_overdue_is_said_in_words(cast: Cast, desk: Client) -> None:
    decided, waiting, late = (rejected(cast) for _ in range(3))
    for request in (decided, waiting):
        buyer_appeals(request)
    buyer_appeals(late, now=timezone.now() - timedelta(days=20))
    first = Appeal.objects.get(request=decided)
    desk.post(page_of(first), {"move": "dismiss", "note": "No."})
    page = desk.get(LIST, headers=ENGLISH).content.decode()
    places = [page.index(request.number) for request in (late, waiting, decided)]
    assert places == sorted(places)
    assert "Overdue" in page
    assert "Appeals" in page


@pytest.mark.parametrize(
    ("move", "outcome", "state"),
    [
        ("hear", "heard", "manual_review"),
        ("escalate", "escalated", "arbitration"),
        ("dismiss", "dismissed", "rejected"),
    ],
)
def test_supervisor_decides_a_buyers_appeal(
    cast: Cast, desk: Client, move: str, outcome: str, state: str
) -> None:
    appeal = buyer_appeals(rejected(cast))
    assert f'value="{move}"' in desk.get(page_of(appeal)).content.decode()
    answer = desk.post(page_of(appeal), {"move": move, "note": "By the log."})
    assert (answer.status_code, answer.headers["Location"]) == (302, page_of(appeal))
    appeal.refresh_from_db()
    assert (appeal.outcome, appeal.request.state, appeal.note) == (outcome, state, "By the log.")


def test_supervisor_overturns_with_an_amount(cast: Cast, desk: Client) -> None:
    appeal = seller_appeals(refunded(cast), cast.seller_user)
    wrong = desk.post(page_of(appeal), {"move": "overturn", "amount": "12.505", "note": "It was used."})
    assert (wrong.status_code, "It was used." in wrong.content.decode()) == (422, True)
    over = desk.post(page_of(appeal), {"move": "overturn", "amount": "99.01", "note": "It was used."})
    assert over.status_code == 422
    assert Appeal.objects.get().is_waiting
    assert (
        desk.post(page_of(appeal), {"move": "overturn", "amount": "50", "note": "It was used."}).status_code
        == 302
    )
    appeal.refresh_from_db()
    assert (appeal.outcome, appeal.amount) == ("overturned", 5000)


def test_without_reasons_nothing_is_decided(cast: Cast, desk: Client) -> None:
    appeal = buyer_appeals(rejected(cast))
    before = standing(appeal.request)
    assert desk.post(page_of(appeal), {"move": "hear", "note": " "}).status_code == 422
    assert standing(appeal.request) == before
    assert Appeal.objects.get().is_waiting


@pytest.mark.parametrize("who", ["reviewer", "support", "finance", "auditor"])
def test_others_decide_nothing(cast: Cast, signed_in: SignIn, who: str) -> None:
    appeal = buyer_appeals(rejected(cast))
    client = signed_in(getattr(cast, who))
    assert client.get(page_of(appeal)).status_code == (200 if who == "auditor" else 403)
    assert client.post(page_of(appeal), {"move": "dismiss", "note": "No."}).status_code == 403
    assert Appeal.objects.get().is_waiting


def test_who_decided_the_case_has_no_button(cast: Cast, desk: Client) -> None:
    from tests.cases import make_request

    request = make_request(cast, state="manual_review")
    reject(request, cast.supervisor)
    appeal = buyer_appeals(RefundRequest.objects.get(pk=request.pk))
    assert 'value="dismiss"' not in desk.get(page_of(appeal)).content.decode()
    assert desk.post(page_of(appeal), {"move": "dismiss", "note": "No."}).status_code == 403
    # Nor on the case's own page, where the move is another form.
    assert desk.post(url_of(request), {"move": "hear_appeal", "note": "Again."}).status_code == 409
    assert Appeal.objects.get().is_waiting


def test_hearing_names_the_request_in_the_way(cast: Cast, desk: Client) -> None:
    request = rejected(cast)
    appeal = buyer_appeals(request)
    second = file(request.order)
    answer = desk.post(page_of(appeal), {"move": "hear", "note": "New light."})
    assert answer.status_code == 409
    assert second.number in answer.content.decode()
    assert Appeal.objects.get().is_waiting


def test_case_page_shows_the_appeal(cast: Cast, desk: Client) -> None:
    request = rejected(cast)
    appeal = buyer_appeals(request)
    page = desk.get(url_of(request)).content.decode()
    assert "The log shows no use." in page
    assert page_of(appeal) in page
