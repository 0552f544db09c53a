"""Disputes on the desk: who may see, enter and close them, what a refused post leaves, and the box on the case page."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.payments.models import Capture
from marketplace.risk.models import Dispute
from refunds.machine import State
from refunds.models import RefundRequest
from tests.cases import make_request
from tests.channels.stripe import StripeChannel
from tests.factories import days
from tests.people import Cast
from tests.refunds.disputes import broken, close, dispute, order

from .conftest import staff, url_of

SignIn = Callable[[User], Client]
LIST = "/admin/risk/dispute/"
ADD = f"{LIST}add/"
SEES = {Role.SUPERVISOR, Role.FINANCE, Role.RISK, Role.AUDITOR}
ACTS = SEES - {Role.AUDITOR}
SEEN = {"is_seen": "on", "note": "Seen in the merchant back office."}


def page(found: Dispute) -> str:
    return reverse("admin:risk_dispute_change", args=[found.pk])


def typed(**fields: str) -> dict[str, str]:
    capture = Capture.objects.order_by("id").last()
    assert capture is not None
    return {
        "channel": capture.channel,
        "channel_no": capture.channel_no,
        "channel_dispute_no": "2026030200001",
        "reason": "no delivery",
        "note": "Seen in the merchant back office.",
        **fields,
    }


def standing() -> list[Any]:
    """All that a refused post may not change."""
    return [
        list(
            Dispute.objects.order_by("id").values_list(
                "number", "state", "due_at", "reason", "claim__released_at"
            )
        ),
        list(Capture.objects.order_by("id").values_list("claimed", flat=True)),
        list(RefundRequest.objects.order_by("id").values_list("state", "sequence")),
        LogEntry.objects.count(),
    ]


@pytest.mark.parametrize("role", Role.values)
def test_who_sees_enters_and_closes_disputes(role: str, cast: Cast, signed_in: SignIn) -> None:
    make_request(cast, state=State.AWAITING_SELLER, order=order(cast))
    found = dispute(kind="complaint")
    order(cast)
    client, before = signed_in(staff(role)), standing()
    sees, acts = role in SEES, role in ACTS
    for url in (LIST, page(found)):
        assert client.get(url).status_code == (200 if sees else 403), url
    assert client.get(ADD).status_code == (200 if acts else 403)
    assert client.post(f"{LIST}{found.pk}/delete/", {"post": "yes"}).status_code == 403
    assert (b'name="move"' in client.get(page(found)).content) == acts
    assert client.post(page(found), {"move": "nonsense", **SEEN}).status_code == 403
    assert standing() == before
    posted = [(ADD, typed()), (page(found), {"move": "won", **SEEN})]
    for url, data in posted:
        assert client.post(url, data).status_code == (302 if acts else 403), url
    assert (standing() != before) == acts
    assert broken() == []


def test_nobody_and_a_sellers_person_are_sent_to_sign_in(cast: Cast, signed_in: SignIn) -> None:
    order(cast)
    found = dispute(kind="complaint")
    before = standing()
    for client in (Client(), signed_in(cast.seller_user)):
        for url in (LIST, ADD, page(found)):
            assert client.get(url).status_code == 302
            assert client.post(url, {"move": "won", **SEEN, **typed()}).status_code == 302
    assert standing() == before


def test_complaint_is_entered_with_who_and_why(cast: Cast, signed_in: SignIn) -> None:
    order(cast, channel="alipay")
    client = signed_in(cast.finance)
    answer = client.post(ADD, typed(amount="45.50", due_at="2030-03-02 18:00"))
    found = Dispute.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, page(found))
    assert (found.kind, found.channel, found.amount, found.currency) == ("complaint", "alipay", 4550, "CNY")
    assert found.claim is not None
    assert found.claim.amount == 4550
    assert found.due_at is not None
    assert found.due_at.isoformat() == "2030-03-02T10:00:00+00:00"
    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (cast.finance, "Seen in the merchant back office.")
    assert "Seen in the merchant back office." in client.get(page(found)).content.decode()


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"channel_no": "unknown"}, 422),
        ({"channel": "wechat_pay"}, 422),
        ({"channel": "nonsense"}, 422),
        ({"channel_no": ""}, 422),
        ({"channel_dispute_no": ""}, 422),
        ({"amount": "99.01"}, 422),
        ({"amount": "0"}, 422),
        ({"amount": "9.001"}, 422),
        ({"amount": "lots"}, 422),
        ({"due_at": "soon"}, 422),
        ({"note": " "}, 422),
        ({"note": "Card 4111 1111 1111 1111"}, 422),
        ({"channel_dispute_no": "known"}, 409),
    ],
)
def test_wrong_complaint_is_refused_and_changes_nothing(
    cast: Cast, signed_in: SignIn, wrong: dict[str, str], status: int
) -> None:
    order(cast)
    dispute(kind="complaint", amount=5, no="known")
    before = standing()
    answer = signed_in(cast.finance).post(ADD, typed(**wrong))
    assert answer.status_code == status
    assert typed()["reason"] in answer.content.decode()  # what was typed is still there
    assert standing() == before


@pytest.mark.parametrize("state", ["won", "lost"])
@pytest.mark.parametrize("kind", ["chargeback", "complaint"])
def test_dispute_of_a_channel_that_tells_nothing_is_closed_by_hand_once(
    cast: Cast, signed_in: SignIn, kind: str, state: str
) -> None:
    order(cast, channel="card")
    found, client = dispute(kind=kind), signed_in(cast.supervisor)
    before = standing()
    for refused in ({"note": "Seen."}, {"is_seen": "on", "note": " "}):
        assert client.post(page(found), {"move": state, **refused}).status_code == 422
    assert standing() == before
    assert client.post(page(found), {"move": state, **SEEN}).status_code == 302
    found.refresh_from_db()
    assert found.state == state
    assert LogEntry.objects.get().change_message == f"{state}: Seen in the merchant back office."
    closed = standing()
    assert client.post(page(found), {"move": "won", **SEEN}).status_code == 403
    assert standing() == closed
    assert broken() == []


def test_chargeback_of_a_channel_that_tells_is_not_closed_by_hand(
    cast: Cast, signed_in: SignIn, settings: Any
) -> None:
    from marketplace.payments import gateways
    from refunds.operations.dispute_by_hand import ChannelDecides, decide_by_hand

    order(cast, channel="stripe")
    chargeback = dispute()
    settings.SANDBOX_ANSWERS_FOR = []
    settings.STRIPE = StripeChannel().settings
    gateways._gateway.cache_clear()
    before, client = standing(), signed_in(cast.supervisor)
    assert b'name="move"' not in client.get(page(chargeback)).content
    assert client.post(page(chargeback), {"move": "won", **SEEN}).status_code == 403
    with pytest.raises(ChannelDecides):
        decide_by_hand(
            user=cast.supervisor,
            number=chargeback.number,
            state=Dispute.State.WON,
            note="x",
            now=timezone.now(),
        )
    assert standing() == before
    gateways._gateway.cache_clear()


def test_filters_show_what_is_open_and_what_is_due(cast: Cast, signed_in: SignIn) -> None:
    soon, later, over = (
        dispute(order(cast).captures.get(), due_at=timezone.now() + days(number)) for number in (1, 9, 1)
    )
    close(over, "won")
    client = signed_in(cast.finance)
    for query, wanted in (
        ("", {soon, later, over}),
        ("?state=open", {soon, later}),
        ("?state=soon", {soon}),
        ("?state=closed", {over}),
    ):
        shown = client.get(f"{LIST}{query}").content.decode()
        assert {row for row in (soon, later, over) if row.number in shown} == wanted, query


def test_case_page_shows_the_orders_disputes(cast: Cast, signed_in: SignIn, desk: Client) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, order=order(cast))
    assert not re.search(r"DP\d{6}", desk.get(url_of(request)).content.decode())
    found = dispute()
    complaint = dispute(kind="complaint")
    shown = desk.get(url_of(request)).content.decode()
    assert found.number in shown
    assert complaint.number in shown
    assert page(found) not in shown  # a reviewer sees it here, and has no page of it
    assert page(found) in signed_in(cast.supervisor).get(url_of(request)).content.decode()


def test_reviewer_hears_that_a_chargeback_holds_the_money(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, order=order(cast))
    dispute()
    before = standing()
    answer = desk.post(
        url_of(request),
        {"move": "approve", "note": "Agreed.", "fault": "seller"},
        headers={"accept-language": "en"},
    )
    assert answer.status_code == 409
    assert "until the channel has decided" in answer.content.decode()
    assert standing() == before


def test_seller_reads_that_the_buyer_went_to_the_channel(cast: Cast, signed_in: SignIn) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, order=order(cast))
    url, english = reverse("portal:case", args=[request.number]), {"accept-language": "en"}
    client = signed_in(cast.seller_user)
    line = "gone to the payment channel"
    assert line not in client.get(url, headers=english).content.decode()
    found = dispute()
    shown = client.get(url, headers=english).content.decode()
    assert line in shown
    assert found.number not in shown
    close(found, "won")
    assert line not in client.get(url, headers=english).content.decode()


def test_dispute_stands_in_the_sidebar_of_who_may_see_it(cast: Cast, signed_in: SignIn) -> None:
    for role in Role.values:
        shown = signed_in(staff(role)).get("/admin/").content.decode()
        assert (f'href="{LIST}"' in shown) == (role in SEES), role
