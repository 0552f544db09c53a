"""Sending what was told: one try is begun, made with no transaction open, and written down.

A crash between the try and its record leaves a row that the sweep finds when its lease is over: it is sent again
under the same id. At least once is all that mail, SMS and webhooks can promise.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel import crypto
from marketplace.kernel.errors import NotFound, NotPermitted, Refusal
from marketplace.kernel.outbox import enqueue

from ..models import Delivery, Endpoint
from ..senders import email, sms, webhook
from ..senders.base import SCHEDULES, Outcome, Parcel, Result
from ..texts import render
from ..topics import RecipientKind, Way
from .endpoints import context
from .tell import News, tell

MAY_REPLAY = "notices.change_delivery"
FEW = 500  # each is a job of its own
# The message of a new delivery is on its way to the worker; what still waits by now has lost it.
LOST_AFTER = timedelta(seconds=5)


class NotReplayable(Refusal):
    code = "not_replayable"
    title = _("This is on its way, or its receiver is switched off.")


# Compare-and-set: only one of two workers finds the delivery due. The lease ends a try that never says anything.
_BEGIN = """
UPDATE notices_delivery d SET attempts = d.attempts + 1,
    next_try_at = %(now)s::timestamptz + (%(leases)s::jsonb ->> d.way)::interval
FROM notices_notice n
WHERE d.id = %(id)s AND n.id = d.notice_id AND d.state = 'queued' AND d.next_try_at <= %(now)s
RETURNING d.way, d.attempts, d.endpoint_id, d.user_id,
    n.id, n.recipient_kind, n.recipient_id, n.topic, n.data, n.language, n.created_at
"""
_LEASES = json.dumps(
    {way: f"{schedule.lease.total_seconds()} seconds" for way, schedule in SCHEDULES.items()}
)


def deliver(delivery_id: int, now: datetime) -> Result | None:
    """One try, if it is due; None where it is not, or another worker has it. Safe to call at any time, twice too."""
    with transaction.atomic(durable=True):
        parcel = _begin(delivery_id, now)
    if parcel is None:
        return None
    result = _send(parcel, now)
    with transaction.atomic(durable=True):
        _record(parcel, result, now)
        if result.outcome is Outcome.GONE:
            _switch_off(parcel, now)
    return result


def sweep_deliveries(now: datetime) -> int:
    """Queue retries whose time has come and tries that a crash left behind; return how many."""
    due = Delivery.objects.filter(state=Delivery.State.QUEUED, next_try_at__lte=now)
    due = due.exclude(attempts=0, next_try_at__gt=now - LOST_AFTER)
    ids = list(due.order_by("next_try_at", "id").values_list("id", flat=True)[:FEW])
    for delivery_id in ids:
        enqueue("refunds.deliver", delivery_id)
    return len(ids)


def replay(
    *, delivery_id: int, now: datetime, user: User | None = None, seller_id: int | None = None
) -> None:
    """Send it again under the same id, and as often as a new one. By staff, or by the seller who owns the endpoint.

    Raises NotPermitted, NotFound, NotReplayable (not tried to its end yet, or its endpoint is switched off).
    """
    if seller_id is None and (user is None or not user.has_perm(MAY_REPLAY)):
        raise NotPermitted()
    with transaction.atomic(durable=True):
        rows = (
            Delivery.objects.select_for_update(of=("self",)).select_related("endpoint").filter(pk=delivery_id)
        )
        delivery = rows.filter(endpoint__seller_id=seller_id).first() if seller_id else rows.first()
        if delivery is None:
            raise NotFound()
        is_off = delivery.endpoint is not None and delivery.endpoint.disabled_at is not None
        if delivery.state == Delivery.State.QUEUED or is_off:
            raise NotReplayable()
        delivery.state, delivery.attempts, delivery.next_try_at, delivery.sent_at = (
            Delivery.State.QUEUED,
            0,
            now,
            None,
        )
        delivery.save(update_fields=["state", "attempts", "next_try_at", "sent_at"])
        enqueue("refunds.deliver", delivery.pk)


def _begin(delivery_id: int, now: datetime) -> Parcel | None:
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, {"id": delivery_id, "now": now, "leases": _LEASES})
        row = cursor.fetchone()
        if row is None:
            return None
        way, attempts, endpoint_id, user_id, notice_id, kind, recipient_id, topic, data, language, told_at = (
            row
        )
        to, secrets = _address(cursor, way, endpoint_id, user_id, recipient_id, now)
    return Parcel(
        delivery_id, attempts, way, notice_id, kind, topic, json.loads(data), language, told_at, to, secrets
    )


def _address(
    cursor: Any, way: str, endpoint_id: int | None, user_id: int | None, buyer_id: int, now: datetime
) -> tuple[str, tuple[str, ...]]:
    """Where it goes as of now; "" where there is no such place any more."""
    if way == Way.WEBHOOK:
        endpoint = Endpoint.objects.filter(pk=endpoint_id or 0, disabled_at=None).first()
        return (endpoint.url, _secrets(endpoint, now)) if endpoint else ("", ())
    if user_id is not None:
        cursor.execute("SELECT email FROM identity_user WHERE id = %s AND is_active", [user_id])
    else:
        column = "email" if way == Way.EMAIL else "phone"
        cursor.execute(f"SELECT {column} FROM identity_buyer WHERE id = %s", [buyer_id])
    found = cursor.fetchone()
    return (found[0] if found else ""), ()


def _secrets(endpoint: Endpoint, now: datetime) -> tuple[str, ...]:
    sealed = [endpoint.sealed_secret]
    if endpoint.sealed_former is not None and endpoint.former_until and endpoint.former_until > now:
        sealed.append(endpoint.sealed_former)
    return tuple(crypto.unseal(each, context(endpoint)) for each in sealed)


def _send(parcel: Parcel, now: datetime) -> Result:
    """No transaction is open: those before and after are durable, and so refuse to run inside another."""
    if not parcel.to:
        return Result(Outcome.REFUSED, "no address")
    if parcel.way == Way.WEBHOOK:
        return webhook.send(parcel, now)
    with translation.override(parcel.language):
        text = render(parcel.topic, parcel.recipient_kind, parcel.data)
        return email.send(parcel, text) if parcel.way == Way.EMAIL else sms.send(parcel, text, now)


# That it was sent counts, whoever says it and however late; that it failed counts for the try that is under way.
_RECORD = """
UPDATE notices_delivery SET state = %(state)s, error = %(error)s, status = %(status)s,
    next_try_at = coalesce(%(next_try_at)s::timestamptz, next_try_at), sent_at = %(sent_at)s::timestamptz
WHERE id = %(id)s AND state <> 'sent' AND (%(state)s = 'sent' OR state = 'queued' AND attempts = %(attempts)s)
"""


def _record(parcel: Parcel, result: Result, now: datetime) -> None:
    state, next_try_at = _next(parcel, result, now)
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "id": parcel.delivery_id,
                "attempts": parcel.attempts,
                "state": state.value,
                "error": result.error[:300].replace("\0", ""),
                "status": result.status,
                "next_try_at": next_try_at,
                "sent_at": now if state is Delivery.State.SENT else None,
            },
        )


def _next(parcel: Parcel, result: Result, now: datetime) -> tuple[Any, datetime | None]:
    if result.outcome is Outcome.SENT:
        return Delivery.State.SENT, None
    if result.outcome is not Outcome.RETRY:
        return Delivery.State.FAILED, None
    waits = SCHEDULES[parcel.way].waits
    if parcel.attempts > len(waits):
        return Delivery.State.DEAD, None
    return Delivery.State.QUEUED, now + waits[parcel.attempts - 1]


def _switch_off(parcel: Parcel, now: datetime) -> None:
    """410: the receiver is gone for good. Its seller is told; what else waits for it fails at its next try."""
    endpoint = Endpoint.objects.select_for_update(of=("self",)).get(deliveries=parcel.delivery_id)
    if endpoint.disabled_at is not None:
        return
    endpoint.disabled_at, endpoint.disabled_reason = now, Endpoint.Why.GONE
    endpoint.save(update_fields=["disabled_at", "disabled_reason"])
    if endpoint.seller_id:
        source = f"endpoint:{endpoint.pk}:{parcel.delivery_id}:{parcel.attempts}"
        host = endpoint.url.partition("://")[2].partition("/")[0]
        seller = RecipientKind.SELLER
        tell([News(seller, endpoint.seller_id, "endpoint_disabled", source, "", {"host": host})], now)
