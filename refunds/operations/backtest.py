"""Asking for a back-test of a draft, and calling it off (requirement J6). It is done by run_backtests."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.outbox import enqueue

from ..models import BacktestRun
from ..models.backtests import MAX_SAMPLE
from .drafting import lock_draft, require, require_terms

MAY_RUN = "refunds.add_backtestrun"
TASK = "refunds.run_backtests"


class BacktestRunning(Refusal):
    code = "backtest_running"
    title = _("A back-test of this draft is on already. Wait for it, or cancel it.")


class BacktestOver(Refusal):
    code = "backtest_over"
    title = _("This back-test is over already.")


class NothingToTest(Refusal):
    code = "nothing_to_test"
    status = 422
    title = _("The first day must come before the last, and a sample holds at least one case.")


def start_backtest(
    *,
    draft_id: int,
    user: User,
    since: datetime,
    until: datetime,
    sample: int | None,
    seed: int,
    now: datetime,
) -> BacktestRun:
    """Queue a run of the draft's terms as they are now over cases decided from `since` to before `until`; of these
    `sample` many, drawn by `seed`, or all of them.

    Raises NotPermitted, NotFound, DraftClosed, TermsRefused, NothingToTest, BacktestRunning.
    """
    require(user, MAY_RUN)
    if since >= until or (sample is not None and not 0 < sample <= MAX_SAMPLE):
        raise NothingToTest()
    try:
        with transaction.atomic(durable=True):
            draft = lock_draft(draft_id)
            require_terms(draft.goods_type, draft.terms)
            run = BacktestRun.objects.create(
                draft=draft,
                goods_type=draft.goods_type,
                terms=draft.terms,
                digest=digest(draft.terms),
                since=since,
                until=until,
                sample=sample,
                seed=seed,
                queued_at=now,
                by=user,
            )
            enqueue(TASK)
            return run
    except IntegrityError as error:
        if "one_backtest_a_draft" not in str(error):
            raise
        raise BacktestRunning() from error


def cancel_backtest(*, run_id: int, user: User, now: datetime) -> BacktestRun:
    """Call off a run that waits or is on; what it has found so far is not shown. Raises NotPermitted, NotFound,
    BacktestOver."""
    require(user, MAY_RUN)
    with transaction.atomic(durable=True):
        run = BacktestRun.objects.select_for_update().filter(pk=run_id).first()
        if run is None:
            raise NotFound()
        if not run.is_open:
            raise BacktestOver()
        run.state, run.finished_at = BacktestRun.State.CANCELLED, now
        run.save(update_fields=["state", "finished_at"])
        return run


def digest(terms: dict[str, Any]) -> str:
    """SHA-256 of terms, the same however their JSON is ordered."""
    text = json.dumps(terms, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
