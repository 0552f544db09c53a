"""Twenty people press "Next case" at once (requirement K1), and the same with lock and law taken away."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from refunds.machine import State
from refunds.models import Hold, RefundRequest
from refunds.operations import hold
from tests.cases import make_request
from tests.factories import StaffFactory
from tests.people import Cast

from .test_races import locks_off, together

__all__ = ["locks_off"]
pytestmark = pytest.mark.django_db(transaction=True)
CASES, CLAIMERS = 10, 20


def _race(cast: Cast) -> list[Any]:
    """Who got what: numbers, None, or what went wrong."""
    for _ in range(CASES):
        make_request(cast, state=State.MANUAL_REVIEW)
    people = [StaffFactory.create(role="reviewer") for _ in range(CLAIMERS)]
    found = together(
        [lambda user=user: hold.claim_next(user=user, now=timezone.now(), among=Q()) for user in people]
    )
    return [case.number if isinstance(case, RefundRequest) else case for case in found]


@contextmanager
def without_the_law() -> Iterator[None]:
    trigger = "pgtrigger_hold_leaves_its_row_1284f"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE refunds_refundrequest DISABLE TRIGGER {trigger}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE refunds_refundrequest ENABLE TRIGGER {trigger}")


@pytest.fixture
def all_choose_before_one_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    meet, give = Barrier(CLAIMERS), hold._give

    def give_together(*args: Any) -> None:
        meet.wait(30)
        give(*args)

    monkeypatch.setattr(hold, "_give", give_together)


def test_20_claimers_of_10_cases_hold_each_once(cast: Cast) -> None:
    got = _race(cast)
    assert Counter(case for case in got if case) == Counter(
        RefundRequest.objects.values_list("number", flat=True)
    )
    assert got.count(None) == CLAIMERS - CASES
    assert len(set(RefundRequest.objects.values_list("holder", flat=True))) == CASES


def test_without_lock_the_database_still_lets_nobody_take_what_another_has(
    cast: Cast, locks_off: None, all_choose_before_one_takes: None
) -> None:
    got = _race(cast)
    assert len([case for case in got if isinstance(case, str)]) == 1
    assert sum("hold_leaves_its_row" in str(case) for case in got) == CLAIMERS - 1


def test_control_without_lock_and_law_many_believe_to_hold_one_case(
    cast: Cast, locks_off: None, all_choose_before_one_takes: None
) -> None:
    with without_the_law():
        got = _race(cast)
    assert Counter(got) == {got[0]: CLAIMERS}


def test_idle_hold_that_two_sweeps_find_ends_once(cast: Cast) -> None:
    case = make_request(cast, state=State.MANUAL_REVIEW)
    hold.claim(number=case.number, user=cast.reviewer, now=timezone.now())
    later = timezone.now() + timedelta(hours=1)
    assert sum(together([lambda: hold.release_idle(later)] * 4)) == 1
    assert Hold.objects.count() == 1
