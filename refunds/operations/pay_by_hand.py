"""Paying by hand what a channel cannot return (requirement G7): one person proposes, another confirms or rejects.

The channel is asked before each step, for it may pay after all; then one transaction takes the request, the transfer
with its payout, and the seller's accounts, in this order.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.crypto import CannotDecrypt
from marketplace.kernel.errors import NotFound, Refusal, SecondPersonNeeded
from marketplace.payments.models import Payout
from marketplace.payments.operations import payout as payouts
from marketplace.payments.operations.payout import Payee
from marketplace.payments.operations.stuck import lock_transfer

from . import money_desk as desk
from .pay import close_when_through


class PayeeUnreadable(Refusal):
    code = "payee_unreadable"
    title = _("The payee cannot be read: its key is missing. Reject this payout and propose it anew.")


def propose(*, transfer_number: str, payee: Payee, note: str, user: User, now: datetime) -> Payout:
    """Propose to pay the transfer's whole amount to `payee`, sealed from here on; nothing is paid by it.

    A channel that cannot be reached keeps nobody from proposing. Raises NotPermitted, NotFound, WhyNeeded, CardNumber,
    BadPayee, NotByHand, PayoutStands, DisputeOpen, ChannelPaysAfterAll.
    """
    desk.check(user)
    note, payee = desk.why(note), payouts.clean(payee)
    reference = desk.transfer_of(transfer_number).reference
    try:
        desk.check_unpaid(desk.ask(transfer_number))
    except desk.ChannelSilent:
        pass  # asked again, and insisted on, before the money goes
    with transaction.atomic(durable=True):
        request = desk.lock_request(reference)
        transfer = lock_transfer(transfer_number)
        desk.check_no_chargeback(transfer)
        proposed = payouts.add(transfer=transfer, payee=payee, note=note, user_id=user.pk, now=now)
        text = gettext("Payout by hand of %(transfer)s to %(payee)s proposed: %(why)s")
        said = {"transfer": transfer_number, "payee": proposed.payee_hint, "why": note}
        desk.trace(request, user, text % said, now)
        return proposed


def confirm(*, payout_id: int, bank_reference: str, user: User, now: datetime) -> Payout:
    """Another person says that the bank has paid: the transfer has succeeded, the books and the request say so.

    Raises NotPermitted, NotFound, SecondPersonNeeded, BankReferenceNeeded, BankReferenceUsed, PayoutDecided, NotByHand,
    DisputeOpen, ChannelPaysAfterAll, ChannelSilent.
    """
    desk.check(user)
    proposed = _payout(payout_id)
    if proposed.proposed_by_id == user.pk:
        raise SecondPersonNeeded(_("You proposed this payout. Another person must confirm or reject it."))
    desk.check_unpaid(desk.ask(proposed.transfer.number))
    with transaction.atomic(durable=True):
        request = desk.lock_request(proposed.transfer.reference)
        payout = payouts.locked(payout_id)
        desk.check_no_chargeback(payout.transfer)
        payouts.release(payout, bank_reference=bank_reference, user_id=user.pk, now=now)
        close_when_through(request, now)
        text = gettext(
            "Payout by hand of %(transfer)s to %(payee)s confirmed; bank's reference %(reference)s"
        )
        said = {
            "transfer": payout.transfer.number,
            "payee": payout.payee_hint,
            "reference": payout.bank_reference,
        }
        desk.trace(request, user, text % said, now)
        return payout


def reject(*, payout_id: int, user: User, now: datetime, note: str = "") -> Payout:
    """Another person rejects it; then another payout may be proposed. The channel is not asked: nothing is paid.

    Raises NotPermitted, NotFound, SecondPersonNeeded, PayoutDecided, WhyNeeded and CardNumber of a note that is given.
    """
    desk.check(user)
    note = desk.why(note) if note.strip() else ""
    reference = _payout(payout_id).transfer.reference
    with transaction.atomic(durable=True):
        request = desk.lock_request(reference)
        payout = payouts.locked(payout_id)
        payouts.refuse(payout, user_id=user.pk, now=now)
        text = gettext("Payout by hand of %(transfer)s to %(payee)s rejected. %(why)s")
        said = {"transfer": payout.transfer.number, "payee": payout.payee_hint, "why": note}
        desk.trace(request, user, (text % said).strip(), now)
        return payout


def see_payee(*, payout_id: int, user: User, now: datetime) -> Payee:
    """The whole account, for who pays; each view is kept in the case (K3). Raises NotPermitted, NotFound,
    PayeeUnreadable.
    """
    desk.check(user)
    payout = _payout(payout_id)
    try:
        payee = payouts.payee_of(payout)
    except CannotDecrypt as error:
        raise PayeeUnreadable() from error
    with transaction.atomic(durable=True):
        request = desk.lock_request(payout.transfer.reference)
        text = gettext("Payee's account of %(transfer)s viewed: %(payee)s")
        said = {"transfer": payout.transfer.number, "payee": payout.payee_hint}
        desk.trace(request, user, text % said, now)
    return payee


def _payout(payout_id: int) -> Payout:
    payout = Payout.objects.select_related("transfer").filter(pk=payout_id).first()
    if payout is None:
        raise NotFound()
    return payout
