"""What the product asks of a recharge partner: was this code redeemed, or this top-up credited, and when.

A provider only answers. When to ask again, and what its answer is worth, is decided elsewhere.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol


class Asked(NamedTuple):
    """One question. `code` goes into the signed body and nowhere else: not into a log, an address or an error."""

    number: str  # ours; the same for every try
    goods_type: str
    sku: str
    target: Mapping[str, str]  # account, server, phone: as the order has them
    code: str | None = None

    def __repr__(self) -> str:
        return f"Asked({self.number})"


class Answered(NamedTuple):
    answer: str  # of models.ProviderAnswer
    credited_at: datetime | None
    reference: str
    hash: str  # SHA-256 of the answer as it came, in hex


class ProviderUnreachable(Exception):
    """No answer, or none that can be believed: ask again later. `code` is short and safe to keep."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ProviderRefuses(Exception):
    """The provider will not answer this question, however often it is asked. `code` as above."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoProvider(Exception):
    """No partner is set up, or its address is one a code must not be sent to."""


class Provider(Protocol):
    name: str

    def ask(self, asked: Asked) -> Answered:
        """Raises ProviderUnreachable, ProviderRefuses."""
        ...
