"""Asking for a back-test of a draft, and calling it off (requirement J6). It is done by run_backtests."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, NotPermitted, Refusal
from marketplace.kernel.outbox import enqueue

from ..models import BacktestRun, PolicyDraft
from ..models.backtests import MAX_SAMPLE
from ..policy import Terms

MAY_RUN = "refunds.add_backtestrun"
TASK = "refunds.run_backtests"


class TermsUnusable(Refusal):
    code = "terms_unusable"
    status = 422
    title = _("The terms of this draft are not whole yet, so no case can be decided by them.")


class BacktestRunning(Refusal):
    code = "backtest_running"
    title = _("A back-test of this draft is on already. Wait for it, or cancel it.")


class DraftClosed(Refusal):
    code = "draft_closed"
    title = _("This draft is published or dropped: there is nothing left to try.")


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

    Raises NotPermitted, NotFound, DraftClosed, TermsUnusable, NothingToTest, BacktestRunning.
    """
    if not user.has_perm(MAY_RUN):
        raise NotPermitted()
    if since >= until or (sample is not None and not 0 < sample <= MAX_SAMPLE):
        raise NothingToTest()
    try:
        with transaction.atomic(durable=True):
            # Locked as an edit of it is: the terms kept are those of one moment.
            draft = PolicyDraft.objects.select_for_update().filter(pk=draft_id).first()
            if draft is None:
                raise NotFound()
            if not draft.is_open:
                raise DraftClosed()
            _require_terms(draft.terms)
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
    if not user.has_perm(MAY_RUN):
        raise NotPermitted()
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


def _require_terms(terms: dict[str, Any]) -> None:
    try:
        Terms.model_validate(terms)
    except ValidationError as wrong:
        raise TermsUnusable(terms=[".".join(map(str, each["loc"])) for each in wrong.errors()]) from wrong
