"""A side contests a decision (requirement F8): once, naming the clauses it relies on. It moves no state."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.businesstime import add_working_days
from marketplace.kernel.errors import Refusal
from marketplace.kernel.idempotency import Answer, Key, Outcome, keep, once

from ..masking import CARD_NUMBER
from ..models import Appeal, Flag, RefundRequest
from ..models.appeals import MAX_CLAUSE
from ..permissions import BUYER, Actor
from .appealed import appealable, terms_of
from .flag import flag_threats
from .locking import lock, lock_for_seller
from .say import MAX_CHARACTERS, CardNumber
from .tell import tell_appeal

MOST_CLAUSES = 10


class ClausesNeeded(Refusal):
    code = "clauses_needed"
    status = 422
    title = _("Name the clauses you rely on: 1 to 10, of at most 16 characters each.")


class GroundsNeeded(Refusal):
    code = "grounds_needed"
    status = 422
    title = _("Say in 1 to 4000 characters why the decision is wrong.")


def appeal_as_buyer(
    *,
    buyer_id: int,
    number: str,
    clauses: Sequence[str],
    text: str,
    key: Key,
    present: Callable[[RefundRequest], Answer],
    now: datetime,
) -> Outcome:
    """Against a rejection by a person. Raises ClausesNeeded, GroundsNeeded, CardNumber, NotFound, what `appealable`
    raises, and what `once` raises.
    """
    clauses, text = _read(clauses, text)

    def effect() -> tuple[Answer, int]:
        request = lock(number, buyer_id=buyer_id)
        _file(request, BUYER, clauses, text, now)
        answer = present(request)
        keep(key, answer, 201)
        return answer, 201

    return once(key, effect)


def appeal_as_seller(*, number: str, user: User, clauses: Sequence[str], text: str, now: datetime) -> Appeal:
    """Against an approval by a reviewer. The refund is paid all the same: the appeal is about who bears it.

    Raises as appeal_as_buyer, but for the key.
    """
    clauses, text = _read(clauses, text)
    with transaction.atomic(durable=True):
        request, actor = lock_for_seller(number, user)
        return _file(request, actor, clauses, text, now)


def _read(clauses: Sequence[str], text: str) -> tuple[list[str], str]:
    named = list(dict.fromkeys(clause.strip() for clause in clauses))
    if not 0 < len(named) <= MOST_CLAUSES or any(not 0 < len(clause) <= MAX_CLAUSE for clause in named):
        raise ClausesNeeded(pointer="/clauses")
    if not 0 < len(text.strip()) <= MAX_CHARACTERS:
        raise GroundsNeeded(pointer="/text")
    if CARD_NUMBER.search(text):
        raise CardNumber(pointer="/text")
    return named, text.strip()


def _file(request: RefundRequest, actor: Actor, clauses: list[str], text: str, now: datetime) -> Appeal:
    decision = appealable(request, actor.party, now)
    appeal = Appeal.objects.create(
        request=request,
        party=actor.party,
        user_id=actor.user_id,
        clauses=clauses,
        text=text,
        against_sequence=decision.sequence,
        two_person_above=request.two_person_above,
        at=now,
        due_at=add_working_days(now, terms_of(request).appeal_working_days),
    )
    flag_threats(request, text, now, said_in=Flag.SaidIn.APPEAL, which=appeal.pk)
    tell_appeal(appeal.pk, now)
    return appeal
