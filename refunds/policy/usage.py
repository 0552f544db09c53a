"""Whether a unit was used, derived from its events (A3, A4)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple

from .facts import EventFacts

Use = Literal["unused", "seen", "suspected", "used"]

USE_EVENTS = frozenset({"activated", "redeemed", "gifted", "spent"})
SUSPECT_EVENTS = frozenset({"logged_in"})
SELLER_FAULT_EVENTS = frozenset({"activated", "redeemed"})


class UnitUse(NamedTuple):
    """What a unit's events say. `seen` (revealed) is neither unused for certain nor used (A4).

    `redeemed_before_delivery`: somebody else had the code before this buyer did, which is the seller's
    fault (A3).
    """

    use: Use
    delivered_at: datetime | None
    revealed_at: datetime | None
    redeemed_before_delivery: bool
    promo_spent: bool


def unit_use(events: Iterable[EventFacts]) -> UnitUse:
    """The use of one unit; the order of its events does not matter.

    Only events at or after the unit's own first delivery are this buyer's; with no delivery on record all
    of them are, because nothing shows that they came from anybody else.
    """
    events = tuple(events)
    delivered_at: datetime | None = None
    for event in events:
        if event.type == "delivered" and (delivered_at is None or event.at < delivered_at):
            delivered_at = event.at

    revealed_at: datetime | None = None
    used = suspected = before = promo = False
    for event in events:
        kind = event.type
        if delivered_at is not None and event.at < delivered_at:
            before = before or kind in SELLER_FAULT_EVENTS
        elif kind == "delivered":
            continue
        elif kind in USE_EVENTS:
            used = True
            promo = promo or (event.promo and kind == "spent")
        elif kind in SUSPECT_EVENTS:
            suspected = True
        elif kind == "revealed" and (revealed_at is None or event.at < revealed_at):
            revealed_at = event.at

    use: Use = "used" if used else "suspected" if suspected else "unused" if revealed_at is None else "seen"
    return UnitUse(use, delivered_at, revealed_at, before, promo)


def first_use(events: Iterable[EventFacts], kinds: frozenset[str]) -> EventFacts | None:
    """The earliest of this buyer's events of these kinds, to be named in a text; None where there is none."""
    events = tuple(events)
    delivered = [event.at for event in events if event.type == "delivered"]
    start = min(delivered, default=None)
    own = [event for event in events if event.type in kinds and (start is None or event.at >= start)]
    return min(own, key=lambda event: (event.at, event.type), default=None)
