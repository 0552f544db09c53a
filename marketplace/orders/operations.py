"""The two-step reveal (requirement A4): a code stays masked until its buyer asks, and the asking is history."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.idempotency import Answer, Key, Outcome, keep, once
from marketplace.kernel.serializers import instant

from . import secrets
from .goods import EventType, Place
from .models import Order, Unit, UnitEvent


class NothingToReveal(Refusal):
    code = "nothing_to_reveal"
    title = _("This unit has no code, or it is not delivered yet.")


def reveal(
    *, buyer_id: int, order_no: str, ref: str, key: Key, now: datetime, ip: str, device: str
) -> Outcome:
    """Record the first reveal with time, IP and device. The answer names the unit; `code_of` reads its code,
    which is kept nowhere in clear.

    Raises NotFound (not this buyer's), NothingToReveal (also of a replacement taken back), and what `once` raises.
    """

    def effect() -> tuple[Answer, int]:
        order = Order.objects.select_for_update().filter(no=order_no, buyer_id=buyer_id).first()
        # Locked, so that a replacement is not taken back while its code is being shown.
        unit = Unit.objects.select_for_update().filter(order=order, ref=ref).first() if order else None
        if unit is None:
            raise NotFound()
        events = UnitEvent.objects.filter(unit=unit)
        has_code = unit.sealed_secret is not None and unit.place != Place.TAKEN_BACK
        if not has_code or not events.filter(type=EventType.DELIVERED, at__lte=now).exists():
            raise NothingToReveal()
        event, _created = events.get_or_create(
            unit=unit,
            ref="reveal",
            defaults={"type": EventType.REVEALED, "at": now, "data": {"ip": ip, "device": device[:255]}},
        )
        answer = {"order": order_no, "unit": ref, "revealed_at": instant(event.at)}
        keep(key, answer, 200)
        return answer, 200

    return once(key, effect)


def code_of(*, buyer_id: int, order_no: str, ref: str) -> str:
    """The code of a unit that was revealed. Raises NotFound."""
    unit = (
        Unit.objects.filter(order__no=order_no, order__buyer_id=buyer_id, ref=ref)
        .filter(events__type=EventType.REVEALED)
        .first()
    )
    if unit is None:
        raise NotFound()
    return secrets.unseal(unit, order_no)
