"""Payouts by hand (requirement G7): the rows of what one person proposes and another releases or rejects.

Callers own the transaction, have asked the channel before it, and hold the refund request's lock; the transfer and
its payout are locked here, and then the seller's accounts.
"""

import json
import unicodedata
from datetime import datetime
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from marketplace.kernel import crypto
from marketplace.kernel.errors import NotFound, Refusal, SecondPersonNeeded, Text
from marketplace.ledger.operations import book

from ..models import Payout, Transfer
from .bearing import shares

MAX_NAME = 64  # characters, of the payee and of the bank
ACCOUNT = range(5, 35)  # characters; an IBAN has up to 34
MAX_REFERENCE = Payout._meta.get_field("bank_reference").max_length or 0


class Payee(NamedTuple):
    """Where the money goes. It is kept sealed, for it is nobody's business but of those who pay."""

    name: str
    bank: str
    account: str  # letters and digits, nothing between them


class BadPayee(Refusal):
    code = "bad_payee"
    status = 422
    title = _("The payee is not complete.")


class NotByHand(Refusal):
    code = "not_by_hand"
    title = _("By hand is paid only what the channel has refused for good or cannot deliver.")


class PayoutStands(Refusal):
    code = "payout_stands"
    title = _("A payout of this transfer is proposed or paid already.")


class PayoutDecided(Refusal):
    code = "payout_decided"
    title = _("This payout is paid or rejected already.")


class BankReferenceNeeded(Refusal):
    code = "bank_reference_needed"
    status = 422
    title = _("Give the bank's reference of the payment, in at most 64 characters.")


class BankReferenceUsed(Refusal):
    code = "bank_reference_used"
    title = _("Another payout carries this bank reference. Each payment has its own.")


def clean(payee: Payee) -> Payee:
    """The payee as it is kept. Raises BadPayee, naming the field."""
    name, bank = (" ".join(text.split()) for text in (payee.name, payee.bank))
    # A Chinese keyboard's full-width digits, and the gaps people write into account numbers.
    account = "".join(unicodedata.normalize("NFKC", payee.account).replace("-", "").split()).upper()
    faults: list[tuple[bool, str, Text]] = [
        (not 0 < len(name) <= MAX_NAME, "name", _("Payee: give the name on the account.")),
        (not 0 < len(bank) <= MAX_NAME, "bank", _("Bank: give its name.")),
        (
            not (account.isascii() and account.isalnum() and len(account) in ACCOUNT),
            "account",
            _("Account: 5 to 34 letters and digits."),
        ),
    ]
    for is_wrong, field, detail in faults:
        if is_wrong:
            raise BadPayee(detail, field=field)
    return Payee(name, bank, account)


def hint(payee: Payee) -> str:
    """What lists may show: "张** ··6789"."""
    masked = " ".join(f"{word[0]}**" for word in payee.name.split())
    return f"{masked[:50]} ··{payee.account[-4:]}"


def add(*, transfer: Transfer, payee: Payee, note: str, user_id: int, now: datetime) -> Payout:
    """Propose to pay the locked transfer to `payee`. Raises BadPayee, NotByHand, PayoutStands."""
    payee = clean(payee)
    _may_be_paid_by_hand(transfer)
    if standing(transfer) is not None:
        raise PayoutStands()
    return Payout.objects.create(
        transfer=transfer,
        sealed_payee=crypto.seal(json.dumps(payee._asdict(), ensure_ascii=False), _context(transfer)),
        payee_hint=hint(payee),
        note=note,
        proposed_by_id=user_id,
        proposed_at=now,
    )


def release(payout: Payout, *, bank_reference: str, user_id: int, now: datetime) -> None:
    """Record that the bank has paid: payout paid, transfer succeeded, movement booked. Both rows are locked.

    Raises BankReferenceNeeded, BankReferenceUsed, SecondPersonNeeded, PayoutDecided, NotByHand.
    """
    reference = bank_reference.strip()
    if not 0 < len(reference) <= MAX_REFERENCE or not reference.isprintable():
        raise BankReferenceNeeded()
    transfer = payout.transfer
    _decide(payout, user_id)
    _may_be_paid_by_hand(transfer)
    payout.bank_reference, payout.paid_at = reference, now
    try:
        with transaction.atomic():
            payout.save(update_fields=["bank_reference", "decided_by", "paid_at"])
    except IntegrityError as error:
        if "bank_reference_once" in str(error):
            raise BankReferenceUsed() from error
        raise
    # What the channel said stays: it is why the money went by hand.
    transfer.state, transfer.settled_at = Transfer.State.SUCCEEDED, now
    transfer.save(update_fields=["state", "settled_at"])
    _book(transfer, now)


def refuse(payout: Payout, *, user_id: int, now: datetime) -> None:
    """Reject what was proposed; another payout may be proposed then. The rows are locked.

    Raises SecondPersonNeeded, PayoutDecided.
    """
    _decide(payout, user_id)
    payout.rejected_at = now
    payout.save(update_fields=["decided_by", "rejected_at"])


def locked(payout_id: int) -> Payout:
    """The payout with its transfer, both locked until commit. Raises NotFound."""
    rows = Payout.objects.select_for_update(of=("self", "transfer")).select_related(
        "transfer__claim__capture__order__seller"
    )
    payout = rows.filter(pk=payout_id).first()
    if payout is None:
        raise NotFound()
    return payout


def standing(transfer: Transfer) -> Payout | None:
    """The payout that is proposed or paid; one that was rejected is history."""
    return (
        transfer.payouts.filter(rejected_at__isnull=True).select_related("proposed_by", "decided_by").first()
    )


def payee_of(payout: Payout) -> Payee:
    """The whole payee, for those who pay. Raises crypto.CannotDecrypt."""
    return Payee(**json.loads(crypto.unseal(payout.sealed_payee, _context(payout.transfer))))


def is_paid_by_hand() -> Exists:
    """For annotating transfers: the bank paid it, and not the channel."""
    return Exists(Payout.objects.filter(transfer=OuterRef("pk"), paid_at__isnull=False))


def _may_be_paid_by_hand(transfer: Transfer) -> None:
    if transfer.state not in Transfer.BY_HAND_STATES:
        raise NotByHand(state=transfer.state)


def _decide(payout: Payout, user_id: int) -> None:
    """Constraint payout_by_two_persons judges the same; here is the friendly answer."""
    if payout.decided_by_id is not None:
        raise PayoutDecided()
    if payout.proposed_by_id == user_id:
        raise SecondPersonNeeded(_("You proposed this payout. Another person must confirm or reject it."))
    payout.decided_by_id = user_id


def _book(transfer: Transfer, now: datetime) -> None:
    claim = transfer.claim
    seller, currency = claim.capture.order.seller.code, claim.capture.currency
    book(
        recipe="payout",
        reference=f"payout:{transfer.number}",
        amount=claim.amount,
        currency=currency,
        occurred_at=now,
        shares=shares(amount=claim.amount, from_settled=claim.from_settled, seller=seller, currency=currency),
        seller=seller,
    )


def _context(transfer: Transfer) -> str:
    return f"payout:{transfer.number}"
