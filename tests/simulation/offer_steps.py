"""What the two sides offer each other: parts, new goods, promises, sealed numbers. Each step is one operation."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from marketplace.identity.models import User
from marketplace.kernel.idempotency import Key
from marketplace.kernel.money import Money
from refunds.machine import SEALABLE, State
from refunds.models import RefundItem, RefundRequest
from refunds.operations import offer, seal_offer
from refunds.operations.respond_offer import respond

from .world import World


def seller_offers(world: World) -> None:
    if numbers := world.numbers(State.AWAITING_SELLER):
        request, rng = RefundRequest.objects.get(number=world.rng.choice(numbers)), world.rng
        known: dict[str, Any] = {"number": request.number, "user": _seller(world, request), "now": world.now}
        choice = rng.random()
        if choice < 0.4:
            world.run("offer", partial(offer.offer_part, amount=rng.randint(1, request.amount), **known))
        elif choice < 0.8:
            units = RefundItem.objects.filter(request=request).count()
            codes = [world.key() for _unit in range(units)]
            world.run("offer", partial(offer.offer_replacement, codes=codes, **known))
        else:
            on = timezone.localdate(world.now) + timedelta(days=rng.randint(0, 7))
            world.run("offer", partial(offer.promise, on=on, note="Soon.", **known))


def buyer_responds(world: World) -> None:
    if numbers := world.numbers(State.AWAITING_BUYER):
        accept = world.rng.random() < 0.7
        _as_buyer(world, world.rng.choice(numbers), partial(respond, accept=accept))


def side_seals(world: World) -> None:
    if numbers := world.numbers(*SEALABLE):
        request = RefundRequest.objects.get(number=world.rng.choice(numbers))
        amount = world.rng.randint(1, request.amount)
        if world.rng.random() < 0.5:
            least = Money(amount, request.currency)
            _as_buyer(world, request.number, partial(seal_offer.seal_as_buyer, least=least))
        else:
            known: dict[str, Any] = {"number": request.number, "user": _seller(world, request)}
            world.run("offer", partial(seal_offer.seal_as_seller, most=amount, now=world.now, **known))


def _as_buyer(world: World, number: str, operation: Callable[..., Any]) -> None:
    buyer_id = RefundRequest.objects.get(number=number).buyer_id
    key = Key(f"buyer:{buyer_id}:offer", world.key(), b"0" * 32)
    known = {"buyer_id": buyer_id, "number": number, "key": key, "now": world.now}
    world.run("offer", partial(operation, present=lambda request: {"number": request.number}, **known))


def _seller(world: World, request: RefundRequest) -> User:
    return next(person.user for person in world.sellers if person.seller.pk == request.seller_id)


STEPS: dict[Callable[[World], None], float] = {seller_offers: 5, buyer_responds: 4, side_seals: 1.5}
