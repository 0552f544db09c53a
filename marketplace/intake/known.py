"""An order that is there already: what a push may add to it, and what binds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel import crypto
from marketplace.kernel.errors import NotFound, Refusal, Text
from marketplace.orders import secrets
from marketplace.orders.models import Order, Shop, Unit, UnitEvent
from marketplace.payments.models import Capture

from .records import EventRecord, OrderRecord, PaymentRecord, UnitRecord
from .validation import FieldError
from .writing import insert_captures, insert_events

_BINDS = _(
    "This was fixed when the order was first pushed (%(kept)s) and cannot become %(given)s. Push it as it was."
)
_OTHER_SECRET = _(
    "Another code is kept for this unit. A code sent later goes into a new unit of a replacement."
)
_NO_UNIT = _("The order has no unit of this ref. Its units: %(refs)s.")
_OTHER_EVENT = _("This ref stands for %(kept)s already. Give the new event a ref of its own.")
_OTHER_PAYMENT = _(
    "This payment is kept as %(kept)s and cannot become %(given)s. Give another payment its own number."
)


class OrderConflict(Refusal):
    code = "order_conflict"
    title = _("The push contradicts what is known of this order. Nothing was changed.")


class PaymentKnown(Refusal):
    code = "payment_known"
    title = _("This payment belongs to another order. Nothing was changed.")


class _Conflicts(list[FieldError]):
    def add(self, pointer: str, text: Text, **given: Any) -> None:
        self.append(FieldError(pointer=pointer, code="conflict", detail=str(text) % given))

    def refuse(self) -> None:
        if self:
            raise OrderConflict(self[0]["detail"], errors=list(self))


def add_to(order: Order, shop: Shop, record: OrderRecord) -> int:
    """Add payments, codes, coins, events and times that were not known; return the number of captures.

    The order is locked by the caller. Everything is compared before anything is written. Raises OrderConflict
    naming each field that binds and was given otherwise, and PaymentKnown.
    """
    conflicts = _Conflicts()
    _compare(order, record, conflicts)
    units = {unit.ref: unit for unit in order.units.order_by("id")}
    captures = {(c.channel, c.channel_no): c for c in order.captures.order_by("id")}
    new_payments = _new_payments(record.payments, captures, conflicts)
    changed = [
        unit for i, told in enumerate(record.units) if (unit := _fill(order, units, told, i, conflicts))
    ]
    by_ref: dict[str, tuple[Sequence[EventRecord], str]] = {
        told.ref: (told.events, f"/units/{i}") for i, told in enumerate(record.units)
    }
    new_events = _new_events(units, by_ref, conflicts)
    conflicts.refuse()
    refuse_known_payments(shop, order.external_no, new_payments)

    times = _new_times(order, record)
    if times:
        Order.objects.filter(pk=order.pk).update(**times)
    if changed:
        Unit.objects.bulk_update(
            changed, ["sealed_secret", "secret_fingerprint", "paid_coins", "promo_coins"]
        )
    insert_events(new_events)
    if new_payments:
        insert_captures(shop, order.pk, order.seller.code, new_payments)
    return len(captures) + len(new_payments)


def append_events(order: Order, unit_ref: str, events: Sequence[EventRecord]) -> int:
    """Append to one unit of a locked order; return how many were new. Raises NotFound, OrderConflict."""
    units = {unit.ref: unit for unit in order.units.order_by("id")}
    if unit_ref not in units:
        raise NotFound(str(_NO_UNIT) % {"refs": ", ".join(sorted(units)[:20])})
    conflicts = _Conflicts()
    new = _new_events(units, {unit_ref: (events, "")}, conflicts)
    conflicts.refuse()
    insert_events(new)
    return len(new)


def refuse_known_payments(shop: Shop, external_no: str, payments: Sequence[PaymentRecord]) -> None:
    """Raises PaymentKnown for a payment that another order of the shop has.

    Other by its number, for the order itself may have come in since it was looked for: its insertion tells.
    """
    if not payments:
        return
    same = Q()
    for payment in payments:
        same |= Q(channel=payment.channel, channel_no=payment.channel_no)
    other = (
        Capture.objects.filter(same, merchant=shop.code)
        .exclude(order__external_no=external_no)
        .select_related("order")
        .first()
    )
    if other is not None:
        numbers = [(payment.channel, payment.channel_no) for payment in payments]
        index = numbers.index((other.channel, other.channel_no))
        text = _("The payment %(number)s belongs to order %(order)s. Check the payment's number.")
        detail = str(text) % {"number": other.channel_no, "order": other.order.external_no}
        raise PaymentKnown(detail, pointer=f"/payments/{index}/channel_no")


def _compare(order: Order, record: OrderRecord, conflicts: _Conflicts) -> None:
    """What a later push leaves out it does not contradict; what was left out at first cannot be added."""
    kept_and_told: list[tuple[str, Any, Any]] = [
        ("/seller", order.seller.code, record.seller_code),
        ("/buyer/external_id", order.buyer.external_id, record.buyer.external_id),
        ("/buyer/region", order.region, record.buyer.region),
        ("/product/goods_type", order.goods_type, record.goods_type),
        *((f"/product/{name}", order.snapshot.get(name), value) for name, value in record.snapshot.items()),
        ("/quantity", order.quantity, record.quantity),
        ("/total/amount", order.total, record.total.amount),
        ("/total/currency", order.currency, record.total.currency),
        ("/fx_rate", order.fx_rate, record.fx_rate),
        ("/target", order.target, record.target),
        ("/consent", order.consent, record.consent),
        ("/created_at", order.placed_at, record.placed_at),
    ]
    for name in ("paid_at", "completed_at"):
        kept, told = getattr(order, name), getattr(record, name)
        if kept is not None and told is not None:
            kept_and_told.append((f"/{name}", kept, told))
    for pointer, kept, told in kept_and_told:
        left_out = told is None or told == "" or told == {}
        if kept != told and not left_out:
            conflicts.add(pointer, _BINDS, kept=_shown(kept), given=_shown(told))


def _new_times(order: Order, record: OrderRecord) -> dict[str, datetime]:
    told = {"paid_at": record.paid_at, "completed_at": record.completed_at}
    return {name: at for name, at in told.items() if at is not None and getattr(order, name) is None}


def _new_payments(
    payments: Sequence[PaymentRecord], captures: dict[tuple[str, str], Capture], conflicts: _Conflicts
) -> list[PaymentRecord]:
    new = []
    for index, payment in enumerate(payments):
        capture = captures.get((payment.channel, payment.channel_no))
        if capture is None:
            new.append(payment)
        elif (capture.amount, capture.captured_at) != (payment.money.amount, payment.captured_at):
            kept = f"{capture.amount} {capture.currency}, {capture.captured_at.isoformat()}"
            given = f"{payment.money.amount} {payment.money.currency}, {payment.captured_at.isoformat()}"
            conflicts.add(f"/payments/{index}", _OTHER_PAYMENT, kept=kept, given=given)
    return new


def _fill(
    order: Order, units: dict[str, Unit], told: UnitRecord, index: int, conflicts: _Conflicts
) -> Unit | None:
    """The unit with what it lacked filled in; None when there was nothing to fill."""
    unit = units.get(told.ref)
    if unit is None:
        conflicts.add(f"/units/{index}/ref", _NO_UNIT, refs=", ".join(sorted(units)[:20]))
        return None
    changed = False
    for name in ("paid_coins", "promo_coins"):
        kept, given = getattr(unit, name), getattr(told, name)
        if kept is None and given is not None:
            setattr(unit, name, given)
            changed = True
        elif given is not None and kept != given:
            conflicts.add(f"/units/{index}/{name}", _BINDS, kept=kept, given=given)
    if told.secret is not None and unit.sealed_secret is None:
        unit.sealed_secret, unit.secret_fingerprint = secrets.seal(told.secret, order.no, unit.ref)
        return unit
    if told.secret is not None and bytes(unit.secret_fingerprint or b"") != crypto.fingerprint(told.secret):
        conflicts.add(f"/units/{index}/secret", _OTHER_SECRET)
    return unit if changed else None


def _new_events(
    units: dict[str, Unit], told: dict[str, tuple[Sequence[EventRecord], str]], conflicts: _Conflicts
) -> list[tuple[int, EventRecord]]:
    named = [units[ref].pk for ref, (events, _where) in told.items() if events and ref in units]
    if not named:
        return []
    rows = UnitEvent.objects.filter(unit_id__in=named).values_list("unit_id", "ref", "type", "at")
    kept = {(unit_id, ref): (kind, at) for unit_id, ref, kind, at in rows}
    new = []
    for ref, (events, where) in told.items():
        for index, event in enumerate(events if ref in units else ()):
            first = kept.get((units[ref].pk, event.ref))
            if first is None:
                new.append((units[ref].pk, event))
            elif first != (event.type, event.at):
                shown = f"{first[0]} {first[1].isoformat()}"
                conflicts.add(f"{where}/events/{index}/ref", _OTHER_EVENT, kept=shown)
    return new


def _shown(value: Any) -> str:
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
