"""A buyer applies again after a rejection, with evidence that was not there before (requirement C6)."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal
from marketplace.kernel.idempotency import Answer, Key, Outcome, keep, once
from marketplace.kernel.outbox import enqueue

from ..facts import build, of_request
from ..machine import Party
from ..models import Evidence, Flag, RefundRequest, Transition
from ..permissions import BUYER
from ..policies import judge
from ..policy import REASONS
from ..transitions import apply_transition, edge_for
from .flag import flag_threats
from .locking import lock


class NoNewEvidence(Refusal):
    code = "no_new_evidence"
    status = 422
    title = _("Add evidence that was not in the case when it was rejected, then apply again.")


class WindowClosed(Refusal):
    code = "window_closed"
    status = 422
    title = _("The time to ask for this refund is over.")


class RulingIsFinal(Refusal):
    code = "ruling_is_final"
    title = _("The ruling in arbitration is final on this platform.")


def resubmit(
    *,
    buyer_id: int,
    number: str,
    key: Key,
    present: Callable[[RefundRequest], Answer],
    now: datetime,
    note: str = "",
) -> Outcome:
    """Take a rejected request back to the pre-check, which judges it as filed when it was first filed.

    Raises NotFound, InvalidTransition, RulingIsFinal, NoNewEvidence, WindowClosed (with closes_at),
    OpenRequestExists (with its number), and what `once` raises.
    """

    def effect() -> tuple[Answer, int]:
        request = lock(number, buyer_id=buyer_id)
        edge_for(request.state, "reapply", Party.BUYER)
        _check(request, now)
        apply_transition(request, "reapply", actor=BUYER, now=now, note=note)
        flag_threats(request, note, now, said_in=Flag.SaidIn.RESUBMISSION, which=request.sequence)
        enqueue("refunds.precheck", request.pk)
        answer = present(request)
        keep(key, answer, 200)
        return answer, 200

    return once(key, effect)


def _check(request: RefundRequest, now: datetime) -> None:
    rejection = Transition.objects.get(request=request, sequence=request.sequence)
    if rejection.event == "rule_for_seller":
        raise RulingIsFinal()
    if not _new_evidence(request, rejection.at):
        raise NoNewEvidence(rejected_at=rejection.at.isoformat())
    _check_window(request, now)


def _new_evidence(request: RefundRequest, since: datetime) -> bool:
    """Of the buyer's, and no file that was in the case before under whatever name or kind."""
    rows = Evidence.objects.filter(request=request)
    known = rows.filter(at__lte=since, original_sha256=OuterRef("original_sha256"))
    return rows.filter(by=Party.BUYER, at__gt=since).exclude(Exists(known)).exists()


def _check_window(request: RefundRequest, now: datetime) -> None:
    """The same window as for a filing (B6), as if it were filed now; for the reasons it decides."""
    deciders = REASONS[request.reason].deciders
    if deciders is not None and "window" not in deciders:
        return
    known, units = of_request(request)
    facts = build(
        known, units, reason=request.reason, remedy=request.remedy, amount=request.amount, filed_at=now
    )
    for finding in judge(facts, now).decision.findings:
        if finding.rule == "window" and finding.result == "unmet":
            raise WindowClosed(closes_at=finding.facts["closes_at"])
