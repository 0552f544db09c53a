"""What the platform adds of its own (requirement D5): read from the books whenever it is shown, never uploaded."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.kernel.templatetags.recourse import money
from marketplace.orders.goods import EventType
from marketplace.orders.models import Order, Unit, UnitEvent
from marketplace.payments.models import Capture

from .models import Message

DELIVERY = frozenset({EventType.STOCKED, EventType.RESERVED, EventType.DELIVERED, EventType.REPLACED})
LINES = 20  # of one record; the whole is in the time-line


class Added(NamedTuple):
    """One record: `kind` is a code, `lines` are what it says."""

    kind: str
    title: str
    at: datetime
    lines: list[str]


def platform_evidence(
    order: Order, captures: Iterable[Capture], units: Sequence[Unit], messages: Iterable[Message]
) -> list[Added]:
    """Of a case. The units' events and the messages are read already; internal notes are left out."""
    spoken = [message for message in messages if not message.is_internal]
    return [
        _snapshot(order),
        *_records("payment_record", _("Payment record"), _payments(captures)),
        *_records("delivery_record", _("Delivery record"), _events(units, delivery=True)),
        *_records("use_log", _("Record of reveal and use"), _events(units, delivery=False)),
        *_records(
            "chat",
            _("Messages in this case"),
            ((message.at, str(message.get_author_display())) for message in spoken),
        ),
    ]


def _snapshot(order: Order) -> Added:
    lines = [f"{order.title} × {order.quantity}", money(order.total, order.currency)]
    page = str(order.snapshot.get("page_text") or "")
    return Added(
        "order_snapshot", _("Order and page as shown at purchase"), order.placed_at, [*lines, page[:500]]
    )


def _records(kind: str, title: str, happened: Iterator[tuple[datetime, str]]) -> Iterator[Added]:
    rows = sorted(happened)
    if rows:
        lines = [f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S} {what}" for at, what in rows[:LINES]]
        yield Added(kind, title, rows[0][0], lines)


def _payments(captures: Iterable[Capture]) -> Iterator[tuple[datetime, str]]:
    for capture in captures:
        yield (
            capture.captured_at,
            f"{capture.get_channel_display()} {money(capture.amount, capture.currency)}",
        )


def _events(units: Sequence[Unit], *, delivery: bool) -> Iterator[tuple[datetime, str]]:
    for unit in units:
        events: Iterable[UnitEvent] = unit.events.all()
        for event in events:
            if (event.type in DELIVERY) == delivery:
                yield event.at, f"{unit.ref}: {event.get_type_display()}"
