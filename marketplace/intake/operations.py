"""What a shop may do: push an order, tell what happened to a unit, ask for a buyer's token.

Each is one durable transaction. An order that is there is locked before it is compared, so that two pushes with
different claims are judged one after the other.
"""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity import tokens
from marketplace.identity.models import Buyer
from marketplace.kernel import crypto
from marketplace.kernel.errors import NotFound
from marketplace.kernel.idempotency import Answer, Key, Outcome, keep, once
from marketplace.kernel.outbox import enqueue
from marketplace.kernel.serializers import instant
from marketplace.orders.models import Order, Shop

from . import known
from .parties import refresh_buyer
from .records import EventRecord, OrderRecord
from .writing import insert_orders

TRIES = 3
# What another transaction may insert first: the order itself, its payment, or (once in a long while) its number.
_RACES = ("order_once_per_shop", "orders_order_no", "capture_once")

Effect = Callable[[], tuple[Answer, int]]


def take_order(*, shop: Shop, record: OrderRecord, key: Key | None, now: datetime) -> Outcome:
    """Create the order, or add to the one known by this external number what it did not say before.

    201 new, 200 known. Amounts are minor units. New: order, units with their shares of the total, events,
    captures and their ledger bookings; unknown buyer, product and (unverified) seller. Known: see known.add_to.
    Raises known.OrderConflict, known.PaymentKnown, KeyReused; nothing is written then.
    """

    def effect() -> tuple[Answer, int]:
        order = locked(shop, record.external_no)
        if order is None:
            known.refuse_known_payments(shop, record.external_no, record.payments)
            [written] = insert_orders(shop, [record], now=now)
            refresh_buyer(shop.code, record.buyer)
            _look_for_duplicates(written.no, len(record.payments))
            answer = _answer(
                written.no, record, written.seller_verified, record.quantity, len(record.payments)
            )
            return answer | {"created": True}, 201
        captures = known.add_to(order, shop, record)
        refresh_buyer(shop.code, record.buyer)
        _look_for_duplicates(order.no, captures)
        verified = order.seller.verified_at is not None
        return _answer(order.no, record, verified, order.quantity, captures) | {"created": False}, 200

    for _attempt in range(TRIES - 1):
        try:
            return _run(key, effect)
        except IntegrityError as error:
            if not any(name in str(error) for name in _RACES):
                raise
    return _run(key, effect)


def append_events(
    *,
    shop: Shop,
    external_no: str,
    unit_ref: str,
    events: tuple[EventRecord, ...],
    key: Key | None,
    now: datetime,
) -> Outcome:
    """Append what happened to one unit; refs seen before are no-ops.

    Raises NotFound for an order or unit that is not this shop's, known.OrderConflict for a ref that stands for
    another event already.
    """

    def effect() -> tuple[Answer, int]:
        order = locked(shop, external_no)
        if order is None:
            raise NotFound(_("There is no order of this number. Push the order first."))
        appended = known.append_events(order, unit_ref, events)
        return {
            "no": order.no,
            "external_no": external_no,
            "unit": unit_ref,
            "appended": appended,
            "known": len(events) - appended,
        }, 200

    return _run(key, effect)


def issue_buyer_token(*, shop: Shop, external_id: str, key: Key | None, now: datetime) -> Outcome:
    """A token for the shop's own buyer, to hand to the shop's front end. Raises NotFound.

    A replay answers with the same token, so it is kept, but sealed: whoever reads the table gets no access.
    """
    context = f"token:{key.scope}:{key.value}" if key else ""

    def effect() -> tuple[Answer, int]:
        buyer = Buyer.objects.filter(source=shop.code, external_id=external_id).first()
        if buyer is None:
            raise NotFound(_("There is no buyer of this id. Push an order of theirs first."))
        token = tokens.issue(buyer, issued_to=f"shop:{shop.code}"[:64], now=now)
        sealed = base64.b64encode(crypto.seal(token.token, context)).decode()
        return {"sealed_token": sealed, "expires_at": instant(token.expires_at)}, 201

    kept = _run(key, effect)
    token = crypto.unseal(base64.b64decode(kept.answer["sealed_token"]), context)
    return kept._replace(answer={"token": token, "expires_at": kept.answer["expires_at"]})


def locked(shop: Shop, external_no: str) -> Order | None:
    return (
        Order.objects.select_for_update(of=("self",))
        .select_related("seller", "buyer")
        .filter(shop_id=shop.pk, external_no=external_no)
        .first()
    )


def _look_for_duplicates(order_no: str, captures: int) -> None:
    """An order paid more than once may have been paid too much; what is, goes back by itself (requirement G3)."""
    if captures > 1:
        enqueue("refunds.return_duplicates", order_no)


def _run(key: Key | None, effect: Effect) -> Outcome:
    if key is None:
        with transaction.atomic(durable=True):
            answer, status = effect()
        return Outcome(answer, status, replayed=False)

    def kept_effect() -> tuple[Answer, int]:
        answer, status = effect()
        keep(key, answer, status)
        return answer, status

    return once(key, kept_effect)


def _answer(no: str, record: OrderRecord, verified: bool, units: int, captures: int) -> dict[str, Any]:
    return {
        "no": no,
        "external_no": record.external_no,
        "seller": record.seller_code,
        "seller_verified": verified,
        "buyer": record.buyer.external_id,
        "units": units,
        "captures": captures,
    }
