"""What an appeal may be against, and closing it (requirement F8). Not called by interfaces but for reading."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal
from marketplace.kernel.serializers import instant

from ..machine import PAYABLE, TARGET, Party, State, moves_from
from ..models import Appeal, Proposal, RefundRequest, Transition
from ..models.appeals import BORNE
from ..policies import in_force
from ..policy import Clocks
from ..transitions import InvalidTransition
from .resubmit import RulingIsFinal

RULINGS = frozenset({"rule_for_buyer", "rule_for_seller"})
BY_THE_SELLER = frozenset({"agree", "agree_for_check", "accept_offer"})


class AlreadyAppealed(Refusal):
    code = "already_appealed"
    title = _("You have appealed in this case: each side can do so once.")


class DecidedByTheMachine(Refusal):
    code = "decided_by_the_machine"
    title = _("The rules decided this, and no person yet. Ask for a person instead: POST request-person/.")


class ApprovedByTheRules(Refusal):
    code = "approved_by_the_rules"
    title = _("The rules approved this refund; an appeal is against a reviewer's decision.")


class AgreedYourself(Refusal):
    code = "agreed_yourself"
    title = _("You agreed to this refund yourself. An agreement cannot be appealed.")


class AppealWindowClosed(Refusal):
    code = "appeal_window_closed"
    status = 422
    title = _("The time to appeal against this decision is over.")


class DecidedYourself(Refusal):
    code = "decided_yourself"
    title = _("You took part in the decision appealed against. Another supervisor decides the appeal.")


class AppealOvertaken(Refusal):
    code = "appeal_overtaken"
    title = _("The case has moved on since the decision appealed against. Dismiss the appeal, saying so.")


def terms_of(request: RefundRequest) -> Clocks:
    """By the terms in force when the request was filed, as all its clocks."""
    return in_force(request.order.goods_type, request.filed_at).terms.clocks


def appealable(request: RefundRequest, party: Party, now: datetime) -> Transition:
    """The decision this side may appeal against now. Reads from memory what came with the request.

    Raises AlreadyAppealed, InvalidTransition (nothing is decided against this side), DecidedByTheMachine,
    ApprovedByTheRules, AgreedYourself, RulingIsFinal, AppealWindowClosed (with closes_at).
    """
    if any(appeal.party == party for appeal in request.appeals.all()):
        raise AlreadyAppealed()
    moves = sorted(request.transitions.all(), key=lambda move: move.sequence)
    decision = _rejection(request, moves) if party == Party.BUYER else _approval(request, moves)
    closes_at = decision.at + timedelta(days=terms_of(request).appeal_days)
    if now > closes_at:
        raise AppealWindowClosed(closes_at=instant(closes_at))
    return decision


def _rejection(request: RefundRequest, moves: list[Transition]) -> Transition:
    if request.state != State.REJECTED:
        allowed = {edge.target for edge in moves_from(request.state, Party.BUYER)}
        raise InvalidTransition(request.state, TARGET["hear_appeal"], allowed)
    if moves[-1].event in RULINGS:
        raise RulingIsFinal()
    if moves[-1].event != "reject":
        raise DecidedByTheMachine(instead="request-person")
    return moves[-1]


def _approval(request: RefundRequest, moves: list[Transition]) -> Transition:
    if request.state not in PAYABLE:
        raise InvalidTransition(request.state, TARGET["hear_appeal"])
    approval = next(move for move in reversed(moves) if move.to_state == State.APPROVED)
    if approval.event in RULINGS:
        raise RulingIsFinal()
    if any(move.event in BY_THE_SELLER for move in moves[: approval.sequence]):
        raise AgreedYourself()
    if approval.event != "approve":
        raise ApprovedByTheRules()
    return approval


def waiting_appeals() -> QuerySet[Appeal]:
    """Of buyers, against rejections that stand: what was asked for may still have to be paid."""
    return Appeal.objects.filter(
        party=Party.BUYER, decided_at__isnull=True, against_sequence=F("request__sequence")
    )


def refuse_after_ruling(request: RefundRequest) -> None:
    """Of a locked, rejected request. Raises RulingIsFinal."""
    if Transition.objects.filter(
        request=request, sequence=request.sequence, event="rule_for_seller"
    ).exists():
        raise RulingIsFinal()


def close_appeal(request: RefundRequest, outcome: str, *, user: User, note: str, now: datetime) -> None:
    """Decide the buyer's appeal that waits, if one does, by the move just made of the locked request.

    Raises DecidedYourself, AppealOvertaken.
    """
    appeal = Appeal.objects.filter(request=request, party=Party.BUYER, decided_at__isnull=True).first()
    if appeal is None:
        return
    if appeal.against_sequence != request.sequence - 1:
        raise AppealOvertaken()
    decide(appeal, outcome, user=user, note=note, now=now)


def decide(appeal: Appeal, outcome: str, *, user: User, note: str, now: datetime, amount: int = 0) -> None:
    """Write the decision, in the caller's transaction. Raises DecidedYourself."""
    require_another(appeal, user)
    appeal.decided_at, appeal.decided_by, appeal.outcome = now, user, outcome
    appeal.note, appeal.amount = note, amount
    appeal.save(update_fields=["decided_at", "decided_by", "outcome", "note", "amount"])


def require_another(appeal: Appeal, user: User) -> None:
    """Maker is not checker: the database refuses it too (trigger by_another). Raises DecidedYourself."""
    if user.pk in deciders(appeal):
        raise DecidedYourself()


def deciders(appeal: Appeal) -> set[int]:
    """Who made the decision appealed against, or proposed it."""
    of = {"request": appeal.request_id}
    judged = appeal.request.judgements.filter(sequence=appeal.against_sequence).values_list("by", flat=True)
    proposed = Proposal.objects.filter(**of, sequence=appeal.against_sequence - 1).values_list(
        "by", flat=True
    )
    return {*judged, *proposed}


def borne(request_id: int) -> int:
    """What the seller bore of this request's refund by the books, in minor units."""
    with connection.cursor() as cursor:
        cursor.execute(BORNE.format(request="%s"), [request_id])
        return int(cursor.fetchone()[0])
