"""Money: integer minor units and a currency. All rounding and splitting of the product happens here."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple, TypedDict

# ISO 4217 minor-unit exponents of the currencies the product takes.
EXPONENTS = {
    "CNY": 2, "USD": 2, "EUR": 2, "GBP": 2, "HKD": 2, "TWD": 2, "SGD": 2, "AUD": 2, "CAD": 2, "MYR": 2, "THB": 2,
    "JPY": 0, "KRW": 0, "VND": 0, "KWD": 3,
}  # fmt: skip
MAX_AMOUNT = 10**15  # well inside bigint, so that sums stay inside it too


class MoneyJSON(TypedDict):
    amount: int
    currency: str


class Money(NamedTuple):
    """An amount in minor units (fen for CNY)."""

    amount: int
    currency: str

    def json(self) -> MoneyJSON:
        return {"amount": self.amount, "currency": self.currency}

    def __str__(self) -> str:
        return f"{self.currency} {major(self.amount, self.currency)}"


def major(amount: int, currency: str) -> Decimal:
    """4900 CNY -> Decimal('49.00')."""
    return Decimal(amount).scaleb(-EXPONENTS[currency])


def minor(value: Decimal, currency: str) -> int:
    """Decimal('49.00') CNY -> 4900. Raises ValueError when the value has more decimals than the currency."""
    scaled = value.scaleb(EXPONENTS[currency])
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{value} has more decimals than {currency} allows ({EXPONENTS[currency]})")
    return int(scaled)


def convert(amount: int, currency: str, rate: Decimal, to: str) -> int:
    """Minor units of `to` for minor units of `currency`; rate is `to` per one major unit of `currency`."""
    value = major(amount, currency) * rate
    return int(value.scaleb(EXPONENTS[to]).to_integral_value(ROUND_HALF_EVEN))


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Parts of total in proportion to weights, which sum exactly to total (largest remainder first).

    All-zero weights share equally. Raises ValueError for no weights or a negative one.
    """
    if not weights or min(weights) < 0:
        raise ValueError("weights must be one or more non-negative integers")
    shares = list(weights) if any(weights) else [1] * len(weights)
    whole = sum(shares)
    parts = [total * share // whole for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: (-(total * shares[i] % whole), i))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


def middle(low: int, high: int) -> int:
    """Half way between two amounts, in their minor units; half a unit goes up: middle(100, 201) -> 151."""
    return (low + high + 1) // 2


def portion(amount: int, basis_points: int) -> int:
    """So many hundredths of a percent of an amount, in its minor units: portion(9900, 250) -> 248."""
    return int((Decimal(amount) * basis_points / 10_000).to_integral_value(ROUND_HALF_EVEN))
