"""Disputes at the channel: opened, kept up to date and closed as the channel has them (requirements G2, H1, H8).

Each change is one durable transaction under the lock of the disputed order, so that news of one dispute that comes
twice, late, or at the same time is heard once. Locks are taken in the usual order; see freeze.py for those on the
buyer's other orders.
"""

from datetime import datetime
from typing import NamedTuple, cast

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.kernel import ids
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.money import Money
from marketplace.orders.models import Order
from marketplace.payments import gateways
from marketplace.payments.gateways.base import TellsDisputes
from marketplace.payments.models import Capture
from marketplace.risk.models import Dispute, DisputeState, Signal

from ..models import RefundRequest
from .dispute_close import close_dispute, lock_order, post
from .disputed import hold_in_turn
from .freeze import freeze_for_chargeback, freeze_for_complaint, lock_buyers_requests

Kind, State = Dispute.Kind, DisputeState


class OtherCurrency(Refusal):
    code = "dispute_in_other_currency"
    status = 422
    title = _("The dispute is in another currency than its payment: book it by hand.")


class News(NamedTuple):
    """A dispute as the channel, or a person who looked there, has it now."""

    kind: str
    channel: str
    channel_dispute_no: str
    channel_no: str  # of the disputed payment
    money: Money
    reason: str  # the channel's own code
    opened_at: datetime
    due_at: datetime | None


def take(*, channel: str, dispute_no: str, now: datetime) -> bool:
    """Ask the channel about a chargeback and follow it; False where the channel tells of none, or it is not about a
    payment of ours. Safe to call at any time, twice too: what counts is how the channel has it now.

    Raises ChannelUnreachable, NoGateway, OtherCurrency.
    """
    gateway = teller(channel)
    if gateway is None:
        return False
    told = gateway.dispute(dispute_no)
    try:
        dispute = open_dispute(
            # An inquiry has taken nothing: it asks, as a complaint does, and may become a chargeback.
            kind=Kind.CHARGEBACK if told.is_taken else Kind.COMPLAINT,
            channel=channel,
            channel_dispute_no=told.dispute_no,
            channel_no=told.channel_no,
            money=told.money,
            reason=told.reason,
            opened_at=told.opened_at,
            due_at=told.due_at,
            now=now,
        )
    except NotFound:
        return False
    if told.status in (State.WON, State.LOST):
        close_dispute(number=dispute.number, state=State(told.status), now=now)
    return True


def teller(channel: str) -> TellsDisputes | None:
    """The channel's gateway, if it tells of disputes. Raises NoGateway."""
    gateway = gateways.for_channel(channel)
    return cast(TellsDisputes, gateway) if hasattr(gateway, "dispute") else None


def open_dispute(
    *,
    kind: str,
    channel: str,
    channel_dispute_no: str,
    channel_no: str,
    money: Money,
    reason: str,
    opened_at: datetime,
    due_at: datetime | None,
    now: datetime,
) -> Dispute:
    """Claim what is left of the disputed payment, and stop what would pay it another way; a chargeback also stops
    what else its buyer has open, and is booked: the channel has taken the whole amount.

    What the claim does not cover had been paid back, or is on its way: it is contested. A dispute that is there
    already gets the channel's due date and reason. Raises NotFound (no such payment), OtherCurrency.
    """
    news = News(kind, channel, channel_dispute_no, channel_no, money, reason, opened_at, due_at)
    with transaction.atomic(durable=True):
        dispute, _is_new = follow(news, now)
        return dispute


def follow(news: News, now: datetime) -> tuple[Dispute, bool]:
    """`open_dispute` inside the caller's transaction; also whether the dispute is new."""
    capture = Capture.objects.filter(channel=news.channel, channel_no=news.channel_no).order_by("id").first()
    if capture is None:
        raise NotFound()
    if capture.currency != news.money.currency:
        raise OtherCurrency(dispute=news.money.currency, payment=capture.currency)
    order = lock_order(capture.order_id)
    known = Dispute.objects.filter(channel=news.channel, channel_dispute_no=news.channel_dispute_no).first()
    return (_update(known, news, order, now), False) if known else (_open(news, capture, order, now), True)


def _update(dispute: Dispute, news: News, order: Order, now: datetime) -> Dispute:
    if dispute.state != State.OPEN:
        return dispute
    if (dispute.due_at, dispute.reason) != (news.due_at, news.reason):
        dispute.due_at, dispute.reason = news.due_at, news.reason
        dispute.save(update_fields=["due_at", "reason"])
    if (dispute.kind, news.kind) == (Kind.COMPLAINT, Kind.CHARGEBACK):  # now the channel has taken the money
        requests = lock_buyers_requests(order)
        dispute.kind = Kind.CHARGEBACK
        dispute.save(update_fields=["kind"])
        _take_effect(dispute, requests, dispute.capture, order, now)
    return dispute


def _open(news: News, capture: Capture, order: Order, now: datetime) -> Dispute:
    requests = lock_buyers_requests(order)
    dispute = Dispute.objects.create(
        number=ids.number("DP", now),
        kind=news.kind,
        channel=news.channel,
        channel_dispute_no=news.channel_dispute_no,
        capture=capture,
        amount=news.money.amount,
        currency=news.money.currency,
        reason=news.reason,
        opened_at=news.opened_at,
        due_at=news.due_at,
    )
    _take_effect(dispute, requests, capture, order, now)
    return dispute


def _take_effect(
    dispute: Dispute, requests: list[RefundRequest], capture: Capture, order: Order, now: datetime
) -> None:
    if dispute.kind == Kind.CHARGEBACK:
        freeze_for_chargeback(requests, capture, dispute.number, now)
        _warn_about(order, dispute)
        post("chargeback", dispute, now)
    else:
        freeze_for_complaint(requests, capture, dispute.number, now)
    hold_in_turn(dispute, now)


def _warn_about(order: Order, dispute: Dispute) -> None:
    """The machine approves nothing for the buyer until a person has cleared it. The buyer's row is locked."""
    kind = Signal.Kind.CHARGEBACK
    if not Signal.objects.filter(buyer_id=order.buyer_id, kind=kind, cleared_at__isnull=True).exists():
        Signal.objects.create(buyer_id=order.buyer_id, kind=kind, note=dispute.number)
