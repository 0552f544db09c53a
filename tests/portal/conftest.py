import pytest
from django.test import Client

from refunds.models import RefundRequest
from refunds.operations.decide import precheck
from tests.cases import file
from tests.factories import hours, make_order
from tests.people import Cast

from .tools import Asked

EVENTS = [("delivered", hours(-3)), ("revealed", hours(-2))]


@pytest.fixture
def seller(cast: Cast, client: Client) -> Client:
    """The seller's person, signed in, reading English."""
    client.force_login(cast.seller_user)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def asked(cast: Cast) -> Asked:
    """A case the policy left to the seller: asked() for 99.00 CNY, asked(total=…) for more."""

    def make(**fields: object) -> RefundRequest:
        parties = {"shop": cast.shop, "buyer": cast.buyer, "seller": cast.seller}
        order = make_order(**{"total": 9900, "events": EVENTS, **parties, **fields})
        request = file(order, description="The shop says the code is invalid.")
        precheck(request.pk, request.filed_at)
        request.refresh_from_db()
        assert request.state == "awaiting_seller"
        return request

    return make
