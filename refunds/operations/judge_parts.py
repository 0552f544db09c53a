"""Judging the parts of a back-test, one after the other, beside whoever else does (requirement J6)."""

from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import transaction

from ..lab.cases import cases_of, versions_of
from ..lab.judging import Flip, finding, judge
from ..models import BacktestFlip, BacktestPart, BacktestRun
from ..policy import Terms

# Flipped cases listed of one run, spread evenly over its parts: enough to read, and no copy of the decisions.
FLIPS_KEPT = 2_000


def judge_parts(*, run_id: int, clock: Callable[[], datetime]) -> None:
    """Judge parts that nobody else has until none is left, or the run is over. Waits for who is planning the run."""
    with transaction.atomic(durable=True):
        run = BacktestRun.objects.select_for_update().get(pk=run_id)
    draft = Terms.model_validate(run.terms)
    versions = {row.pk: Terms.model_validate(row.terms) for row in versions_of(run.goods_type)}
    while _judge_one(run, draft, versions, clock):
        pass


def _judge_one(
    run: BacktestRun, draft: Terms, versions: Mapping[int, Terms], clock: Callable[[], datetime]
) -> bool:
    """False where nothing is left to do. The part is locked while it is judged: who is killed lets go of it."""
    with transaction.atomic(durable=True):
        if not BacktestRun.objects.filter(pk=run.pk, state=BacktestRun.State.RUNNING).exists():
            return False
        part = (
            BacktestPart.objects.select_for_update(skip_locked=True)
            .filter(run=run, judged_at__isnull=True)
            .order_by("number")
            .first()
        )
        if part is None:
            return False
        judged = judge(cases_of(run, list(versions), part.first, part.last), draft, versions)
        BacktestFlip.objects.bulk_create(_row(run, flip) for flip in judged.flips[: _share(run)])
        part.tally, part.judged_at = judged.tally.to_json(), clock()
        part.save(update_fields=["tally", "judged_at"])
        return True


def _share(run: BacktestRun) -> int:
    return max(FLIPS_KEPT // BacktestPart.objects.filter(run=run).count(), 1)


def _row(run: BacktestRun, flip: Flip) -> BacktestFlip:
    effect = flip.effect
    return BacktestFlip(
        run=run,
        request_id=flip.request_id,
        was=flip.was.outcome,
        would_be=flip.would_be.outcome,
        reason=effect.reason,
        currency=effect.currency,
        before=effect.before,
        after=effect.after,
        decided_by=finding(flip.was),
        would_be_decided_by=finding(flip.would_be),
    )
