"""What a person's decision leaves behind: whose fault it was, and how it stands to the precedents (F5, F9)."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal

from .. import precedents
from ..faults import FORCES_REFUND, SHARED_BY, Fault, Outcome
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


class SharesInvalid(Refusal):
    code = "shares_invalid"
    status = 422
    title = _(
        "Divide the fault in whole percent between at least two, 100 together, the largest with who is at fault."
    )


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
    shares: dict[str, int] | None = None  # percent of the fault by party, where it is divided


def require_fault(fault: str, *, for_buyer: bool, shares: Mapping[str, int] | None = None) -> None:
    """Raises FaultNeeded, RefundForced, SharesInvalid."""
    if fault not in Fault.values:
        raise FaultNeeded(faults=Fault.values)
    if not for_buyer and (fault in FORCES_REFUND or FORCES_REFUND & set(shares or ())):
        raise RefundForced()
    if shares is None:
        return
    is_divided = len(shares) > 1 and set(shares) <= set(SHARED_BY) and min(shares.values()) > 0
    if not is_divided or sum(shares.values()) != 100 or shares.get(fault) != max(shares.values()):
        raise SharesInvalid(parties=[str(party) for party in SHARED_BY])


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
