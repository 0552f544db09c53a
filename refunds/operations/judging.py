"""What a person's decision leaves behind: whose fault it was, and how it stands to the precedents (F5, F9)."""

from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal

from .. import precedents
from ..faults import FORCES_REFUND, Fault, Outcome
from ..models import Judgement, RefundRequest
from ..precedents import Question


class FaultNeeded(Refusal):
    code = "fault_needed"
    status = 422
    title = _("Say who is at fault: the seller, the platform, the buyer, the provider, or nobody.")


class RefundForced(Refusal):
    code = "refund_forced"
    status = 422
    title = _("With the seller at fault the refund is due: approve it, whole or in part.")


class DeviationNeedsReason(Refusal):
    code = "deviation_needs_reason"
    status = 422
    title = _("Most of the nearest precedents were decided the other way. Say why this case differs.")


class Ruling(NamedTuple):
    """What a person says with a decision; each text trimmed."""

    fault: str  # of refunds.faults
    note: str
    clause: str = ""
    deviation: str = ""  # why it departs from the precedents


def require_fault(fault: str, *, for_buyer: bool) -> None:
    """Raises FaultNeeded, RefundForced."""
    if fault not in Fault.values:
        raise FaultNeeded(faults=Fault.values)
    if not for_buyer and fault in FORCES_REFUND:
        raise RefundForced()


def weigh(request: RefundRequest, *, for_buyer: bool, deviation: str) -> Question:
    """The case as its precedents are looked for. Raises DeviationNeedsReason with their numbers."""
    question = precedents.question_of(request)
    if not deviation:
        found = precedents.against(precedents.nearest(question), for_buyer=for_buyer)
        if found:
            numbers = [case.number for case in found]
            raise DeviationNeedsReason(
                _("%(numbers)s were decided the other way. Say why this case differs.")
                % {"numbers": ", ".join(numbers)},
                precedents=numbers,
            )
    return question


def keep(
    request: RefundRequest, question: Question, ruling: Ruling, *, user_id: int, amount: int, now: datetime
) -> Judgement:
    """Write the judgement of the move just made; `amount` minor units go back, 0 where none."""
    outcome = Outcome.REJECT if not amount else Outcome.APPROVE if amount == request.amount else Outcome.PART
    judgement = Judgement.objects.create(
        request=request,
        sequence=request.sequence,
        by_id=user_id,
        outcome=outcome,
        amount=amount,
        at=now,
        **ruling._asdict(),
    )
    precedents.remember(judgement, question)
    return judgement
