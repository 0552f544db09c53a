"""Sealed offers (requirement F3): each side says, unseen by the other, the least or the most it would settle for.

Where they meet, the case is settled at the middle at once. Where they do not, both hear that and no number. Everything
that could keep a settlement from being paid is looked at before the numbers are: an answer never depends on them
otherwise than by whether they meet.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel import crypto
from marketplace.kernel.errors import Refusal
from marketplace.kernel.idempotency import Answer, Key, Outcome, keep, once
from marketplace.kernel.money import Money, middle
from marketplace.payments.models import Claim
from marketplace.payments.operations.reserve import lock_captures

from ..clocks import Due
from ..machine import Party, State
from ..models import OfferAnswer, RefundRequest, SealedOffer
from ..permissions import BUYER, SYSTEM, Actor
from ..transitions import edge_for
from .approve import AmountOutOfRange, approve
from .disputed import open_dispute_about
from .file import WrongCurrency
from .locking import clock_after, lock, lock_for_seller
from .offered import end, lock_order_of
from .propose import move_and_propose

DIGITS = 16  # every number is written as long as every other, so that its length says nothing


class SealedAlready(Refusal):
    code = "sealed_already"
    title = _("You have made your sealed offer in this case. It stays as it is.")


class NothingToSettleWith(Refusal):
    code = "nothing_to_settle_with"
    title = _(
        "The payment is disputed or promised elsewhere, so a settlement could not be paid. Write in the case instead."
    )


def seal_as_buyer(
    *,
    buyer_id: int,
    number: str,
    least: Money,
    key: Key,
    present: Callable[[RefundRequest], Answer],
    now: datetime,
) -> Outcome:
    """The least the buyer settles for. Raises WrongCurrency, AmountOutOfRange, SealedAlready, NothingToSettleWith,
    UnitReplaced, NotFound, InvalidTransition, and what `once` raises.
    """

    def effect() -> tuple[Answer, int]:
        lock_order_of(number)
        request = lock(number, buyer_id=buyer_id)
        if least.currency != request.currency:
            raise WrongCurrency(pointer="/amount/currency", currency=request.currency)
        _seal(request, BUYER, least.amount, now)
        answer = present(request)
        keep(key, answer, 201)
        return answer, 201

    return once(key, effect)


def seal_as_seller(*, number: str, user: User, most: int, now: datetime) -> RefundRequest:
    """The most the seller pays, in minor units. Raises as seal_as_buyer, but for the currency and the key."""
    with transaction.atomic(durable=True):
        lock_order_of(number)
        request, actor = lock_for_seller(number, user)
        _seal(request, actor, most, now)
        return request


def _seal(request: RefundRequest, actor: Actor, amount: int, now: datetime) -> None:
    edge_for(request.state, "settle_sealed", SYSTEM.party)
    if not 0 < amount <= request.amount:
        raise AmountOutOfRange(field="amount", at_most=request.amount)
    filed = {row.party: row for row in SealedOffer.objects.filter(request=request).order_by("id")}
    if actor.party in filed:
        raise SealedAlready()
    _check_money(request)
    sealed = crypto.seal(f"{amount:0{DIGITS}d}", _context(request, actor.party))
    filed[actor.party] = SealedOffer.objects.create(
        request=request, party=actor.party, by_id=actor.user_id, sealed_amount=sealed, at=now
    )
    if len(filed) == 2:
        _compare(request, filed[Party.BUYER], filed[Party.SELLER], now)


def _check_money(request: RefundRequest) -> None:
    """Whether all that was asked could be paid now; what the request's own replacement holds is its own."""
    captures = lock_captures(request.order_id)
    own = Claim.objects.filter(
        reference=request.number, kind=Claim.Kind.REPLACEMENT, released_at__isnull=True
    ).values_list("amount", flat=True)
    available = sum(capture.available for capture in captures) + sum(own)
    if available < request.amount or open_dispute_about(captures) is not None:
        raise NothingToSettleWith()


def _compare(request: RefundRequest, buyers: SealedOffer, sellers: SealedOffer, now: datetime) -> None:
    least, most = _number(request, buyers), _number(request, sellers)
    if least > most:
        return
    amount = middle(least, most)
    if request.state == State.AWAITING_BUYER:
        end([request.pk], OfferAnswer.LAPSED, now)
    if amount <= request.two_person_above:
        approve(request, "settle_sealed", actor=SYSTEM, now=now, amount=amount)
        return
    assert sellers.by_id is not None  # of a seller, by constraint
    due, event = _review_by(request, now), "settle_sealed_for_check"
    move_and_propose(
        request, event, actor=SYSTEM, now=now, due=due, amount=amount, by_id=sellers.by_id, said=""
    )


def _review_by(request: RefundRequest, now: datetime) -> Due:
    """A reviewer's clock that runs already goes on (E7)."""
    if request.state == State.MANUAL_REVIEW:
        return Due(request.due_kind, request.due_at)
    return clock_after("settle_sealed_for_check", request, now)


def _number(request: RefundRequest, offer: SealedOffer) -> int:
    return int(crypto.unseal(offer.sealed_amount, _context(request, offer.party)))


def _context(request: RefundRequest, party: str) -> str:
    return f"sealed_offer:{request.number}:{party}"
