"""The use of a unit is derived from its events, and from nothing else (A3)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from refunds.policy import EventFacts, unit_use

from .cast import NOW

H = timedelta(hours=1)


def events(*pairs: tuple[str, int]) -> list[EventFacts]:
    return [EventFacts(kind, NOW + hours * H) for kind, hours in pairs]


@pytest.mark.parametrize(
    ("happened", "use"),
    [
        (events(), "unused"),
        (events(("stocked", 0), ("reserved", 1), ("delivered", 2)), "unused"),
        (events(("delivered", 2), ("revealed", 3)), "seen"),
        (events(("delivered", 2), ("revealed", 3), ("logged_in", 4)), "suspected"),
        (events(("delivered", 2), ("logged_in", 4), ("redeemed", 5)), "used"),
        (events(("delivered", 2), ("redeemed", 1)), "unused"),
        (events(("delivered", 2), ("redeemed", 2)), "used"),
        (events(("delivered", 2), ("logged_in", 1)), "unused"),
        (events(("redeemed", 1)), "used"),
        (events(("logged_in", 1)), "suspected"),
        (events(("delivered", 2), ("expired", 9), ("voided", 9), ("replaced", 9)), "unused"),
        (events(("delivered", 5), ("delivered", 2), ("redeemed", 3)), "used"),
    ],
)
def test_use_follows_from_the_events(happened: list[EventFacts], use: str) -> None:
    assert unit_use(happened).use == use
    assert unit_use(reversed(happened)).use == use


def test_a_code_taken_before_delivery_is_told_apart() -> None:
    assert unit_use(events(("redeemed", 1), ("delivered", 2))).redeemed_before_delivery
    assert unit_use(events(("activated", 1), ("delivered", 2))).redeemed_before_delivery
    assert not unit_use(events(("gifted", 1), ("delivered", 2))).redeemed_before_delivery
    assert not unit_use(events(("redeemed", 2), ("delivered", 2))).redeemed_before_delivery
    assert not unit_use(events(("redeemed", 1))).redeemed_before_delivery


def test_the_instants_are_the_first_of_their_kind() -> None:
    use = unit_use(events(("revealed", 9), ("revealed", 4), ("delivered", 3), ("delivered", 2)))
    assert (use.delivered_at, use.revealed_at) == (NOW + 2 * H, NOW + 4 * H)


def test_promo_counts_only_where_bonus_coins_were_spent() -> None:
    assert unit_use([EventFacts("spent", NOW, True)]).promo_spent
    assert not unit_use([EventFacts("spent", NOW)]).promo_spent
    assert not unit_use([EventFacts("redeemed", NOW, True)]).promo_spent
    assert not unit_use([EventFacts("spent", NOW, True), EventFacts("delivered", NOW + H)]).promo_spent
