"""Which terms an order is judged by, and that published ones stay as they are."""

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from refunds import policies
from refunds.facts import build, of_buyer
from refunds.models import PolicyVersion
from tests.factories import days, hours, make_order
from tests.people import Cast
from tests.terms import publish


def judged(cast: Cast, total: int) -> policies.Verdict:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=total, events=[("delivered", hours(-3))]
    )
    known, now = of_buyer(order.buyer_id, order.no), timezone.now()
    facts = build(known, known.units, reason="not_activated", remedy="refund", amount=total, filed_at=now)
    return policies.judge(facts, now)


def test_order_is_judged_by_the_version_in_force_at_purchase(cast: Cast) -> None:
    publish(at=hours(-1), small_below=1000)  # stricter, since
    verdict = judged(cast, 4900)
    assert (verdict.decision.outcome, verdict.policy.ref) == ("approve", "card_code@1")


def test_newer_version_counts_where_it_is_kinder(cast: Cast) -> None:
    publish(at=hours(-1), small_below=10_000)
    verdict = judged(cast, 9900)
    assert (verdict.decision.outcome, verdict.policy.ref) == ("approve", "card_code@2")


def test_version_of_tomorrow_does_not_count(cast: Cast) -> None:
    publish(at=days(1), small_below=10_000)
    assert judged(cast, 9900).policy.ref == "card_code@1"


def test_published_terms_are_never_edited(cast: Cast) -> None:
    with pytest.raises(DatabaseError, match="history"), transaction.atomic():
        PolicyVersion.objects.filter(goods_type="card_code").update(version=7)


def test_two_person_limit_follows_the_orders_currency(cast: Cast) -> None:
    from decimal import Decimal

    order = make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller)
    known, now = of_buyer(order.buyer_id, order.no), timezone.now()
    facts = build(known, known.units, reason="other", remedy="refund", amount=1, filed_at=now)
    terms = policies.in_force("card_code", now).terms
    assert policies.two_person_limit(facts, terms) == 200_000
    assert policies.two_person_limit(facts._replace(currency="USD", fx_rate=Decimal("8")), terms) == 25_000
    assert policies.two_person_limit(facts._replace(currency="JPY", fx_rate=Decimal("0.05")), terms) == 40_000
    assert policies.two_person_limit(facts._replace(currency="USD", fx_rate=None), terms) == 0
