"""A channel for laptops and tests, with its own books, real delays and failures on demand.

The last two digits of the refunded amount choose what happens (docs/operating.md repeats this table):

    …71  refused for good (closed card)          -> a person must pay another way
    …72  succeeds, but the answer is lost        -> found by the query before the retry
    …73  system error once, then succeeds
    …74  accepted, settles after 3 seconds
    …75  answers after 2 seconds
    any other amount succeeds at once

Every call takes SANDBOX_DELAY_SECONDS. Like a real channel it pays one number once, and refuses the number
with another amount (DISCORDANT_REPEAT_REQUEST at Alipay, INVALID_REQUEST at WeChat Pay).
"""

import time
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from ..models import SandboxRefund
from .base import ChannelUnreachable, Instruction, Result, Status


class Sandbox:
    def refund(self, instruction: Instruction) -> Result:
        self._travel(2.0 if _ending(instruction) == 75 else 0)
        ending = _ending(instruction)
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
        return self._state(entry)

    def query(self, instruction: Instruction) -> Result:
        self._travel()
        entry = SandboxRefund.objects.filter(number=instruction.number).first()
        if entry is None or (_ending(instruction) == 73 and entry.calls == 1):
            return Result(Status.UNKNOWN)
        return self._state(entry)

    def _enter(self, instruction: Instruction) -> tuple[SandboxRefund, bool]:
        wait = timedelta(seconds=3 if _ending(instruction) == 74 else 0)
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

    def _state(self, entry: SandboxRefund) -> Result:
        settled = entry.succeeds_at <= timezone.now()
        return Result(Status.SUCCEEDED if settled else Status.PENDING, channel_refund_no=f"SB{entry.pk}")

    def _travel(self, extra: float = 0) -> None:
        time.sleep(settings.SANDBOX_DELAY_SECONDS + extra)


def _ending(instruction: Instruction) -> int:
    return instruction.money.amount % 100
