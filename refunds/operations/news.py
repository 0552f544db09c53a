"""Acting on what channels tell us (requirement G6). A notification is a hint: the channel is asked what is so.

No row is locked while the channel is asked. Two workers at one notification, or one that comes late or out of order,
ask twice and write once: every effect is a compare-and-set of its own. What nobody finished stays `waiting`, and the
sweep takes it up; what three days of asking did not settle is kept for a person.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import OperationalError
from django.db.models import QuerySet

from marketplace.payments.gateways.base import ChannelUnreachable, NoGateway, Status, Subject
from marketplace.payments.models import Notification, NotificationState, Transfer
from marketplace.payments.operations.send import ask_channel, attempt_of

from . import dispute
from .come_back import recheck
from .pay import pay

log = logging.getLogger(__name__)

LEFT_AFTER = timedelta(seconds=30)  # its own job takes a second; one not done by now has lost its message
GIVE_UP_AFTER = timedelta(days=3)
# A channel that gave no answer is left alone for a while, because each time-out holds a worker.
QUIET = timedelta(minutes=1)
FEW = 100  # of one channel, in one run

State = NotificationState


def take_notification(notification_id: int, now: datetime) -> None:
    """Ask the channel about what the notification names. Safe to call at any time, twice too."""
    waiting = Notification.objects.filter(pk=notification_id, state=State.WAITING)
    _take(waiting.defer("body"), now)


def sweep_notifications(now: datetime) -> int:
    """Take up what is still waiting; return how many.

    One after the other, not a job each: a channel that does not answer costs one time-out, not one a notification.
    In no order, so that one about which it never answers does not stand in the way of the others for ever.
    """
    left = Notification.objects.filter(state=State.WAITING, received_at__lte=now - LEFT_AFTER)
    taken = 0
    for channel in left.order_by("channel").values_list("channel", flat=True).distinct():
        if now >= cache.get(_quiet(channel), now):
            taken += _take(left.filter(channel=channel).order_by("?").defer("body")[:FEW], now)
    return taken


def _take(notifications: QuerySet[Notification], now: datetime) -> int:
    """Stops at the first that gets no answer."""
    taken = 0
    for notification in notifications:
        taken += 1
        try:
            state = _act(notification, now)
        except (ChannelUnreachable, NoGateway) as error:
            log.info("notification %s waits: %s", notification.pk, error)
            cache.set(_quiet(notification.channel), now + QUIET, QUIET.total_seconds())
            _settle(notification, State.WAITING, now)
            break
        except OperationalError as error:
            log.warning("notification %s waits: %s", notification.pk, error)
            state = State.WAITING
        except Exception:  # nobody else is kept waiting by it, and it is not asked for ever
            log.exception("notification %s is left to a person", notification.pk)
            state = State.UNKNOWN
        _settle(notification, state, now)
    return taken


def _quiet(channel: str) -> str:
    return f"channel_is_silent:{channel}"


def _settle(notification: Notification, state: NotificationState, now: datetime) -> None:
    if state == State.WAITING and now - notification.received_at > GIVE_UP_AFTER:
        state = State.UNKNOWN
    if state != State.WAITING:
        Notification.objects.filter(pk=notification.pk, state=State.WAITING).update(
            state=state, handled_at=now
        )


def _act(notification: Notification, now: datetime) -> NotificationState:
    match notification.subject:
        case Subject.REFUND:
            return _worst(_about(transfer, now) for transfer in _transfers(notification))
        case Subject.DISPUTE:
            is_ours = dispute.take(channel=notification.channel, dispute_no=notification.dispute_no, now=now)
            return State.DONE if is_ours else State.UNKNOWN
        case _:
            return State.NO_NEWS


def _transfers(notification: Notification) -> list[Transfer]:
    """The transfer named; where only a payment is named (Stripe's charge.refunded), all that was sent back of it.

    One that was never sent is none of the channel's business: what it says about it, a person has to read.
    """
    sent = Transfer.objects.filter(claim__capture__channel=notification.channel, sent_at__isnull=False)
    named = (
        sent.filter(number=notification.refund_number)
        if notification.refund_number
        else sent.filter(claim__capture__channel_no=notification.channel_no)
    )
    return list(named.order_by("id"))


def _about(transfer: Transfer, now: datetime) -> NotificationState:
    match transfer.state:
        case Transfer.State.SENDING:
            # A worker hears the channel's answer this moment, and that may be older than this news.
            return State.WAITING
        case Transfer.State.QUEUED | Transfer.State.PENDING:
            open_still = Transfer.objects.filter(pk=transfer.pk, state=transfer.state)
            open_still.update(next_try_at=now)  # the payer asks before it sends anything a second time
            pay(transfer.reference, now)
            return State.DONE
        case Transfer.State.SUCCEEDED:
            return State.DONE if recheck(transfer.number, now) else State.NO_NEWS
        case _:
            return State.UNKNOWN if _is_paid_after_all(transfer) else State.NO_NEWS


def _is_paid_after_all(transfer: Transfer) -> bool:
    """We hold it for failed, or do not know: what it takes to believe otherwise, a person decides."""
    attempt = attempt_of(transfer.number)
    return attempt is not None and ask_channel(attempt).status in (Status.SUCCEEDED, Status.PENDING)


def _worst(states: Iterable[NotificationState]) -> NotificationState:
    found = set(states)
    return next(
        (state for state in (State.WAITING, State.UNKNOWN, State.DONE, State.NO_NEWS) if state in found),
        State.UNKNOWN,
    )
