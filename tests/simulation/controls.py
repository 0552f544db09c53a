"""Safeguards switched off, one at a time: the simulator is worth something where it finds what each keeps away."""

from collections.abc import Callable
from datetime import datetime

from marketplace.payments.gateways.base import Result
from marketplace.payments.operations import send
from marketplace.payments.operations.send import Attempt, call_channel
from refunds.operations import pay, sweep


def _new_number(attempt: Attempt, now: datetime) -> Result:
    number = f"{attempt.instruction.number}-{attempt.attempts}"
    return call_channel(attempt._replace(instruction=attempt.instruction._replace(number=number)), now)


def _no_query(attempt: Attempt, now: datetime) -> Result:
    """As if each try were the first, for which there is nothing to ask."""
    return call_channel(attempt._replace(attempts=1), now)


def _number() -> None:
    pay.call_channel = _new_number


def _query() -> None:
    pay.call_channel = _no_query


def _sweep() -> None:
    sweep.sweep_transfers = lambda now: 0


def _booking() -> None:
    send.book = lambda **_movement: None


CONTROLS: dict[str, Callable[[], None]] = {
    "number": _number,  # a new transfer number at each try: paid twice
    "query": _query,  # no query before a retry: paid twice where the channel has forgotten the number
    "sweep": _sweep,  # no sweep of transfers: lost
    "booking": _booking,  # no booking of a refund: unbalanced
}


def switch(name: str) -> None:
    if name:
        CONTROLS[name]()
