"""What a draft needs before it is published: to have been tried on what was decided (requirement J6)."""

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.errors import Refusal

from ..lab.cases import decided_cases
from ..models import BacktestRun, DraftTested, PolicyDraft
from .backtest import digest

LEAST = 1_000  # cases a run must be over, or all there are


class NotTested(Refusal):
    code = "not_tested"
    title = _("These terms have not been tried on decided cases yet: run a back-test of them first.")


class TooFewCases(Refusal):
    code = "too_few_cases"
    title = _(
        "The back-test was over too few of the decided cases: run one over more days or a larger sample."
    )


class DriftTooLarge(Refusal):
    code = "drift_too_large"
    title = _("Too many decided cases would have ended otherwise.")


def require_tested(draft: PolicyDraft, override_note: str, user: User, now: datetime) -> DraftTested:
    """The record of what the locked draft is published upon, written in the caller's transaction: the finished run over
    its very terms, of several the one over the most cases. Above settings.POLICY_DRIFT_PERCENT a supervisor's reason is
    needed, and is kept in it; a case that cannot be read counts as drift. Where no case was ever decided, a run over none of them counts.

    Raises NotTested, TooFewCases, DriftTooLarge.
    """
    run = best_run(draft)
    if run is None:
        raise NotTested()
    needed = decided_cases(draft.goods_type, as_of=run.as_of or 0, at_most=LEAST)
    if (run.planned or 0) < needed:
        raise TooFewCases(cases=run.planned, at_least=needed)
    limit = settings.POLICY_DRIFT_PERCENT
    is_over, note = run.drift_at_most > limit, override_note.strip()
    if is_over and (user.role != Role.SUPERVISOR or not note):
        raise DriftTooLarge(
            _(
                "%(drift).1f %% of the decided cases would have ended otherwise or cannot be read, and %(limit)g %% is the limit: "
                "a supervisor may publish all the same, with a reason."
            )
            % {"drift": run.drift_at_most, "limit": limit},
            drift_percent=round(run.drift_at_most, 2),
            limit_percent=limit,
        )
    return DraftTested.objects.create(
        draft=draft,
        run=run,
        limit_percent=limit,
        is_over=is_over,
        note=note if is_over else "",
        by=user,
        at=now,
    )


def best_run(draft: PolicyDraft) -> BacktestRun | None:
    """The finished run over the terms as they are now, over the most cases; of equals the latest."""
    done = BacktestRun.objects.filter(draft=draft, state=BacktestRun.State.DONE, digest=digest(draft.terms))
    return done.order_by("-planned", "-id").first()
