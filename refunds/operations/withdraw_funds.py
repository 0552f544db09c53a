"""A seller takes money out (requirement G5): asked for by the seller's person, paid or refused by finance.

What may be taken out follows the exposure, and that is read while other people file, approve and pay. The lock is on
the seller's own ledger accounts, taken first; the exposure is read after it, by one statement. So:

- Two withdrawals, or a withdrawal and the return of a deposit, come one after the other; the second sees what the
  first left. Without the lock the CHECK never_in_debit still refuses to pay more than is there.
- A refund that is being booked takes the same lock. Booked before, it has lowered payable and exposure alike; booked
  after, its claim is still counted.
- An approval reserves and does not touch the accounts, and needs no lock: the request is counted as asked for before
  it and as claimed after it, the same money or less, and one statement sees one or the other.
- A request filed, or a dispute opened, after the exposure was read is not counted. No lock helps: a second later it
  would have come after the withdrawal anyway. What the seller's accounts then cannot pay is advanced, and owed: a
  debt, which stops the next withdrawal and is repaid first by the next settlement.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel import ids
from marketplace.kernel.errors import NotFound, NotPermitted, Refusal, SecondPersonNeeded
from marketplace.ledger.models import Kind
from marketplace.ledger.operations import book, reverse
from marketplace.payments.models import Withdrawal
from marketplace.payments.operations.bearing import lock_funds
from marketplace.payments.operations.seller_funds import (
    MOVE_FUNDS,
    AmountInvalid,
    book_at_bank,
    keep_who,
    require_permission,
)
from sellers.models import Membership, Seller

from ..exposure import exposure, returnable, withdrawable


class AmountNotPayable(Refusal):
    code = "amount_not_payable"
    status = 422
    title = _("The amount must be more than nothing and no more than what is payable.")


class DebtOutstanding(Refusal):
    code = "debt_outstanding"
    title = _("Something is owed to the platform: until it is repaid nothing can be taken out.")


class WithdrawalBlocked(Refusal):
    code = "withdrawal_blocked"
    title = _("Open refunds and disputes may still need this money.")


class WithdrawalDecided(Refusal):
    code = "withdrawal_decided"
    title = _("This withdrawal is decided already.")


class NoteNeeded(Refusal):
    code = "note_needed"
    status = 422
    title = _("Write why: the seller will read it.")


def request_withdrawal(*, user: User, amount: int, currency: str, now: datetime) -> Withdrawal:
    """Set `amount` minor units of the seller's payable aside, to be paid by finance.

    Raises NotPermitted, AmountNotPayable, DebtOutstanding, WithdrawalBlocked.
    """
    seller = _seller_of(user)
    with transaction.atomic(durable=True):
        own = lock_funds(seller.code, currency)
        payable, deposit, debt = own[Kind.PAYABLE], own[Kind.DEPOSIT], own[Kind.DEBT]
        if debt:
            raise DebtOutstanding(debt=debt, currency=currency)
        if not 0 < amount <= payable:
            raise AmountNotPayable(amount=amount, payable=payable, currency=currency)
        exposed = exposure(seller.pk, currency)
        at_most = withdrawable(payable=payable, deposit=deposit, debt=debt, exposure=exposed)
        if amount > at_most:
            raise WithdrawalBlocked(
                amount=amount, withdrawable=at_most, payable=payable, deposit=deposit, exposure=exposed,
                currency=currency,
            )  # fmt: skip
        withdrawal = Withdrawal.objects.create(
            seller=seller, number=ids.number("WD", now), amount=amount, currency=currency,
            requested_by=user, requested_at=now,
        )  # fmt: skip
        book(
            recipe="withdrawal", reference=reference_of(withdrawal), amount=amount, currency=currency,
            occurred_at=now, seller=seller.code,
        )  # fmt: skip
        return withdrawal


def pay_withdrawal(*, number: str, user: User, bank_reference: str, now: datetime) -> Withdrawal:
    """Record that the bank has paid it, under the bank's reference.

    Raises NotPermitted, SecondPersonNeeded, NotFound, WithdrawalDecided, BankReferenceNeeded, BankReferenceUsed.
    """
    with transaction.atomic(durable=True):
        withdrawal = _lock(number, user)
        withdrawal.state, withdrawal.bank_reference = Withdrawal.State.PAID, bank_reference.strip()
        book_at_bank(
            "withdrawal_paid", bank_reference, withdrawal.amount, withdrawal.currency, now,
            seller=withdrawal.seller.code,
        )  # fmt: skip
        return _decide(withdrawal, user, now)


def reject_withdrawal(*, number: str, user: User, note: str, now: datetime) -> Withdrawal:
    """Make the money payable again, and say why. Raises NoteNeeded, and as pay_withdrawal but for the reference."""
    if not note.strip():
        raise NoteNeeded()
    with transaction.atomic(durable=True):
        withdrawal = _lock(number, user)
        withdrawal.state, withdrawal.note = Withdrawal.State.REJECTED, note.strip()
        reverse(reference_of(withdrawal), now)
        return _decide(withdrawal, user, now)


def return_deposit(
    *, seller: Seller, amount: int, currency: str, bank_reference: str, user: User, now: datetime
) -> None:
    """Pay a deposit back, as far as the exposure lets it go.

    Raises NotPermitted, AmountInvalid, DebtOutstanding, WithdrawalBlocked, BankReferenceNeeded, BankReferenceUsed.
    """
    require_permission(user, MOVE_FUNDS)
    with transaction.atomic(durable=True):
        own = lock_funds(seller.code, currency)
        payable, deposit, debt = own[Kind.PAYABLE], own[Kind.DEPOSIT], own[Kind.DEBT]
        if debt:
            raise DebtOutstanding(debt=debt, currency=currency)
        if not 0 < amount <= deposit:
            raise AmountInvalid(_("The deposit is less than that."), amount=amount, deposit=deposit)
        exposed = exposure(seller.pk, currency)
        at_most = returnable(payable=payable, deposit=deposit, debt=debt, exposure=exposed)
        if amount > at_most:
            raise WithdrawalBlocked(
                amount=amount, returnable=at_most, payable=payable, deposit=deposit, exposure=exposed,
                currency=currency,
            )  # fmt: skip
        book_at_bank("deposit_returned", bank_reference, amount, currency, now, seller=seller.code)
        keep_who(user, seller, "deposit_returned", bank_reference, amount, currency, now)


def reference_of(withdrawal: Withdrawal) -> str:
    """Under which the setting aside is booked."""
    return f"withdrawal:{withdrawal.number}"


def _seller_of(user: User) -> Seller:
    membership = Membership.objects.select_related("seller").filter(user=user, user__is_active=True).first()
    if membership is None:
        raise NotPermitted()
    return membership.seller


def _lock(number: str, user: User) -> Withdrawal:
    """The withdrawal, undecided and locked. Who asked for it does not decide it; the database holds that too."""
    require_permission(user, MOVE_FUNDS)
    rows = Withdrawal.objects.select_for_update(of=("self",)).select_related("seller")
    withdrawal = rows.filter(number=number).first()
    if withdrawal is None:
        raise NotFound()
    if withdrawal.state != Withdrawal.State.REQUESTED:
        raise WithdrawalDecided(state=withdrawal.state)
    if withdrawal.requested_by_id == user.pk:
        raise SecondPersonNeeded(_("You asked for this withdrawal: another person must decide it."))
    return withdrawal


def _decide(withdrawal: Withdrawal, user: User, now: datetime) -> Withdrawal:
    withdrawal.decided_by, withdrawal.decided_at = user, now
    withdrawal.save(update_fields=["state", "bank_reference", "note", "decided_by", "decided_at"])
    return withdrawal
