"""What the senders share: what they are given, what they answer, and how often each way is tried."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from ..topics import Way


class Parcel(NamedTuple):
    """One notice to one address, with all that a sender needs; no transaction is open while it travels."""

    delivery_id: int
    attempts: int
    way: str
    notice_id: int
    recipient_kind: str
    topic: str
    data: Mapping[str, Any]
    language: str
    told_at: datetime
    to: str  # the email address, phone number or URL
    secrets: tuple[str, ...] = ()  # of a webhook: one, or two while it is rotated


class Outcome(StrEnum):
    SENT = "sent"
    RETRY = "retry"
    REFUSED = "refused"  # this address will never take this message
    GONE = "gone"  # nor any other: a webhook that answered 410


class Result(NamedTuple):
    outcome: Outcome
    error: str = ""
    status: int | None = None


class Schedule(NamedTuple):
    """`waits` come after the first try, the second, and so on; after the last one it is given up.

    `lease` is longer than a try can take: a try that has not said anything by then died with its worker.
    """

    waits: tuple[timedelta, ...]
    lease: timedelta


def _schedule(lease: int, *seconds: int) -> Schedule:
    return Schedule(tuple(timedelta(seconds=s) for s in seconds), timedelta(seconds=lease))


_MINUTE, _HOUR = 60, 3600
SCHEDULES: dict[str, Schedule] = {
    Way.EMAIL: _schedule(120, _MINUTE, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    Way.SMS: _schedule(60, 30, 5 * _MINUTE, 30 * _MINUTE),  # what is late by SMS is better not sent
    # Standard Webhooks 1.0.0: at once, and then after these.
    Way.WEBHOOK: _schedule(
        90, 5, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR
    ),
}
