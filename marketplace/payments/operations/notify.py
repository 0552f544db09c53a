"""Taking what a channel tells us by itself (requirement G6): verified, kept once, acted on by a job of its own."""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal
from marketplace.kernel.outbox import enqueue

from .. import gateways
from ..gateways.base import Acknowledgement, BadNotification, Notice
from ..models import Notification

MAX_BODY = 256 * 1024  # bytes; the channels' own notifications stay under a tenth of it
LONGEST = {
    "event_id": Notification._meta.get_field("event_id").max_length or 0,
    "refund_number": Notification._meta.get_field("refund_number").max_length or 0,
    "dispute_no": Notification._meta.get_field("dispute_no").max_length or 0,
    "channel_no": Notification._meta.get_field("channel_no").max_length or 0,
}


class NotificationTooLarge(Refusal):
    code = "body_too_large"
    status = 413
    title = _("The notification is too large.")


_KEEP = """
INSERT INTO payments_notification
    (channel, event_id, subject, refund_number, dispute_no, channel_no, body, received_at, state)
VALUES (%(channel)s, %(event_id)s, %(subject)s, %(refund_number)s, %(dispute_no)s, %(channel_no)s, %(body)s, %(now)s,
    'waiting')
ON CONFLICT (channel, event_id) DO NOTHING RETURNING id
"""


def take(*, channel: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Acknowledgement:
    """Keep a notification and queue it; return what the channel wants to hear. One that came before changes nothing.

    `headers` are case-insensitive. Raises NoGateway, NotificationTooLarge, BadNotification; nothing is written then.
    """
    gateway = gateways.for_channel(channel)
    if len(body) > MAX_BODY:
        raise NotificationTooLarge()
    notice = gateway.parse(headers, body, now)
    _check_fits(notice)
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                **notice._asdict(),
                "subject": notice.subject.value,
                "channel": channel,
                "body": body,
                "now": now,
            },
        )
        if row := cursor.fetchone():
            enqueue("refunds.take_notification", row[0])
    return gateway.acknowledgement


def _check_fits(notice: Notice) -> None:
    """Numbers that no column takes (too long, NUL, half a surrogate pair) name nothing of ours. Raises BadNotification."""
    for name, longest in LONGEST.items():
        value: str = getattr(notice, name)
        if len(value) > longest or "\x00" in value or value != value.encode(errors="replace").decode():
            raise BadNotification("malformed", f"{name} cannot be kept")
