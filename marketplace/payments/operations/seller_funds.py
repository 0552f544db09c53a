"""What finance moves for a seller besides refunds and withdrawals: deposits, debts, the fund they are advanced from.

Each movement that shows on a bank statement is booked under the bank's reference ("bank:<reference>"), so that one
line of the statement explains one booking, and the same line entered twice is refused.
"""

from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotPermitted, Refusal
from marketplace.kernel.money import EXPONENTS, MAX_AMOUNT, Money
from marketplace.ledger.models import PLATFORM, Kind
from marketplace.ledger.operations import AlreadyBooked, book, lock_balances
from sellers.models import Seller

from .bearing import lock_funds

MOVE_FUNDS = "payments.move_funds"  # granted in marketplace/identity/roles.py
MAX_REFERENCE = 64  # characters


class AmountInvalid(Refusal):
    code = "amount_invalid"
    status = 422
    title = _("The amount must be more than nothing, in a currency the platform takes.")


class BankReferenceNeeded(Refusal):
    code = "bank_reference_needed"
    status = 422
    title = _("Write the bank's reference of the movement, in at most 64 characters.")


class BankReferenceUsed(Refusal):
    code = "bank_reference_used"
    title = _("This reference is booked already: one line of the bank's statement is one movement.")


class MoreThanOwed(Refusal):
    code = "more_than_owed"
    status = 422
    title = _("The seller owes less than that.")


class AdvanceFundShort(Refusal):
    code = "advance_fund_short"
    title = _("The advance fund does not hold that much. Put money aside first.")


def take_deposit(
    *, seller: Seller, amount: int, currency: str, bank_reference: str, user: User, now: datetime
) -> None:
    """A seller's deposit arrived at the bank.

    Raises NotPermitted, AmountInvalid, BankReferenceNeeded, BankReferenceUsed, as do the others here.
    """
    _check(user, amount, currency)
    with transaction.atomic(durable=True):
        lock_funds(seller.code, currency)
        book_at_bank("deposit", bank_reference, amount, currency, now, seller=seller.code)
        keep_who(user, seller, "deposit", bank_reference, amount, currency, now)


def fund_advance(*, amount: int, currency: str, bank_reference: str, user: User, now: datetime) -> None:
    """The platform puts money aside to advance to buyers (G4)."""
    _check(user, amount, currency)
    with transaction.atomic(durable=True):
        book_at_bank("advance_funded", bank_reference, amount, currency, now)
        keep_who(user, None, "advance_funded", bank_reference, amount, currency, now)


def repay_debt(
    *, seller: Seller, amount: int, currency: str, bank_reference: str, user: User, now: datetime
) -> None:
    """A seller paid back what was advanced. Raises MoreThanOwed too."""
    _check(user, amount, currency)
    with transaction.atomic(durable=True):
        _require_debt(seller, amount, currency)
        book_at_bank("debt_repaid", bank_reference, amount, currency, now, seller=seller.code)
        keep_who(user, seller, "debt_repaid", bank_reference, amount, currency, now)


def write_off_debt(
    *, seller: Seller, amount: int, currency: str, decision: str, user: User, now: datetime
) -> None:
    """Give up what a seller owes, out of the advance fund; `decision` is the number under which that was decided.

    Raises MoreThanOwed, AdvanceFundShort too.
    """
    _check(user, amount, currency)
    with transaction.atomic(durable=True):
        _require_debt(seller, amount, currency)
        fund = lock_balances([Kind.ADVANCE], PLATFORM, currency)[Kind.ADVANCE]
        if amount > fund:
            raise AdvanceFundShort(amount=amount, available=fund)
        _book(
            "debt_written_off",
            f"write_off:{_reference(decision)}",
            amount,
            currency,
            now,
            seller=seller.code,
        )
        keep_who(user, seller, "debt_written_off", decision, amount, currency, now)


def book_at_bank(
    recipe: str, bank_reference: str, amount: int, currency: str, now: datetime, seller: str = ""
) -> None:
    """Book a line of the bank's statement, inside the caller's transaction.

    Raises BankReferenceNeeded, BankReferenceUsed.
    """
    _book(recipe, f"bank:{_reference(bank_reference)}", amount, currency, now, seller)


def keep_who(
    user: User, seller: Seller | None, recipe: str, reference: str, amount: int, currency: str, now: datetime
) -> None:
    """Keep with the booking, which names no person, who made it; shown on the seller's page."""
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(Seller),
        object_id=str(seller.pk) if seller else None,
        object_repr=str(seller or PLATFORM)[:200],
        action_flag=CHANGE,
        change_message=f"{recipe} {Money(amount, currency)} {reference.strip()}",
        action_time=now,
    )


def require_permission(user: User, permission: str) -> None:
    """Raises NotPermitted."""
    if not user.has_perm(permission):
        raise NotPermitted(_("Your role may not move money."))


def _check(user: User, amount: int, currency: str) -> None:
    require_permission(user, MOVE_FUNDS)
    if currency not in EXPONENTS or not 0 < amount <= MAX_AMOUNT:
        raise AmountInvalid(amount=amount, currency=currency)


def _require_debt(seller: Seller, amount: int, currency: str) -> None:
    owed = lock_funds(seller.code, currency)[Kind.DEBT]
    if amount > owed:
        raise MoreThanOwed(amount=amount, owed=owed)


def _reference(typed: str) -> str:
    typed = typed.strip()
    if not 0 < len(typed) <= MAX_REFERENCE:
        raise BankReferenceNeeded()
    return typed


def _book(recipe: str, reference: str, amount: int, currency: str, now: datetime, seller: str = "") -> None:
    try:
        book(
            recipe=recipe,
            reference=reference,
            amount=amount,
            currency=currency,
            occurred_at=now,
            seller=seller,
        )
    except AlreadyBooked as error:
        raise BankReferenceUsed() from error
