"""A channel for laptops and tests, with its own books, real delays and failures on demand.

The last two digits of the refunded amount choose what happens (docs/operating.md repeats this table):

    …70  accepted, and 3 seconds later it cannot be delivered  -> a person must pay another way
    …71  refused for good (closed card)                        -> a person must pay another way
    …72  succeeds, but the answer is lost                      -> found by the query before the retry
    …73  system error once, then succeeds
    …74  accepted, settles after 3 seconds
    …75  answers after 2 seconds
    …76  succeeds, and a minute later comes back (closed card) -> the booking is reversed, a person pays another way
    any other amount succeeds at once

Every call takes SANDBOX_DELAY_SECONDS. Like a real channel it pays one number once, and refuses the number
with another amount (DISCORDANT_REPEAT_REQUEST at Alipay, INVALID_REQUEST at WeChat Pay). It sends no notifications.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.money import Money

from ..models import SandboxRefund
from .base import (
    Acknowledgement,
    BadNotification,
    ChannelUnreachable,
    Entry,
    Instruction,
    Notice,
    Result,
    Status,
)

SETTLES_AFTER = {70: timedelta(seconds=3), 74: timedelta(seconds=3)}  # any other at once
COMES_BACK_AFTER = timedelta(seconds=60)  # ending 76, from when it had settled


class Sandbox:
    acknowledgement = Acknowledgement(200, "text/plain", b"")  # the protocol asks for one

    def refund(self, instruction: Instruction) -> Result:
        ending = _ending(instruction.money.amount)
        self._travel(2.0 if ending == 75 else 0)
        if ending == 71:
            return Result(
                Status.REFUSED, error_code="card_closed", error_detail="The payer's card is closed."
            )
        entry, is_new = self._enter(instruction)
        if (entry.amount, entry.currency) != instruction.money:
            return Result(
                Status.REFUSED, error_code="discordant_repeat", error_detail="Same number, other amount."
            )
        if ending == 73 and is_new:
            return Result(Status.RETRY, error_code="system_error", error_detail="Try the same call again.")
        if ending == 72 and is_new:
            raise ChannelUnreachable("the connection closed before the answer")
        return _state(entry)

    def query(self, instruction: Instruction) -> Result:
        self._travel()
        entry = SandboxRefund.objects.filter(number=instruction.number).first()
        return _state(entry) if entry and _is_taken(entry) else Result(Status.UNKNOWN)

    def parse(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        raise BadNotification("not_ours", "the sandbox sends no notifications")

    def statement(self, day: date) -> Iterable[Entry]:
        self._travel()
        start = datetime.combine(day, datetime.min.time(), SHANGHAI)
        rows = SandboxRefund.objects.filter(
            created_at__gte=start, created_at__lt=start + timedelta(days=1)
        ).order_by("id")
        return [_listed(entry) for entry in rows if _is_taken(entry)]

    def _enter(self, instruction: Instruction) -> tuple[SandboxRefund, bool]:
        wait = SETTLES_AFTER.get(_ending(instruction.money.amount), timedelta())
        entry, is_new = SandboxRefund.objects.get_or_create(
            number=instruction.number,
            defaults={
                "channel_no": instruction.channel_no,
                "amount": instruction.money.amount,
                "currency": instruction.money.currency,
                "succeeds_at": timezone.now() + wait,
            },
        )
        if not is_new:
            SandboxRefund.objects.filter(pk=entry.pk).update(calls=models.F("calls") + 1)
        return entry, is_new

    def _travel(self, extra: float = 0) -> None:
        time.sleep(settings.SANDBOX_DELAY_SECONDS + extra)


def _ending(amount: int) -> int:
    return amount % 100


def _is_taken(entry: SandboxRefund) -> bool:
    """After its system error an amount that ends in 73 is not in the books before the second call."""
    return not (_ending(entry.amount) == 73 and entry.calls == 1)


def _state(entry: SandboxRefund) -> Result:
    number, now = f"SB{entry.pk}", timezone.now()
    if now < entry.succeeds_at:
        return Result(Status.PENDING, number)
    match _ending(entry.amount):
        case 70:
            return Result(Status.ABNORMAL, number, "card_closed", "The money cannot be delivered.")
        case 76 if now >= entry.succeeds_at + COMES_BACK_AFTER:
            return Result(Status.REFUSED, number, "card_closed", "The card was closed; the money came back.")
        case _:
            return Result(Status.SUCCEEDED, number)


def _listed(entry: SandboxRefund) -> Entry:
    state = _state(entry)
    money = Money(entry.amount, entry.currency)
    return Entry(
        entry.number, state.channel_refund_no, entry.channel_no, money, state.status, entry.created_at
    )
