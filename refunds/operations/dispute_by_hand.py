"""What people do about disputes: enter what they saw at a channel that does not tell us, and how it ended there.

Who did it and why is kept in the log of staff actions, in the same transaction: a dispute is no case, and need not
have one.
"""

from datetime import datetime

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal
from marketplace.kernel.money import Money
from marketplace.payments.gateways.base import NoGateway
from marketplace.risk.models import Dispute, DisputeState

from . import money_desk as desk
from .dispute import News, follow, teller
from .dispute_close import settle_dispute

MAY_OPEN = "risk.add_dispute"
MAY_DECIDE = "risk.change_dispute"


class DisputeKnown(Refusal):
    code = "dispute_known"
    title = _("A dispute of this number is on our books already.")


class DisputeClosed(Refusal):
    code = "dispute_closed"
    title = _("This dispute is decided already.")


class ChannelDecides(Refusal):
    code = "channel_decides"
    title = _("The channel tells us by itself how this dispute ends.")


def open_by_hand(
    *,
    user: User,
    channel: str,
    channel_dispute_no: str,
    channel_no: str,
    money: Money,
    reason: str,
    due_at: datetime | None,
    note: str,
    now: datetime,
) -> Dispute:
    """Enter a complaint that somebody saw at the channel. Raises NotPermitted, WhyNeeded, CardNumber, NotFound (no
    such payment), DisputeKnown (with our number), OtherCurrency.
    """
    desk.check(user, MAY_OPEN)
    note = desk.why(note)
    news = News(
        Dispute.Kind.COMPLAINT,
        channel,
        channel_dispute_no,
        channel_no,
        money,
        reason,
        opened_at=now,
        due_at=due_at,
    )
    with transaction.atomic(durable=True):
        dispute, is_new = follow(news, now)
        if not is_new:
            raise DisputeKnown(number=dispute.number)
        _log(dispute, user, ADDITION, note)
        return dispute


def decide_by_hand(*, user: User, number: str, state: DisputeState, note: str, now: datetime) -> Dispute:
    """Close a dispute as somebody saw it end at the channel. Raises NotPermitted, WhyNeeded, CardNumber, NotFound,
    DisputeClosed, ChannelDecides.
    """
    desk.check(user, MAY_DECIDE)
    note = desk.why(note)

    def check(dispute: Dispute) -> None:
        if dispute.state != Dispute.State.OPEN:
            raise DisputeClosed()
        if not is_decided_by_hand(dispute):
            raise ChannelDecides()

    with transaction.atomic(durable=True):
        dispute = settle_dispute(number, state, now, check)
        _log(dispute, user, CHANGE, f"{dispute.state}: {note}")
        return dispute


def is_decided_by_hand(dispute: Dispute) -> bool:
    """No channel tells of complaints; of chargebacks some do."""
    if dispute.kind == Dispute.Kind.COMPLAINT:
        return True
    try:
        return teller(dispute.channel) is None
    except NoGateway:
        return True


def _log(dispute: Dispute, user: User, action: int, note: str) -> None:
    LogEntry.objects.log_actions(
        user_id=user.pk, queryset=[dispute], action_flag=action, change_message=note, single_object=True
    )
