"""A transfer that waits for a person: ask its channel, send it again, or give the channel up (requirement G6)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal
from marketplace.kernel.outbox import enqueue
from marketplace.payments.gateways import GATEWAYS
from marketplace.payments.gateways.base import Result, Status
from marketplace.payments.models import Transfer
from marketplace.payments.operations import stuck
from marketplace.payments.operations.send import attempt_of, try_again
from marketplace.payments.operations.stuck import NotStuck, lock_transfer

from . import money_desk as desk
from .charged_back import take_over
from .pay import close_when_through


class NotSent(Refusal):
    code = "not_sent"
    title = _("This transfer was never sent: there is nothing to ask the channel about.")


class NoGatewayToAsk(Refusal):
    code = "no_gateway"
    title = _("No gateway stands behind this channel: there is nobody to ask.")


def ask_again(*, transfer_number: str, user: User, now: datetime) -> Result:
    """Ask the channel now and record what it says: paid, on its way, refused, cannot be delivered. Any other answer
    changes nothing but the trace.

    Raises NotPermitted, NotFound, NotStuck, NotSent, NoGatewayToAsk, ChannelSilent, CameBackBefore.
    """
    desk.check(user)
    reference = desk.transfer_of(transfer_number).reference
    attempt = attempt_of(transfer_number)
    if attempt is None:
        raise NotSent()
    result = desk.ask(transfer_number)
    if result.error_code == desk.NO_GATEWAY:
        raise NoGatewayToAsk()
    with transaction.atomic(durable=True):
        request = desk.lock_request(reference)
        stuck.take_word(lock_transfer(transfer_number), attempt, result, now)
        take_over(request, now)
        close_when_through(request, now)
        text = gettext("Asked the channel about %(transfer)s; it says: %(answer)s")
        said = {"transfer": transfer_number, "answer": _in_words(result)}
        desk.trace(request, user, text % said, now)
    return result


def send_again(*, transfer_number: str, note: str, user: User, now: datetime) -> Transfer:
    """What the channel wanted is seen to (topped up, keys set): the payer asks and, if need be, sends, for a day.

    Raises NotPermitted, NotFound, WhyNeeded, CardNumber, NotStuck (only what waits for a person), DisputeOpen.
    """
    desk.check(user)
    note = desk.why(note)
    reference = desk.transfer_of(transfer_number).reference
    with transaction.atomic(durable=True):
        request = desk.lock_request(reference)
        transfer = _locked_manual(transfer_number)
        desk.check_no_chargeback(transfer)
        try_again(transfer, now)
        enqueue("refunds.pay", reference)
        text = gettext("%(transfer)s is sent again: %(why)s")
        desk.trace(request, user, text % {"transfer": transfer_number, "why": note}, now)
        return transfer


def give_up_channel(*, transfer_number: str, note: str, user: User, now: datetime) -> Transfer:
    """The channel, asked once more, has not paid and is not to: from here on the money can go by hand.

    Raises NotPermitted, NotFound, WhyNeeded, CardNumber, NotStuck (only what waits for a person), ChannelPaysAfterAll,
    CallUnderWay, ChannelSilent (also where it says neither that it paid nor that it did not).
    """
    desk.check(user)
    note = desk.why(note)
    transfer = desk.transfer_of(transfer_number)
    result = _has_not_paid(transfer)
    with transaction.atomic(durable=True):
        request = desk.lock_request(transfer.reference)
        transfer = _locked_manual(transfer_number)
        stuck.give_up(transfer, result, now)
        take_over(request, now)
        close_when_through(request, now)
        text = gettext("The channel is given up for %(transfer)s (it says: %(answer)s): %(why)s")
        said = {"transfer": transfer_number, "answer": _in_words(result), "why": note}
        desk.trace(request, user, text % said, now)
        return transfer


# Answers a channel gives for good, whatever was sent before: it does not pay such a refund at all.
NEVER_PAYS = frozenset({"currency"})


def _has_not_paid(transfer: Transfer) -> Result:
    result = desk.ask(transfer.number)
    desk.check_unpaid(result)
    lost_keys = result.error_code == desk.NO_GATEWAY and transfer.claim.capture.channel in GATEWAYS
    says_nothing = result.status is Status.PERSON and result.error_code not in NEVER_PAYS
    if lost_keys or says_nothing:
        raise desk.ChannelSilent(channel=transfer.claim.capture.channel, error=result.error_code)
    return result


def _locked_manual(number: str) -> Transfer:
    transfer = lock_transfer(number)
    if transfer.state != Transfer.State.MANUAL:
        raise NotStuck(state=transfer.state)
    return transfer


def _in_words(result: Result) -> str:
    """The channel's answer as it is kept: our word for it, and its own code and text."""
    return " ".join(filter(None, (result.status.value, result.error_code, result.error_detail)))[:600]
