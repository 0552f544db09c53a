"""Offers for tests: made by the real operations, a few words each."""

import itertools
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal
from marketplace.kernel.idempotency import Key, Outcome
from marketplace.kernel.money import Money
from marketplace.orders.models import Unit
from marketplace.orders.operations import code_of, reveal
from marketplace.payments.models import Claim
from refunds.machine import State
from refunds.models import Offer, RefundRequest
from refunds.operations import offer, seal_offer
from refunds.operations.respond_offer import respond

from .cases import make_request
from .people import Cast

_keys = itertools.count(1)
CODE = "NEW-CODE-0001"


def key() -> Key:
    return Key("test:offers", f"offer-{next(_keys)}", b"0" * 32)


def number_of(request: RefundRequest) -> dict[str, Any]:
    return {"number": request.number}


def standing(request: RefundRequest) -> tuple[Any, ...]:
    """What a refused call must leave as it was."""
    row = read(request)
    offers = list(Offer.objects.order_by("id").values_list("answer", "answered_at"))
    units = list(Unit.objects.order_by("id").values_list("ref", "place"))
    return row.state, row.sequence, row.due_at, offers, units, Claim.objects.filter(released_at=None).count()


def refused(error: type[Refusal], request: RefundRequest, call: Callable[[], Any]) -> Refusal:
    before = standing(request)
    with pytest.raises(error) as caught:
        call()
    assert standing(request) == before
    return caught.value


def show_code(request: RefundRequest, ref: str) -> str:
    order = request.order
    told = Key("test:reveal", f"{order.no}:{ref}:{timezone.now()}", b"0" * 32)
    reveal(
        buyer_id=request.buyer_id, order_no=order.no, ref=ref, key=told, now=timezone.now(), ip="", device=""
    )
    return code_of(buyer_id=request.buyer_id, order_no=order.no, ref=ref)


def places(request: RefundRequest) -> dict[str, str]:
    return dict(Unit.objects.filter(order=request.order_id).values_list("ref", "place"))


def with_seller(cast: Cast, **order: Any) -> RefundRequest:
    """A request that waits for its seller: 99.00 CNY over one unit, unless the order says otherwise."""
    return make_request(cast, state=State.AWAITING_SELLER, **order)


def part(request: RefundRequest, user: User, amount: int = 4000, **said: Any) -> RefundRequest:
    said = {"now": timezone.now(), **said}
    return offer.offer_part(number=request.number, user=user, amount=amount, **said)


def replacement(request: RefundRequest, user: User, *codes: str, **said: Any) -> RefundRequest:
    said = {"now": timezone.now(), **said}
    return offer.offer_replacement(number=request.number, user=user, codes=codes or (CODE,), **said)


def promise(request: RefundRequest, user: User, on: date | None = None, **said: Any) -> RefundRequest:
    said = {"now": timezone.now(), "note": "I recharge it by hand.", **said}
    on = on or timezone.localdate(said["now"]) + timedelta(days=3)
    return offer.promise(number=request.number, user=user, on=on, **said)


def answer(request: RefundRequest, accept: bool, **said: Any) -> Outcome:
    said = {"now": timezone.now(), "key": key(), "present": number_of, **said}
    return respond(buyer_id=request.buyer_id, number=request.number, accept=accept, **said)


def least(request: RefundRequest, amount: int, currency: str = "CNY") -> Outcome:
    return seal_offer.seal_as_buyer(
        buyer_id=request.buyer_id,
        number=request.number,
        least=Money(amount, currency),
        key=key(),
        present=number_of,
        now=timezone.now(),
    )


def most(request: RefundRequest, user: User, amount: int) -> RefundRequest:
    return seal_offer.seal_as_seller(number=request.number, user=user, most=amount, now=timezone.now())


def read(request: RefundRequest) -> RefundRequest:
    return RefundRequest.objects.get(pk=request.pk)


def leave_offers(cast: Cast) -> None:
    """New goods that were declined, and a sealed offer."""
    request = with_seller(cast)
    replacement(request, cast.seller_user)
    answer(request, False)
    least(request, 100)
