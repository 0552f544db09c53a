"""A unit sent in place of another (requirement F2). The caller owns the transaction and has locked the order.

offered     delivered, masked until its buyer reveals it; worth nothing yet
in place    its buyer confirmed it: it is the unit now, and the one before it is worth nothing any more
taken back  its buyer did not confirm it: it is shown no more
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext_lazy as _

from marketplace.kernel import crypto
from marketplace.kernel.errors import Refusal

from . import secrets
from .goods import EventType, Place
from .models import Order, Unit, UnitEvent

MAX_SECRET = 4000  # characters, as shops may send
MAX_REF = 64
SUFFIX = re.compile(r"-R\d+\Z")


class CodeKnown(Refusal):
    code = "code_known"
    status = 422
    title = _("This code was sold or sent before. Send one that nobody has had.")


class CodeTooLong(Refusal):
    code = "code_too_long"
    status = 422
    title = _("A code has 1 to 4000 characters.")


def offer_units(
    order: Order, wanted: Sequence[tuple[Unit, int, str | None]], now: datetime
) -> list[tuple[Unit, Unit]]:
    """For each (unit, minor units, code or None) a new unit of that worth; return (old, new), the new one delivered.

    Raises CodeKnown, CodeTooLong.
    """
    _check_codes([code for _unit, _amount, code in wanted if code is not None])
    taken = set(Unit.objects.filter(order=order).values_list("ref", flat=True))
    pairs = []
    for old, amount, code in wanted:
        new = Unit(order=order, ref=_next_ref(old, taken), amount=amount, replaces=old, place=Place.OFFERED)
        taken.add(new.ref)
        if code is not None:
            new.sealed_secret, new.secret_fingerprint = secrets.seal(code, order.no, new.ref)
        pairs.append((old, new))
    Unit.objects.bulk_create(new for _old, new in pairs)
    _tell_history([new for _old, new in pairs], EventType.DELIVERED, now)
    return pairs


def put_in_place(pairs: Sequence[tuple[Unit, Unit]], now: datetime) -> None:
    """The new units take the places of the old ones, (old, new). Raises the database's error where one cannot."""
    Unit.objects.filter(pk__in=[old.pk for old, _new in pairs]).update(place=Place.REPLACED)
    Unit.objects.filter(pk__in=[new.pk for _old, new in pairs]).update(place=Place.IN_PLACE)
    _tell_history([old for old, _new in pairs], EventType.REPLACED, now)


_TAKE_BACK = """
WITH back AS (
    UPDATE orders_unit SET place = 'taken_back' WHERE id = ANY(%(ids)s) AND place = 'offered' RETURNING id
)
INSERT INTO orders_unitevent (unit_id, type, at, ref, data)
SELECT id, 'voided', %(now)s, 'replacement:voided', '{}' FROM back
"""


def take_back(unit_ids: Sequence[int], now: datetime) -> None:
    """Take back those of the units that are offered, however many."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_BACK, {"ids": list(unit_ids), "now": now})


def _check_codes(codes: Sequence[str]) -> None:
    if any(not 0 < len(code) <= MAX_SECRET for code in codes):
        raise CodeTooLong()
    prints = [crypto.fingerprint(code) for code in codes]
    if len(set(prints)) < len(prints) or Unit.objects.filter(secret_fingerprint__in=prints).exists():
        raise CodeKnown()


def _next_ref(old: Unit, taken: set[str]) -> str:
    """1 -> 1-R1 -> 1-R2."""
    base = SUFFIX.sub("", old.ref) if old.replaces_id else old.ref
    number = 1
    while (ref := f"{base[: MAX_REF - 8]}-R{number}") in taken:
        number += 1
    return ref


def _tell_history(units: Iterable[Unit], event: EventType, now: datetime) -> None:
    UnitEvent.objects.bulk_create(
        UnitEvent(unit=unit, type=event, at=now, ref=f"replacement:{event.value}") for unit in units
    )
