"""The buyer's answer to what the seller offers (requirement F2); accepting is the buyer's choice, whatever was asked."""

from collections.abc import Callable
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal
from marketplace.kernel.idempotency import Answer, Key, Outcome, keep, once

from ..models import Offer, OfferAnswer, OfferKind, RefundRequest
from ..permissions import BUYER
from ..transitions import apply_transition, edge_for
from .approve import approve
from .locking import clock_after, lock
from .offered import confirm, end, lock_order_of, standing
from .propose import move_and_propose


class NoOffer(Refusal):
    code = "no_offer"
    title = _("There is no offer that waits for your answer.")


def respond(
    *,
    buyer_id: int,
    number: str,
    accept: bool,
    key: Key,
    present: Callable[[RefundRequest], Answer],
    now: datetime,
    note: str = "",
) -> Outcome:
    """Accept or decline. A part accepted is approved, above the two-person limit once a member of staff has confirmed
    it (F7); new goods or a promise kept close the case; what is declined goes to a reviewer.

    Raises NoOffer, DisputeOpen, NotEnoughCaptured, UnitReplaced, NotFound, InvalidTransition, and what `once` raises.
    """

    def effect() -> tuple[Answer, int]:
        lock_order_of(number)
        request = lock(number, buyer_id=buyer_id)
        edge_for(request.state, "decline_offer", BUYER.party)
        offer = standing(request)
        if offer is None:
            raise NoOffer()
        if accept:
            _accept(request, offer, note, now)
        else:
            end([request.pk], OfferAnswer.DECLINED, now)
            _move(request, "decline_offer", note, now)
        answer = present(request)
        keep(key, answer, 200)
        return answer, 200

    return once(key, effect)


def _accept(request: RefundRequest, offer: Offer, note: str, now: datetime) -> None:
    confirm(request, offer, now)
    if offer.kind != OfferKind.PARTIAL:
        apply_transition(request, "confirm_replacement", actor=BUYER, now=now, note=note)
        return
    assert offer.amount is not None  # of a part, by constraint
    if offer.amount <= request.two_person_above:
        approve(request, "accept_offer", actor=BUYER, now=now, amount=offer.amount, note=note)
        return
    event = "accept_offer_for_check"
    move_and_propose(
        request,
        event,
        actor=BUYER,
        now=now,
        due=clock_after(event, request, now),
        amount=offer.amount,
        by_id=offer.by_id,
        said=offer.note,
        note=note,
    )


def _move(request: RefundRequest, event: str, note: str, now: datetime) -> None:
    apply_transition(request, event, actor=BUYER, now=now, due=clock_after(event, request, now), note=note)
