"""Drafts and the cases they are tried on, for tests of the lab."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from marketplace.identity.models import User
from marketplace.kernel.models import OutboxJob
from refunds.models import BacktestRun, PolicyDraft, PolicyVersion, RefundRequest
from refunds.operations.backtest import start_backtest
from refunds.operations.run_backtests import run_backtests
from tests.cases import make_request
from tests.people import Cast

GOODS = "card_code"


def make_draft(user: User, goods_type: str = GOODS, **terms: Any) -> PolicyDraft:
    """The version in force with these terms changed."""
    now = timezone.now()
    version = PolicyVersion.objects.filter(goods_type=goods_type).latest("version")
    return PolicyDraft.objects.create(
        goods_type=goods_type,
        terms={**version.terms, **terms},
        based_on=version,
        title="Kinder",
        why="Fewer disputes.",
        in_force_at=now + timedelta(days=10),
        created_by=user,
        created_at=now,
        changed_by=user,
        changed_at=now,
    )


def decided(cast: Cast, total: int = 4900, reason: str = "not_activated", **order: Any) -> RefundRequest:
    """A case as the policy decided it: up to 50 yuan, unused, approved; above, the seller is asked."""
    request = make_request(cast, reason=reason, total=total, **order)
    from refunds.operations.decide import precheck

    precheck(request.pk, timezone.now())
    OutboxJob.objects.all().delete()
    request.refresh_from_db()
    return request


def ask(draft: PolicyDraft, user: User, **scope: Any) -> BacktestRun:
    now = timezone.now()
    asked: dict[str, Any] = {
        "since": now - timedelta(days=30), "until": now + timedelta(days=1), "sample": None, "seed": 1, **scope,
    }  # fmt: skip
    return start_backtest(draft_id=draft.pk, user=user, now=now, **asked)


def run(draft: PolicyDraft, user: User, **scope: Any) -> BacktestRun:
    """Asked for and done."""
    asked = ask(draft, user, **scope)
    run_backtests(timezone.now)
    return BacktestRun.objects.get(pk=asked.pk)


def later(minutes: float) -> datetime:
    return timezone.now() + timedelta(minutes=minutes)
