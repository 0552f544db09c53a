"""Sellers read the rules as the public does: what comes on top, with its day and what it changes."""

import pytest
from django.test import Client
from django.utils import timezone

from refunds.policy import GOODS_TYPES
from tests.access.outsiders import signed_in
from tests.factories import days
from tests.people import Cast
from tests.terms import publish

pytestmark = pytest.mark.django_db
RULES = "/portal/rules/"


def english(cast: Cast) -> Client:
    client = signed_in(cast.seller_user)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def test_seller_reads_what_comes_and_when(cast: Cast) -> None:
    version = publish(at=days(9), small_below=10_000, commission_bps=100)
    page = english(cast).get(RULES).content.decode()
    assert f"Game card code: new rules from {timezone.localtime(version.in_force_at):%Y-%m-%d}" in page
    assert "CNY 50.00 → CNY 100.00" in page
    assert "Kinder to the buyer" in page
    assert "The old ones did not do." in page
    assert "Commission" not in page


def test_seller_reads_all_rules_where_nothing_comes(cast: Cast) -> None:
    page = english(cast).get(RULES).content.decode()
    assert "No new rules are announced." in page
    assert all(f"{goods_type}@1" in page for goods_type in GOODS_TYPES)
