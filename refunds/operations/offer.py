"""A seller's offers: a part of the amount, new goods, or a promise with a date (requirements F2, G2).

Each takes the request from the seller to the buyer, who accepts or declines (respond_offer.py).
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.orders.models import Order
from marketplace.orders.replacing import offer_units
from marketplace.payments.models import Claim
from marketplace.payments.operations.reserve import NotEnoughCaptured, allocate, claim, lock_captures

from ..clocks import Due
from ..machine import PAYABLE, Clock, Party
from ..models import Offer, OfferedUnit, OfferKind, RefundItem, RefundRequest
from ..permissions import Actor
from ..policies import in_force
from ..transitions import apply_transition, edge_for
from .disputed import DisputeOpen, open_dispute_about
from .locking import clock_after, lock_for_seller
from .offered import lock_order_of

MAX_NOTE = 4000  # characters
END_OF_DAY = time(23, 59, 59)  # a promise holds until its day is over in Asia/Shanghai


class PartOutOfRange(Refusal):
    code = "part_out_of_range"
    status = 422
    title = _("A part is more than nothing and less than what was asked. To pay all of it, agree.")


class PromiseOutOfRange(Refusal):
    code = "promise_out_of_range"
    status = 422
    title = _("A promise needs a date: today or later, and no later than the terms allow.")


class SayWhatIsOffered(Refusal):
    code = "offer_note_needed"
    status = 422
    title = _("Say in 1 to 4000 characters what the buyer gets, and where to find it.")


class CodesDoNotFit(Refusal):
    code = "codes_do_not_fit"
    status = 422
    title = _(
        "Give one new code for each unit of the request, or none where the goods are on the buyer's account."
    )


def offer_part(*, number: str, user: User, amount: int, now: datetime, note: str = "") -> RefundRequest:
    """Offer `amount` minor units instead of all. Raises PartOutOfRange, NotFound, InvalidTransition."""
    with transaction.atomic(durable=True):
        request = _locked(number, user)
        if not 0 < amount < request.amount:
            raise PartOutOfRange(field="amount", amount=amount, below=request.amount)
        _make(request, user, OfferKind.PARTIAL, note, clock_after("offer", request, now), now, amount=amount)
        return request


def offer_replacement(
    *, number: str, user: User, codes: Sequence[str], now: datetime, note: str = ""
) -> RefundRequest:
    """Send a new unit for each unit of the request: with a code each, or with none and a note saying where it is.

    The new units are masked until the buyer reveals them, and hold their worth of the payment while on offer.

    Raises CodesDoNotFit, SayWhatIsOffered, CodeKnown, CodeTooLong, DisputeOpen, NotEnoughCaptured, NotFound,
    InvalidTransition.
    """
    with transaction.atomic(durable=True):
        order = lock_order_of(number)
        if order is None:
            raise NotFound()
        request = _locked(number, user)
        items = list(RefundItem.objects.filter(request=request).select_related("unit").order_by("id"))
        given = [code.strip() for code in codes if code.strip()]
        if given and len(given) != len(items):
            raise CodesDoNotFit(field="codes", given=len(given), units=[item.unit.ref for item in items])
        if not given:
            _require(note)
        _replace(request, user, order, items, given, note, now)
        return request


def promise(*, number: str, user: User, on: date, note: str, now: datetime) -> RefundRequest:
    """Promise what `note` says by the end of `on` in Asia/Shanghai; unconfirmed by then, it counts as broken.

    Raises PromiseOutOfRange, SayWhatIsOffered, NotFound, InvalidTransition.
    """
    with transaction.atomic(durable=True):
        request = _locked(number, user)
        today, latest = promise_days(request, now)
        if not today <= on <= latest:
            raise PromiseOutOfRange(
                field="on", on=on.isoformat(), earliest=today.isoformat(), latest=latest.isoformat()
            )
        _require(note)
        due = Due(Clock.PROMISE, datetime.combine(on, END_OF_DAY, timezone.get_default_timezone()))
        _make(request, user, OfferKind.PROMISE, note, due, now, promised_for=due.at)
        return request


def promise_days(request: RefundRequest, now: datetime) -> tuple[date, date]:
    """The first and the last day a promise may name, by the terms in force when the request was filed."""
    terms = in_force(request.order.goods_type, request.filed_at).terms.clocks
    today = timezone.localtime(now, timezone.get_default_timezone()).date()
    return today, today + timedelta(days=terms.promise_max_days)


def _locked(number: str, user: User) -> RefundRequest:
    request, actor = lock_for_seller(number, user)
    edge_for(
        request.state, "offer", actor.party
    )  # who comes too late hears that, not what is wrong with the offer
    return request


def _make(
    request: RefundRequest,
    user: User,
    kind: OfferKind,
    note: str,
    due: Due,
    now: datetime,
    *,
    amount: int | None = None,
    promised_for: datetime | None = None,
) -> Offer:
    if len(note) > MAX_NOTE:
        raise SayWhatIsOffered(field="note", characters=len(note))
    actor = Actor(Party.SELLER, user.pk)
    apply_transition(request, "offer", actor=actor, now=now, due=due)
    return Offer.objects.create(
        request=request,
        sequence=request.sequence,
        kind=kind,
        amount=amount,
        promised_for=promised_for,
        note=note.strip(),
        by=user,
        at=now,
    )


def _replace(
    request: RefundRequest,
    user: User,
    order: Order,
    items: Sequence[RefundItem],
    codes: Sequence[str],
    note: str,
    now: datetime,
) -> None:
    worth = _left(items)
    _hold(request, sum(worth), now)
    offer = _make(request, user, OfferKind.REPLACEMENT, note, clock_after("offer", request, now), now)
    wanted = [
        (item.unit, amount, codes[index] if codes else None)
        for index, (item, amount) in enumerate(zip(items, worth, strict=True))
    ]
    pairs = offer_units(order, wanted, now)
    OfferedUnit.objects.bulk_create(OfferedUnit(offer=offer, old=old, new=new) for old, new in pairs)


def _left(items: Sequence[RefundItem]) -> list[int]:
    """Minor units of each unit that earlier refunds have left: a replacement is worth that, and no more."""
    rows = RefundItem.objects.filter(unit__in=[item.unit_id for item in items], request__state__in=PAYABLE)
    gone = dict(rows.values_list("unit").annotate(total=Sum("approved_amount")).order_by("unit"))
    return [max(item.unit.amount - gone.get(item.unit_id, 0), 0) for item in items]


def _hold(request: RefundRequest, amount: int, now: datetime) -> None:
    captures = lock_captures(request.order_id)
    try:
        parts = allocate(captures, amount)
    except NotEnoughCaptured as short:
        dispute = open_dispute_about(captures)
        if dispute is None:
            raise
        raise DisputeOpen(dispute=dispute.number, **short.extra) from short
    for part in parts:
        claim(part, kind=Claim.Kind.REPLACEMENT, reference=request.number, now=now)


def _require(note: str) -> None:
    if not note.strip():
        raise SayWhatIsOffered(field="note")
