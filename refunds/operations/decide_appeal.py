"""What a supervisor makes of an appeal without moving the case (requirement F8). Hearing it and taking it to
arbitration move the case, and stand in review.py.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal, SecondPersonNeeded
from marketplace.ledger.models import Kind
from marketplace.ledger.operations import book
from marketplace.payments.operations.bearing import lock_funds

from ..machine import Party
from ..models import Appeal
from ..permissions import require_deed
from .appealed import borne, decide, require_another
from .locking import lock_for_staff
from .review import require_reasons
from .tell import tell_appeal


class AppealDecided(Refusal):
    code = "appeal_decided"
    title = _("This appeal is decided already.")


class MoreThanBorne(Refusal):
    code = "more_than_borne"
    status = 422
    title = _("The amount must be more than nothing and no more than the seller bore of this refund so far.")


class AnotherAmountProposed(Refusal):
    code = "another_amount_proposed"
    title = _("Another amount is proposed already. Confirm that one, or uphold the decision.")


def dismiss(*, number: str, user: User, note: str, now: datetime) -> Appeal:
    """The buyer's appeal is not heard; the rejection stands.

    Raises ReasonsNeeded, NotPermitted, NotFound, AppealDecided, DecidedYourself, as do the others here.
    """
    return _close(number, user, Party.BUYER, Appeal.Outcome.DISMISSED, note, now)


def uphold(*, number: str, user: User, note: str, now: datetime) -> Appeal:
    """The approval the seller appealed against was right: the seller bears the refund."""
    return _close(number, user, Party.SELLER, Appeal.Outcome.UPHELD, note, now)


def overturn(*, number: str, user: User, amount: int, note: str, now: datetime) -> Appeal:
    """The approval was wrong: the platform makes `amount` minor units good to the seller; the buyer keeps the refund.
    Above the two-person limit the first call proposes and another supervisor's decides (F7).

    Raises MoreThanBorne, AnotherAmountProposed, SecondPersonNeeded too.
    """
    require_deed(user, "decide_appeal")
    require_reasons(note)
    with transaction.atomic(durable=True):
        appeal = _waiting(number, user, Party.SELLER)
        require_another(appeal, user)
        at_most = borne(appeal.request_id)
        if not 0 < amount <= at_most:
            raise MoreThanBorne(amount=amount, at_most=at_most)
        if appeal.proposed_amount not in (None, amount):
            raise AnotherAmountProposed(proposed=appeal.proposed_amount)
        if amount > appeal.two_person_above:
            if appeal.proposed_by_id is None:
                return _propose(appeal, user, amount, note)
            if appeal.proposed_by_id == user.pk:
                raise SecondPersonNeeded(
                    _("You proposed this amount. Above the limit another person must confirm it.")
                )
        decide(appeal, Appeal.Outcome.OVERTURNED, user=user, note=note.strip(), now=now, amount=amount)
        _make_good(appeal, amount, now)
        tell_appeal(appeal.pk, now)
        return appeal


def _close(number: str, user: User, party: Party, outcome: str, note: str, now: datetime) -> Appeal:
    require_deed(user, "decide_appeal")
    require_reasons(note)
    with transaction.atomic(durable=True):
        appeal = _waiting(number, user, party)
        decide(appeal, outcome, user=user, note=note.strip(), now=now)
        tell_appeal(appeal.pk, now)
        return appeal


def _waiting(number: str, user: User, party: Party) -> Appeal:
    """The side's appeal, of the request locked until commit. Raises NotFound, AppealDecided."""
    request, _actor = lock_for_staff(number, user)
    appeal = Appeal.objects.select_related("request__seller").filter(request=request, party=party).first()
    if appeal is None:
        raise NotFound()
    if not appeal.is_waiting:
        raise AppealDecided(outcome=appeal.outcome)
    return appeal


def _propose(appeal: Appeal, user: User, amount: int, note: str) -> Appeal:
    appeal.proposed_by, appeal.proposed_amount, appeal.proposed_note = user, amount, note.strip()
    appeal.save(update_fields=["proposed_by", "proposed_amount", "proposed_note"])
    return appeal


def _make_good(appeal: Appeal, amount: int, now: datetime) -> None:
    request = appeal.request
    owed = lock_funds(request.seller.code, request.currency)[Kind.DEBT]
    repaid = min(owed, amount)
    book(
        recipe="appeal_won",
        reference=f"appeal_won:{request.number}",
        amount=amount,
        currency=request.currency,
        occurred_at=now,
        shares={"debt": repaid, "payable": amount - repaid},
        seller=request.seller.code,
    )
