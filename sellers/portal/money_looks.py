"""How a seller's money is named: the parts of it, the accounts of a statement, its movements, withdrawals."""

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Text
from marketplace.ledger.models import Kind
from marketplace.payments.models import Withdrawal

from .looks import Look

# The bar, from left to right: the way money takes.
PARTS: dict[str, tuple[Text, Text]] = {
    "escrow": (
        _("In escrow"),
        _(
            "Paid by buyers. It becomes yours once an order is completed, its hold has passed and nobody contests it."
        ),
    ),
    "held": (_("Yours, held"), _("Held for open refunds and disputes, or until what you owe is repaid.")),
    "free": (_("Yours, can be taken out"), _("Ask for it at any time.")),
    "withdrawing": (_("On its way to you"), _("You asked for it; finance pays it to your bank account.")),
}

# What a statement can be of.
ACCOUNTS: dict[str, Text] = {
    Kind.PAYABLE: _("Yours (settled)"),
    Kind.ESCROW: _("Escrow"),
    Kind.WITHDRAWING: _("On its way to you"),
    Kind.DEPOSIT: _("Deposit"),
    Kind.DEBT: _("Owed to the platform"),
}

# One for each recipe that touches a seller's account, and for what may be reversed (held by a test).
MOVEMENTS: dict[str, Text] = {
    "capture": _("Payment by a buyer"),
    "refund": _("Refund to a buyer"),
    "payout": _("Refund to a buyer by bank transfer"),
    "settlement": _("Settlement"),
    "withdrawal": _("Withdrawal asked for"),
    "withdrawal_paid": _("Withdrawal paid"),
    "deposit": _("Deposit paid in"),
    "deposit_returned": _("Deposit returned"),
    "debt_repaid": _("Debt repaid"),
    "debt_reopened": _("Repaid debt given back"),
    "debt_written_off": _("Debt written off"),
    "chargeback_lost": _("Chargeback decided for the buyer"),
    "chargeback_fee": _("Chargeback fee"),
    "chargeback_borne": _("Chargeback of a refund that failed"),
    "appeal_won": _("Your appeal was right: made good by the platform"),
    "reversal": _("Correction"),
    "reversal:refund": _("Refund that came back"),
    "reversal:withdrawal": _("Withdrawal rejected"),
}

WITHDRAWALS: dict[str, Look] = {
    Withdrawal.State.REQUESTED: Look("clock", "info", Withdrawal.State.REQUESTED.label),
    Withdrawal.State.PAID: Look("check", "good", Withdrawal.State.PAID.label),
    Withdrawal.State.REJECTED: Look("cross", "bad", Withdrawal.State.REJECTED.label),
}
