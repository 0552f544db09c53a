"""Differences between the channels' books and ours, on the desk."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import PERMISSIONS, Role
from marketplace.payments.models import Break, SandboxRefund, Transfer
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations.pay import pay
from tests.cases import make_request
from tests.people import Cast

from .conftest import staff

SignIn = Callable[[User], Client]
LIST = "/admin/payments/break/"


def make_break(number: str = "RT1", kind: str = "missing_there") -> Break:
    return Break.objects.create(
        channel="sandbox", day=timezone.localdate(), kind=kind, number=number, ours="CNY 99.00 succeeded", theirs="–",
        found_at=timezone.now() - timedelta(days=2),
    )  # fmt: skip


def page(found: Break) -> str:
    return reverse("admin:payments_break_change", args=[found.pk])


def test_finance_takes_a_break_and_closes_it_with_a_word(cast: Cast, signed_in: SignIn) -> None:
    found, client = make_break(), signed_in(cast.finance)
    assert "RT1" in client.get(LIST).content.decode()
    assert client.post(page(found), {"move": "take"}).status_code == 302
    refused = client.post(page(found), {"move": "close", "note": "  "})
    assert refused.status_code == 422
    assert client.post(page(found), {"move": "close", "note": "Paid in March by hand."}).status_code == 302
    found.refresh_from_db()
    assert (found.owner, found.closed_by, found.note) == (
        cast.finance,
        cast.finance,
        "Paid in March by hand.",
    )
    assert "RT1" not in client.get(LIST).content.decode()
    assert "RT1" in client.get(f"{LIST}?closed=1").content.decode()
    assert client.post(page(found), {"move": "close", "note": "Again."}).status_code == 403


def test_asking_the_channel_reverses_what_came_back(cast: Cast, signed_in: SignIn) -> None:
    request = make_request(cast, state=State.APPROVED, total=9_976)  # succeeds, and comes back a minute later
    pay(request.number, timezone.now())
    assert RefundRequest.objects.get().state == State.REFUNDED
    SandboxRefund.objects.update(succeeds_at=timezone.now() - timedelta(hours=1))
    found = make_break(Transfer.objects.get().number, Break.Kind.STATE)
    assert signed_in(cast.finance).post(page(found), {"move": "ask"}).status_code == 302
    assert Transfer.objects.get().state == Transfer.State.FAILED
    assert RefundRequest.objects.get().state == State.REFUNDING
    found.refresh_from_db()
    assert found.closed_at is None  # explaining it is a person's


@pytest.mark.parametrize("role", Role.values)
def test_who_may_look_and_who_may_act(role: str, db: None, signed_in: SignIn) -> None:
    found, client = make_break(), signed_in(staff(role))
    may_look = "payments.view_break" in PERMISSIONS[role]
    may_act = "payments.change_break" in PERMISSIONS[role]
    shown = client.get(page(found))
    assert shown.status_code == (200 if may_look else 403)
    assert (b'name="move"' in shown.content) == may_act
    for move in ("take", "close", "ask", "nonsense"):
        answer = client.post(page(found), {"move": move, "note": "x"})
        assert answer.status_code == (302 if may_act and move in ("take", "close") else 403)
    found.refresh_from_db()
    assert (found.closed_at is not None) == may_act


def test_row_that_is_not_there_leads_to_the_list(cast: Cast, signed_in: SignIn) -> None:
    client = signed_in(cast.finance)
    for wrong in ("99999", "nonsense"):
        answer = client.get(f"{LIST}{wrong}/change/")
        assert (answer.status_code, answer.headers["Location"]) == (302, LIST)
