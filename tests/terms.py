"""Versions of the rules for tests, published as people publish them: written by one, published by another."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.models import OutboxJob
from refunds.models import BacktestRun, PolicyDraft, PolicyVersion
from refunds.operations.backtest import TASK, start_backtest
from refunds.operations.draft_policy import draft_policy
from refunds.operations.drafting import newest_version
from refunds.operations.edit_draft import edit_draft
from refunds.operations.publish_draft import publish_draft
from refunds.operations.run_backtests import run_backtests
from refunds.operations.submit_draft import submit_draft

from .factories import StaffFactory, days, hours


def editor() -> User:
    return StaffFactory.create(role=Role.POLICY_EDITOR)


def draft(
    goods_type: str = "card_code",
    *,
    by: User | None = None,
    now: datetime | None = None,
    in_force_at: datetime | timedelta | None = None,
    **changes: Any,
) -> PolicyDraft:
    """A draft with these terms changed at the top level, to come into force in ten days unless said otherwise."""
    by, now = by or editor(), now or timezone.now()
    wanted = now + in_force_at if isinstance(in_force_at, timedelta) else in_force_at or now + days(10)
    begun = draft_policy(goods_type=goods_type, user=by, now=now)
    return edit_draft(
        draft_id=begun.pk,
        user=by,
        terms={**begun.terms, **changes},
        title="Other terms",
        why="The old ones did not do.",
        in_force_at=wanted,
        seen_at=begun.changed_at,
        now=now,
    )


def submitted(goods_type: str = "card_code", *, tried: bool = True, **fields: Any) -> PolicyDraft:
    """Waiting for its second person; tried on all decided cases unless said otherwise."""
    made = draft(goods_type, **fields)
    if tried:
        try_on_decided_cases(made, now=made.changed_at)
    return submit_draft(draft_id=made.pk, user=made.changed_by, now=made.changed_at)


def try_on_decided_cases(draft: PolicyDraft, *, now: datetime | None = None) -> BacktestRun:
    """A back-test of it over all there is, asked for and done."""
    now = now or timezone.now()
    asked = start_backtest(
        draft_id=draft.pk,
        user=editor(),
        since=now - days(366),
        until=timezone.now() + days(1),
        sample=None,
        seed=1,
        now=now,
    )
    run_backtests(lambda: now)
    OutboxJob.objects.filter(task=TASK).delete()
    return BacktestRun.objects.get(pk=asked.pk)


def publish(
    goods_type: str = "card_code", *, at: datetime | timedelta | None = None, **changes: Any
) -> PolicyVersion:
    """The next version, announced in time. In force from `at` on: an instant, or how far from now; by itself an hour after
    the one before it.
    """
    now = timezone.now()
    since = now + at if isinstance(at, timedelta) else at or newest_version(goods_type).in_force_at + hours(1)
    announced = min(now, since - days(8))
    made = submitted(goods_type, now=announced, in_force_at=since, **changes)
    return publish_draft(
        draft_id=made.pk,
        user=StaffFactory.create(role=Role.SUPERVISOR),
        seen_at=made.submitted_at,
        now=announced,
        override_note="Agreed.",
    )
