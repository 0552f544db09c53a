"""What a back-test counts: sums that add up, so that parts judged apart, and in any order, make one result."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

NAMED = 20  # unreadable cases that are named; the others are counted


class Kind(NamedTuple):
    """Cases alike in all that is counted. `ruling` is what a person decided ("approve", "reject"), "" where none did."""

    was: str
    would_be: str
    reason: str
    ruling: str
    arbitrated: bool


class Effect(NamedTuple):
    """What of one flipped case is summed. Amounts in minor units; `before` and `after` as in BacktestFlip."""

    seller: int
    reason: str
    currency: str
    at_stake: int
    before: int | None
    after: int | None


# Of one currency: cases that would be paid more, less, be for people to decide, or are open still; and the amounts.
MOVES = ("more", "less", "undecided", "open")


def move_of(effect: Effect) -> tuple[str, int] | None:
    """Which of MOVES a flipped case is, and by how much; None where the same money goes back."""
    if effect.before is None:
        return "open", effect.at_stake
    if effect.after is None:
        return "undecided", effect.at_stake
    difference = effect.after - effect.before
    return ("more", difference) if difference > 0 else ("less", -difference) if difference else None


@dataclass
class Tally:
    """`kinds` holds every readable case once. `money`, `by_reason`: (…, currency, move) -> amount; `moved` counts them."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)  # (currency, move) -> cases
    money: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_reason: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    by_seller: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    sellers: Counter[int] = field(default_factory=Counter)  # flipped cases
    by_program: int = 0  # decided otherwise today under the very version that decided them
    unreadable: int = 0
    named: list[tuple[int, str]] = field(default_factory=list)  # (request id, what is wrong), NAMED at most

    def add(self, effect: Effect) -> None:
        self.sellers[effect.seller] += 1
        move = move_of(effect)
        if move is not None:
            name, amount = move
            self.moved[effect.currency, name] += 1
            self.money[effect.currency, name] += amount
            self.by_reason[effect.reason, effect.currency, name] += amount
            self.by_seller[effect.seller, effect.currency, name] += amount

    def fail(self, request_id: int, why: str) -> None:
        self.unreadable += 1
        if len(self.named) < NAMED:
            self.named.append((request_id, why))

    @property
    def cases(self) -> int:
        return self.kinds.total()

    @property
    def flipped(self) -> int:
        return sum(count for kind, count in self.kinds.items() if kind.was != kind.would_be)

    def __add__(self, other: Self) -> "Tally":
        return Tally(
            self.kinds + other.kinds,
            self.moved + other.moved,
            self.money + other.money,
            self.by_reason + other.by_reason,
            self.by_seller + other.by_seller,
            self.sellers + other.sellers,
            self.by_program + other.by_program,
            self.unreadable + other.unreadable,
            (self.named + other.named)[:NAMED],
        )

    def to_json(self) -> dict[str, Any]:
        counters = ("kinds", "moved", "money", "by_reason", "by_seller")
        return {
            **{name: [[*key, count] for key, count in getattr(self, name).items()] for name in counters},
            "sellers": list(self.sellers.items()),
            "by_program": self.by_program,
            "unreadable": self.unreadable,
            "named": self.named,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Tally":
        def counter(name: str) -> Counter[Any]:
            return Counter({tuple(key): count for *key, count in data[name]})

        return cls(
            Counter({Kind(*key): count for *key, count in data["kinds"]}),
            counter("moved"),
            counter("money"),
            counter("by_reason"),
            counter("by_seller"),
            Counter(dict(data["sellers"])),
            data["by_program"],
            data["unreadable"],
            [(request_id, why) for request_id, why in data["named"]],
        )


def merged(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())
