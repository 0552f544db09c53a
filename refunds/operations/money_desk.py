"""What people's moves over stuck money share: who may, one question to the channel, and the trace in the case."""

from datetime import datetime

from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, NotPermitted, Refusal
from marketplace.payments.gateways.base import ChannelUnreachable, NoGateway, Result, Status
from marketplace.payments.models import Transfer
from marketplace.payments.operations.send import ask_channel, attempt_of
from marketplace.payments.operations.stuck import PAID_OTHERWISE
from marketplace.risk.models import Dispute

from ..machine import Party
from ..masking import CARD_NUMBER
from ..models import Message, RefundRequest
from .disputed import DisputeOpen
from .locking import lock_alone
from .say import CardNumber

MAY_PAY = "payments.change_payout"
MAX_WHY = 1000  # characters
NO_GATEWAY = "no_gateway"


class WhyNeeded(Refusal):
    code = "why_needed"
    status = 422
    title = _("Say why, in at most 1000 characters. It is kept in the case, for staff alone.")


class ChannelSilent(Refusal):
    code = "channel_silent"
    title = _("The channel gives no clear answer now. Nothing was changed; try again later.")


class ChannelPaysAfterAll(Refusal):
    code = "channel_pays_after_all"
    title = _(
        "The channel says now that it pays this refund, or has paid. Ask it again here to have that recorded."
    )


def check(user: User, permission: str = MAY_PAY) -> None:
    """Raises NotPermitted."""
    if not user.has_perm(permission):
        raise NotPermitted()


def why(note: str) -> str:
    """Raises WhyNeeded, CardNumber."""
    note = note.strip()
    if not 0 < len(note) <= MAX_WHY:
        raise WhyNeeded()
    if CARD_NUMBER.search(note):
        raise CardNumber()
    return note


def transfer_of(number: str) -> Transfer:
    """Not locked: to know what to ask the channel about. Raises NotFound."""
    transfer = Transfer.objects.select_related("claim__capture").filter(number=number).first()
    if transfer is None:
        raise NotFound()
    return transfer


def ask(number: str) -> Result:
    """What the channel says of this refund now; no transaction is open. Raises ChannelSilent.

    UNKNOWN too where there is nobody to ask: the transfer was never sent, or no gateway stands behind its channel.
    Of what a chargeback paid in part the rest has another number, but the channel knows the first alone: it is asked
    about both, and what it says of the first counts where it pays that.
    """
    for first in _split_off_from(number):
        result = _ask(first)
        if result.status in (Status.SUCCEEDED, Status.PENDING):
            return result
    return _ask(number)


def _split_off_from(number: str) -> list[str]:
    ended = Transfer.objects.filter(state=Transfer.State.CHARGED_BACK, sent_at__isnull=False).order_by("id")
    rest = Transfer.objects.filter(number=number)
    same = ended.filter(
        reference=rest.values("reference")[:1], claim__capture=rest.values("claim__capture")[:1]
    )
    return list(same.values_list("number", flat=True))


def _ask(number: str) -> Result:
    attempt = attempt_of(number)
    if attempt is None:
        return Result(Status.UNKNOWN)
    try:
        result = ask_channel(attempt)
    except NoGateway:
        return Result(Status.UNKNOWN, error_code=NO_GATEWAY)
    except ChannelUnreachable as error:
        raise ChannelSilent(channel=attempt.channel) from error
    if result.status in (Status.RETRY, Status.TOP_UP):
        raise ChannelSilent(channel=attempt.channel, error=result.error_code)
    return result


def check_unpaid(result: Result) -> None:
    """Raises ChannelPaysAfterAll."""
    if result.status in (Status.SUCCEEDED, Status.PENDING) or result.error_code in PAID_OTHERWISE:
        raise ChannelPaysAfterAll(status=result.status.value)


def lock_request(reference: str) -> RefundRequest:
    """The request a transfer pays, locked until commit. Raises NotFound."""
    request = lock_alone("r.number = %s", reference)
    if request is None:
        raise NotFound()
    return request


def check_no_chargeback(transfer: Transfer) -> None:
    """A chargeback and a refund never both pay (H1). The request is locked, which a new dispute would wait for.

    A chargeback that was lost paid what it had claimed for itself; where it took more, it took what this refund is of.
    Raises DisputeOpen.
    """
    taken = Q(state=Dispute.State.OPEN) | Q(
        state=Dispute.State.LOST, amount__gt=Coalesce(F("claim__amount"), 0)
    )
    dispute = (
        Dispute.objects.filter(taken, capture=transfer.claim.capture_id, kind=Dispute.Kind.CHARGEBACK)
        .order_by("id")
        .first()
    )
    if dispute is not None:
        raise DisputeOpen(
            _("The buyer took this payment back by a chargeback: nothing may be paid beside it."),
            dispute=dispute.number,
        )


def trace(request: RefundRequest, user: User, text: str, now: datetime) -> None:
    """Keep in the case, for staff alone, who did what. Finance and risk are no party to a case: the system writes."""
    Message.objects.create(
        request=request, author=Party.SYSTEM, user=user, text=text, is_internal=True, at=now
    )
