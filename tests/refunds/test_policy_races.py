"""Drafts of the rules handled by two at the same time, with the lock and without; and other processes hear of a version."""

from typing import Any

import pytest
from django.utils import timezone

from refunds import policies
from refunds.models import PolicyDraft, PolicyVersion
from refunds.operations.draft_policy import DraftOpen, draft_policy
from refunds.operations.drafting import DraftClosed
from refunds.operations.publish_draft import publish_draft
from tests.factories import days
from tests.terms import editor, publish, submitted

from .test_races import locks_off, together

__all__ = ["locks_off"]
pytestmark = pytest.mark.django_db(transaction=True)
MANY = 8


def publish_at_once() -> list[Any]:
    row = submitted(small_below=10_000)
    people = [editor() for _ in range(MANY)]
    now = timezone.now()

    def one(user: Any) -> Any:
        return publish_draft(draft_id=row.pk, user=user, seen_at=row.submitted_at, now=now)

    return together([lambda user=user: one(user) for user in people])


def versions() -> list[int]:
    rows = PolicyVersion.objects.filter(goods_type="card_code").order_by("version")
    return list(rows.values_list("version", flat=True))


def test_publishers_at_once_publish_once() -> None:
    answers = publish_at_once()
    assert versions() == [1, 2]
    assert sum(isinstance(answer, DraftClosed) for answer in answers) == MANY - 1
    assert PolicyDraft.objects.get().version == PolicyVersion.objects.get(goods_type="card_code", version=2)


def test_without_the_lock_it_is_the_database_that_stops_the_others(locks_off: None) -> None:
    """The control: the others are no longer refused by name, but by the row's own key."""
    answers = publish_at_once()
    assert versions() == [1, 2]
    assert any(not isinstance(answer, PolicyVersion | DraftClosed) for answer in answers)


def test_drafts_begun_at_once_are_one() -> None:
    people, now = [editor() for _ in range(MANY)], timezone.now()
    answers = together(
        [lambda user=user: draft_policy(goods_type="card_code", user=user, now=now) for user in people]
    )
    assert PolicyDraft.objects.count() == 1
    assert sum(isinstance(answer, DraftOpen) for answer in answers) == MANY - 1


def test_another_process_judges_by_a_new_version_within_thirty_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever did not publish has the versions of before for REFRESH_SECONDS, and asks again then."""
    at = 1000.0
    monkeypatch.setattr(policies.time, "monotonic", lambda: at)
    assert [policy.ref for policy in policies.versions("card_code")] == ["card_code@1"]
    as_another_has_it = dict(policies._loaded)
    publish(at=days(9), small_below=10_000)
    policies._loaded.update(as_another_has_it)
    at += policies.REFRESH_SECONDS - 1
    assert [policy.ref for policy in policies.versions("card_code")] == ["card_code@1"]
    at += 2
    assert [policy.ref for policy in policies.versions("card_code")] == ["card_code@1", "card_code@2"]
    assert policies.REFRESH_SECONDS <= 30
