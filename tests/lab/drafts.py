"""Drafts and the cases they are tried on, for tests of the lab."""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.kernel.models import OutboxJob
from refunds.models import BacktestRun, PolicyDraft, RefundRequest
from refunds.operations.backtest import start_backtest
from refunds.operations.run_backtests import run_backtests
from tests.cases import make_request
from tests.people import Cast


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


def spoil(request: RefundRequest, facts: str) -> None:
    """Facts as no program of ours writes them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"UPDATE refunds_decision SET facts = {facts} WHERE request_id = %s", [request.pk])
