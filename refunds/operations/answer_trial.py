"""A reviewer answers a trial (requirement K4). It is kept, and nothing else happens: no money, no move, no notice."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal

from ..faults import Outcome
from ..models import Trial, TrialAnswer
from ..trials import case_of, trial_of
from . import judging
from .approve import AmountOutOfRange
from .review import require_clause, require_reasons


class TrialAnswered(Refusal):
    code = "trial_answered"
    title = _("You have answered this one.")


def answer_trial(
    *,
    number: str,
    user: User,
    amount: int | None,
    note: str,
    fault: str,
    now: datetime,
    clause: str = "",
    deviation: str = "",
    shares: Mapping[str, int] | None = None,
) -> TrialAnswer:
    """Decide the trial: `amount` minor units go back, 0 for the seller, None for all. It is refused where the same
    decision about a case would be, in the same words.

    Raises ReasonsNeeded, FaultNeeded, RefundForced, SharesInvalid, ClauseNeeded, DeviationNeedsReason,
    AmountOutOfRange, TrialAnswered, NotFound.
    """
    for_buyer = amount != 0
    clause = clause.strip() if for_buyer else require_clause(clause)
    require_reasons(note)
    judging.require_fault(fault, for_buyer=for_buyer, shares=shares)
    with transaction.atomic(durable=True):
        trial = _lock(number, user)
        request = case_of(trial, now).request
        amount = request.amount if amount is None else amount
        if not 0 <= amount <= request.amount:
            raise AmountOutOfRange(amount=amount, at_most=request.amount)
        judging.weigh(request, for_buyer=for_buyer, deviation=deviation.strip())
        outcome = (
            Outcome.REJECT if not amount else Outcome.APPROVE if amount == request.amount else Outcome.PART
        )
        return _keep(
            trial, now, outcome=outcome, amount=amount, fault=fault, clause=clause, note=note.strip()
        )


def pass_trial(*, number: str, user: User, note: str, now: datetime) -> TrialAnswer:
    """Something else than a decision: a question, a word to the sides, another's desk. The trial ends undecided.

    Raises TrialAnswered, NotFound.
    """
    with transaction.atomic(durable=True):
        trial = _lock(number, user)
        return _keep(trial, now, outcome=TrialAnswer.PASSED, amount=0, note=note.strip())


def _lock(number: str, user: User) -> Trial:
    """Raises TrialAnswered, NotFound."""
    trial = trial_of(number, user)
    if trial is None:
        raise NotFound()
    Trial.objects.select_for_update().get(pk=trial.pk)
    if TrialAnswer.objects.filter(trial=trial).exists():
        raise TrialAnswered()
    return trial


def _keep(trial: Trial, now: datetime, **said: object) -> TrialAnswer:
    seconds = max(0, int((now - trial.started_at).total_seconds()))
    return TrialAnswer.objects.create(trial=trial, at=now, seconds=seconds, **said)
