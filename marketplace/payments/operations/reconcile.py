"""A channel's own list of a day held against our books (requirement G6): every difference becomes a Break.

Matched by our number. A break is a row with an owner and an age; nothing is corrected here, and a difference that
somebody has explained once is not brought up again.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from .. import gateways
from ..channels import FACTS, Channel
from ..gateways.base import ChannelUnreachable, Entry, NoGateway, Status
from ..models import Break, BreakKind, Payout, Reconciliation, Transfer

log = logging.getLogger(__name__)

# A refund sent shortly before midnight, or tried again the next day, stands in a later day's list.
LOOK_AHEAD_DAYS = 3
# A refund that had arrived may still come back (Stripe, bank cards): days are looked at again at these ages.
AGAIN_AT_DAYS = (1, 3, 7, 14, 30)

State = Transfer.State
# What our books may say of a refund the channel lists in this state, without it being a break. A pending one of ours
# is asked for again by itself; that it is still pending a day after the channel settled it is a break.
AGREES = {
    Status.SUCCEEDED: {State.SUCCEEDED},
    # A bill may show the state of the day and never again another (WeChat Pay): pending there says nothing later.
    Status.PENDING: set(State) - {State.CANCELLED},
    Status.REFUSED: {State.FAILED, State.CHARGED_BACK},
    Status.ABNORMAL: {State.ABNORMAL, State.CHARGED_BACK},
}
STILL_MOVING = set(Transfer.OPEN_STATES)
NOTHING = "–"


class Summary(NamedTuple):
    days: int  # compared, each of one channel
    matched: int
    breaks: int
    unanswered: int


Told = Callable[[str, date], object]


class Difference(NamedTuple):
    kind: BreakKind
    number: str
    ours: str
    theirs: str


def reconcile(*, channel: str, day: date, now: datetime) -> Reconciliation:
    """Compare one day (Asia/Shanghai). For Channel.SANDBOX: everything the sandbox answers for.

    Raises NoGateway, ChannelUnreachable; nothing is written then.
    """
    if channel not in reconcilable():
        raise NoGateway(f"{channel} has no books of its own to compare with")
    gateway = gateways.for_channel(channel)
    lists = {day: list(gateway.statement(day))}
    entries = lists[day]
    ours = _transfers(channel).filter(number__in=[entry.number for entry in entries])
    by_number = {transfer.number: transfer for transfer in ours}
    differences = [found for entry in entries if (found := _compare(entry, by_number.get(entry.number), now))]
    for transfer in _sent_on(channel, day, but_not=by_number):
        for later in _days_between(day, transfer.settled_at):
            if later not in lists:
                lists[later] = list(gateway.statement(later))
        if not any(entry.number == transfer.number for listed in lists.values() for entry in listed):
            differences.append(Difference(BreakKind.MISSING_THERE, transfer.number, _ours(transfer), NOTHING))
    return _keep(channel, day, len(entries), differences, now)


def due(now: datetime) -> list[tuple[str, date]]:
    """What is still to be compared today: (channel, day) at each of the ages at which a day is looked at."""
    today = timezone.localdate(now)
    start = timezone.make_aware(datetime.combine(today, datetime.min.time()))
    done = set(Reconciliation.objects.filter(ran_at__gte=start).values_list("channel", "day"))
    wanted = [
        (channel, today - timedelta(days=age))
        for channel in reconcilable()
        for age in AGAIN_AT_DAYS
        if age == 1 or timedelta(days=age) <= FACTS[channel].undone_within
    ]
    return [each for each in wanted if each not in done]


def reconcile_due(now: datetime, told: Told | None = None) -> Summary:
    """The daily run; a channel that does not answer is left for the next hour's. `told` hears of each comparison."""
    summary = Summary(0, 0, 0, 0)
    for channel, day in due(now):
        try:
            found = reconcile(channel=channel, day=day, now=now)
        except ChannelUnreachable as error:
            log.warning("%s gave no list of %s: %s", channel, day, error)
            summary = summary._replace(unanswered=summary.unanswered + 1)
        else:
            summary = Summary(
                summary.days + 1,
                summary.matched + found.matched,
                summary.breaks + found.breaks,
                summary.unanswered,
            )
        if told:
            told(channel, day)
    return summary


def reconcilable() -> list[str]:
    """The channels we can ask for a list: those with keys, and the sandbox once for all it answers for."""
    found = []
    for channel in Channel.values:
        if channel in settings.SANDBOX_ANSWERS_FOR and channel != Channel.SANDBOX:
            continue
        try:
            gateways.for_channel(channel)
        except NoGateway:
            continue
        found.append(channel)
    return found


def _transfers(channel: str) -> QuerySet[Transfer]:
    channels = settings.SANDBOX_ANSWERS_FOR if channel == Channel.SANDBOX else [channel]
    rows = Transfer.objects.filter(claim__capture__channel__in=channels)
    by_hand = Payout.objects.filter(transfer=OuterRef("pk"), paid_at__isnull=False)
    return rows.select_related("claim__capture").annotate(is_by_hand=Exists(by_hand)).order_by("id")


def _sent_on(channel: str, day: date, *, but_not: Iterable[str]) -> QuerySet[Transfer]:
    """Transfers the channel paid, first sent on that day, that its list of the day does not name."""
    start = timezone.make_aware(datetime.combine(day, datetime.min.time()))
    rows = _transfers(channel).filter(
        state=State.SUCCEEDED, sent_at__gte=start, sent_at__lt=start + timedelta(days=1)
    )
    return rows.exclude(number__in=list(but_not)).exclude(payouts__paid_at__isnull=False)


def _days_between(day: date, settled_at: datetime | None) -> list[date]:
    if settled_at is None:
        return []
    last = min(timezone.localdate(settled_at), day + timedelta(days=LOOK_AHEAD_DAYS))
    return [day + timedelta(days=n) for n in range(1, (last - day).days + 1)]


def _compare(entry: Entry, transfer: Transfer | None, now: datetime) -> Difference | None:
    number = entry.number or entry.channel_refund_no
    if transfer is None or transfer.sent_at is None:
        ours = _ours(transfer) if transfer else NOTHING
        return Difference(BreakKind.MISSING_HERE, number, ours, _theirs(entry))
    if transfer.money != entry.money:
        return Difference(BreakKind.AMOUNT, number, _ours(transfer), _theirs(entry))
    is_by_hand = getattr(transfer, "is_by_hand", False)
    state = State.FAILED if is_by_hand else transfer.state  # paid by hand because the channel had not
    if state in AGREES.get(entry.status, set()) or (is_by_hand and entry.status is Status.ABNORMAL):
        return None
    if state in STILL_MOVING and now - entry.at < timedelta(days=1):
        return None
    return Difference(BreakKind.STATE, number, _ours(transfer), _theirs(entry))


def _ours(transfer: Transfer) -> str:
    by_hand = " by hand" if getattr(transfer, "is_by_hand", False) else ""
    return f"{transfer.money} {transfer.state}{by_hand}"


def _theirs(entry: Entry) -> str:
    return f"{entry.money} {entry.status}"


def _keep(
    channel: str, day: date, compared: int, differences: list[Difference], now: datetime
) -> Reconciliation:
    with transaction.atomic(durable=True):
        for found in differences:
            known = Break.objects.filter(channel=channel, **found._asdict())
            if not known.exists():
                Break.objects.bulk_create(
                    [Break(channel=channel, day=day, found_at=now, **found._asdict())], ignore_conflicts=True
                )
        unmatched = sum(found.kind != BreakKind.MISSING_THERE for found in differences)
        return Reconciliation.objects.create(
            channel=channel, day=day, ran_at=now, matched=compared - unmatched, breaks=len(differences)
        )
