"""A payment channel that misbehaves, with books of its own that no crash of ours can touch.

It lives in the simulator's process; a forked payer reaches it over a socket (crash.py). Whatever it is asked for it
pays, even more than was captured: nothing but its number keeps a refund from being paid twice. Some channels know a
number for ever (Alipay, WeChat Pay), some forget it after a day (Stripe, and cards through it).
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.utils import timezone

from marketplace.kernel.money import Money
from marketplace.payments.gateways.base import (
    ChannelUnreachable,
    Dispute,
    Entry,
    Instruction,
    Notice,
    Result,
    Status,
    Subject,
)
from marketplace.payments.models import Capture

FORGETS_AFTER = {"stripe": timedelta(hours=24), "card": timedelta(hours=24)}
# An answer to `query` may lag this much behind a refund just taken (Alipay: wait 10 s).
LAG = timedelta(seconds=10)

# What may happen to a call, with its weight. Of a refund the call may have had its effect or not.
REFUND_CALL = {
    "answered": 50,
    "system_error": 8,
    "system_error_after_effect": 6,
    "dropped_before_effect": 7,
    "dropped_after_effect": 7,
    "arrives_late": 4,
    "answered_late": 6,
    "top_up_needed": 3,
    "frozen": 2,
}
QUERY_CALL = {"answered": 85, "system_error": 4, "dropped": 7, "answered_late": 4}
# What becomes of a refund that was taken: (weight, how long it stays pending at most, how it ends).
FATES: dict[str, tuple[int, timedelta, Status]] = {
    "at_once": (50, timedelta(0), Status.SUCCEEDED),
    "slow": (15, timedelta(minutes=10), Status.SUCCEEDED),
    "pending_for_hours": (10, timedelta(hours=60), Status.SUCCEEDED),
    "refused": (6, timedelta(0), Status.REFUSED),
    "closed_later": (5, timedelta(hours=30), Status.REFUSED),
    "abnormal": (6, timedelta(hours=5), Status.ABNORMAL),
    "failed_after_success": (8, timedelta(minutes=10), Status.SUCCEEDED),
}
ERROR = "channel_error"


@dataclass
class Paid:
    """One refund in the channel's books."""

    no: str
    number: str
    channel_no: str
    money: Money
    taken_at: datetime
    settles_at: datetime
    ends: Status
    undone_at: datetime | None = None
    undone_as: Status = Status.REFUSED

    def status(self, now: datetime) -> Status:
        if self.undone_at and now >= self.undone_at:
            return self.undone_as
        return self.ends if now >= self.settles_at else Status.PENDING

    def is_out(self, now: datetime) -> bool:
        """The buyer has the money, or will."""
        return self.status(now) in (Status.SUCCEEDED, Status.PENDING)


class News(NamedTuple):
    """A notification on its way to us."""

    at: datetime
    channel: str
    notice: Notice


@dataclass
class SimChannel:
    """All channels of one world: their books, their moods, and what is on its way to them and from them."""

    rng: random.Random
    clock: Callable[[], datetime]
    captures: dict[str, Capture]  # by channel_no
    meanwhile: Callable[[], None]  # what goes on here while an answer is late
    paid: list[Paid] = field(default_factory=list)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    news: list[News] = field(default_factory=list)
    on_the_way: list[tuple[datetime, Instruction]] = field(default_factory=list)
    closed_until: datetime | None = None
    faults: Counter[str] = field(default_factory=Counter)

    def answer(self, verb: str, content: Any) -> Any:
        """Raises ChannelUnreachable, whether the call had its effect or not."""
        self.let_arrive()
        if self.closed_until and self.clock() < self.closed_until:
            self.faults["outage"] += 1
            raise ChannelUnreachable("outage")
        match verb:
            case "refund":
                return self._refund(content)
            case "query":
                return self._query(content)
            case "dispute":
                return self._dispute(content)
        raise AssertionError(verb)

    def let_arrive(self) -> None:
        """Calls that were late on their way arrive, though nobody waits for their answer any more."""
        now = self.clock()
        for at, instruction in [item for item in self.on_the_way if item[0] <= now]:
            self.on_the_way.remove((at, instruction))
            self._take(instruction, at)

    def out(self, channel_no: str) -> list[Paid]:
        """The refunds of a payment whose money is with the buyer, or on its way there."""
        return [p for p in self.paid if p.channel_no == channel_no and p.is_out(self.clock())]

    def has(self, number: str) -> bool:
        """Whether the books, or the way there, hold a refund of this number already."""
        return self._find(number) is not None or any(i.number == number for _at, i in self.on_the_way)

    def settles_by(self) -> datetime:
        """When nothing will change here any more by itself."""
        times = [max(p.settles_at, p.undone_at or p.settles_at) for p in self.paid]
        times += [at for at, _instruction in self.on_the_way] + [news.at for news in self.news]
        return max([*times, self.closed_until or self.clock(), self.clock()])

    def statement(self, channel: str, day: date) -> list[Entry]:
        now = self.clock()
        return [
            Entry(p.number, p.no, p.channel_no, p.money, p.status(now), p.taken_at)
            for p in self.paid
            if self.captures[p.channel_no].channel == channel and timezone.localdate(p.taken_at) == day
        ]

    def tell(self, after: timedelta, subject: Subject, channel_no: str, **about: str) -> None:
        """Send a notification: late, out of order, sometimes twice."""
        for _time in range(self.rng.choices([1, 2], [8, 2])[0]):
            at = self.clock() + after + timedelta(seconds=self.rng.choice([0, 5, 300, 20_000]))
            about["channel_no"] = channel_no
            notice = Notice(f"evt-{channel_no}-{len(self.news)}-{self.rng.getrandbits(40)}", subject, **about)
            self.news.append(News(at, self.captures[channel_no].channel, notice))

    # --- Chargebacks ----------------------------------------------------------------------------------------

    def charge_back(self, channel_no: str, amount: int) -> None:
        """The buyer takes a payment back: the money is gone at once, and we are told."""
        now = self.clock()
        money = Money(amount, self.captures[channel_no].currency)
        no = f"dp-{channel_no}-{len(self.disputes)}"
        self.disputes[no] = Dispute(no, channel_no, money, "open", "fraudulent", now, now + timedelta(days=7))
        self.faults["chargeback"] += 1
        self.tell(timedelta(0), Subject.DISPUTE, channel_no, dispute_no=no)

    def decide(self, dispute_no: str, status: str) -> None:
        found = self.disputes[dispute_no]
        self.disputes[dispute_no] = found._replace(status=status)
        self.tell(timedelta(0), Subject.DISPUTE, found.channel_no, dispute_no=dispute_no)

    def _dispute(self, dispute_no: str) -> Dispute:
        if self.rng.random() < 0.1:
            self.faults["dropped"] += 1
            raise ChannelUnreachable("dropped")
        return self.disputes[dispute_no]

    # --- Refunds --------------------------------------------------------------------------------------------

    def _refund(self, instruction: Instruction) -> Result:
        call = self._pick(REFUND_CALL)
        match call:
            case "system_error":
                return Result(Status.RETRY, error_code=ERROR)
            case "dropped_before_effect":
                raise ChannelUnreachable("dropped on the way there")
            case "arrives_late":
                late = timedelta(seconds=self.rng.uniform(1, 7200))
                self.on_the_way.append((self.clock() + late, instruction))
                raise ChannelUnreachable("timed out")
            case "top_up_needed" if not self._known(instruction, self.clock()):
                return Result(Status.TOP_UP, error_code=ERROR)
            case "frozen" if not self._known(instruction, self.clock()):
                return Result(Status.PERSON, error_code=ERROR)
        result = self._result(self._take(instruction, self.clock()))
        match call:
            case "system_error_after_effect":
                return Result(Status.RETRY, error_code=ERROR)
            case "dropped_after_effect":
                raise ChannelUnreachable("dropped on the way back")
            case "answered_late":
                self.meanwhile()
        return result

    def _query(self, instruction: Instruction) -> Result:
        call = self._pick(QUERY_CALL)
        if call == "system_error":
            return Result(Status.RETRY, error_code=ERROR)
        if call == "dropped":
            raise ChannelUnreachable("dropped")
        found = self._find(instruction.number)
        lags = found is not None and self.clock() - found.taken_at < LAG and self.rng.random() < 0.5
        result = Result(Status.UNKNOWN) if found is None or lags else self._result(found)
        if call == "answered_late":
            self.meanwhile()
        return result

    def _take(self, instruction: Instruction, now: datetime) -> Paid:
        """The refund of this number, made now unless the channel remembers that it was made."""
        known = self._known(instruction, now)
        if known:
            assert known.money == instruction.money, "one number, two amounts"
            return known
        name = self.rng.choices(list(FATES), [weight for weight, _most, _end in FATES.values()])[0]
        _weight, at_most, ends = FATES[name]
        self._count(name)
        paid = Paid(
            f"C{len(self.paid)}", instruction.number, instruction.channel_no, instruction.money,
            taken_at=now, settles_at=now + at_most * self.rng.random(), ends=ends,
        )  # fmt: skip
        self.paid.append(paid)
        changes = [paid.settles_at]
        if name == "failed_after_success":
            paid.undone_at = paid.settles_at + timedelta(hours=self.rng.uniform(0, 100))
            paid.undone_as = self.rng.choice([Status.REFUSED, Status.ABNORMAL])
            changes.append(paid.undone_at)
        for at in changes:
            if self.rng.random() < 0.6:  # the others are lost
                self.tell(at - self.clock(), Subject.REFUND, paid.channel_no, refund_number=paid.number)
        return paid

    def _find(self, number: str) -> Paid | None:
        return next((paid for paid in reversed(self.paid) if paid.number == number), None)

    def _known(self, instruction: Instruction, now: datetime) -> Paid | None:
        """By its idempotency alone: a channel that forgets numbers pays an old one anew."""
        found = self._find(instruction.number)
        forgets = FORGETS_AFTER.get(self.captures[instruction.channel_no].channel)
        if found and forgets and now - found.taken_at > forgets:
            self.faults["number_forgotten"] += 1
            return None
        return found

    def _result(self, paid: Paid) -> Result:
        status = paid.status(self.clock())
        return Result(status, paid.no, ERROR if status in (Status.REFUSED, Status.ABNORMAL) else "")

    def _pick(self, calls: dict[str, int]) -> str:
        call = self.rng.choices(list(calls), list(calls.values()))[0]
        self._count(call)
        return call

    def _count(self, name: str) -> None:
        if name not in ("answered", "at_once"):
            self.faults[name] += 1
