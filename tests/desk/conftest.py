"""Staff at the desk: signed-in clients, and what a refused post must leave as it was."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.payments.models import Transfer
from refunds.models import RefundRequest
from tests.cases import make_request, put_clock
from tests.factories import StaffFactory, hours, make_order
from tests.people import Cast

LIMIT = 200000  # fen; above it two persons decide
QUEUE = "/admin/refunds/refundrequest/"


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="marketplace.identity.backends.RoleBackend")
        return client

    return sign_in


@pytest.fixture
def desk(cast: Cast, signed_in: Callable[[User], Client]) -> Client:
    """The reviewer's browser."""
    return signed_in(cast.reviewer)


def url_of(request: RefundRequest) -> str:
    return f"{QUEUE}case/{request.number}/"


def due_in(request: RefundRequest, number_of_hours: float) -> RefundRequest:
    put_clock(request, timezone.now() + hours(number_of_hours))
    return request


def make_stuck(cast: Cast) -> RefundRequest:
    """A case whose money the channel refused for good."""
    request = make_request(cast, state="refunding")
    Transfer.objects.filter(reference=request.number).update(
        state=Transfer.State.MANUAL, sent_at=timezone.now(), error_code="account_closed"
    )
    return request


def make_large(cast: Cast) -> RefundRequest:
    """A case above the two-person limit, with a reviewer."""
    events = [("delivered", hours(-3))]
    order = make_order(
        total=LIMIT + 10000, buyer=cast.buyer, seller=cast.seller, shop=cast.shop, events=events
    )
    return make_request(cast, state="manual_review", order=order)


def standing(request: RefundRequest) -> tuple[Any, ...]:
    """All that a refused post may not change."""
    row = RefundRequest.objects.get(pk=request.pk)
    return (
        row.state,
        row.sequence,
        row.approved_amount,
        row.due_at,
        row.transitions.count(),
        row.proposals.count(),
        row.messages.count(),
        Transfer.objects.filter(reference=row.number).count(),
    )


def staff(role: str) -> User:
    user: User = StaffFactory.create(role=role)
    return user
