"""What a channel's error means and what to do about it, in plain words: once for the errors people meet."""

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Text
from marketplace.payments.models import Transfer


class Remedy(NamedTuple):
    meaning: Text
    what_to_do: Text


_BY_HAND: Text = _("Ask the buyer for an account in their own name and propose a payout.")
_KEYS: Text = _("Have the keys of this channel set right, then send it again.")
_COMPARE: Text = _(
    "Look the payment up in the channel's own portal. Send it again where nothing was paid back there."
)
_CLOSED = Remedy(_("The account or card the buyer paid with is closed."), _BY_HAND)
_UNPAID = Remedy(_("The channel refuses this refund for good."), _BY_HAND)
_POOR = Remedy(
    _("Our balance at the channel is too small for this refund."),
    _("Have the balance there topped up, then send it again."),
)
_OURS = Remedy(
    _("The channel does not accept the call as we make it: a mistake of ours."),
    _("Tell the people who run this system; once it is mended, send it again."),
)
_ELSEWHERE = Remedy(
    _("The channel has a refund of another amount under our number."),
    _("Do not pay it by hand. Compare with the channel's portal; accounting settles the difference."),
)
_LATER = Remedy(_("The channel had no time for us."), _("Ask it, and send it again where it knows nothing."))
_UNDELIVERED = Remedy(
    _("The channel took our money and could not deliver it to the buyer's bank."),
    _(
        "Ask the channel whether it is paid by now. If not, have it return the money to us, and propose a payout."
    ),
)

# By the code as the channel gives it; Alipay's without what stands before the dot ("ACQ.").
REMEDIES: dict[str, Remedy] = {
    # Ours
    "unreachable": Remedy(
        _("The channel did not answer: the refund may or may not have arrived there."),
        _("Ask the channel. Send it again where it knows nothing of this refund."),
    ),
    "never_arrived": Remedy(
        _("The channel knows no refund of this number, and it is too late to send it again."), _BY_HAND
    ),
    "no_gateway": Remedy(
        _("No keys are set for this channel, or no program speaks to it."),
        _("Have the keys set and send it again. Where there is no gateway, give the channel up and pay by hand."),
    ),
    "identity_needed": Remedy(
        _("Across a border nothing is paid before the buyer's identity is verified."),
        _("Have risk or a supervisor verify the buyer; the money then goes out by itself."),
    ),
    "by_hand": Remedy(_("Money that came by a bank transfer goes back by one."), _BY_HAND),
    "currency": Remedy(
        _("This channel pays no other currency than yuan back."), _("Give the channel up and pay by hand.")
    ),
    "card_closed": _CLOSED,
    "discordant_repeat": _ELSEWHERE,
    "system_error": _LATER,
    # Alipay
    "SELLER_BALANCE_NOT_ENOUGH": _POOR,
    "TRADE_HAS_FINISHED": Remedy(
        _("The payment is too old: the channel's time for refunds is over."), _BY_HAND
    ),
    "TRADE_NOT_ALLOW_REFUND": _UNPAID,
    "TRADE_STATUS_ERROR": _UNPAID,
    "TRADE_NOT_EXIST": Remedy(_("The channel does not know this payment."), _COMPARE),
    "REASON_TRADE_BEEN_FREEZEN": Remedy(
        _("The channel has frozen this payment."), _("Have it thawed in the channel's portal, then send it again.")
    ),
    "REFUND_AMT_NOT_EQUAL_TOTAL": _OURS,
    "REASON_TRADE_REFUND_FEE_ERR": _OURS,
    "INVALID_PARAMETER": _OURS,
    "DISCORDANT_REPEAT_REQUEST": _ELSEWHERE,
    "SYSTEM_ERROR": _LATER,
    "20000": _LATER,
    "40005": _LATER,
    "amount": _ELSEWHERE,
    "dback_status=F": _UNDELIVERED,
    # WeChat Pay
    "NOT_ENOUGH": _POOR,
    "USER_ACCOUNT_ABNORMAL": _CLOSED,
    "CLOSED": _UNPAID,
    "ABNORMAL": _UNDELIVERED,
    "FREQUENCY_LIMITED": _LATER,
    "RATELIMIT_EXCEED": _LATER,
    "INVALID_REQUEST": Remedy(
        _("The channel refuses the number, the amount, or a payment older than a year."), _COMPARE
    ),
    "PARAM_ERROR": _OURS,
    "SIGN_ERROR": Remedy(_("The channel does not accept our signature."), _KEYS),
    "MCH_NOT_EXISTS": Remedy(_("The channel does not know our merchant account."), _KEYS),
    "NO_AUTH": Remedy(_("Our account may not do this at the channel."), _KEYS),
    "RESOURCE_NOT_EXISTS": Remedy(_("The channel does not know this payment."), _COMPARE),
    "OTHER_REFUND": _ELSEWHERE,
    # Stripe
    "balance_insufficient": _POOR,
    "insufficient_funds": _POOR,
    "lost_or_stolen_card": _CLOSED,
    "expired_or_canceled_card": _CLOSED,
    "declined": Remedy(_("The buyer's bank refuses the money."), _BY_HAND),
    "merchant_request": Remedy(_("The refund was called off in the channel's portal."), _BY_HAND),
    "canceled": Remedy(_("The refund was called off in the channel's portal."), _BY_HAND),
    "unknown": _UNPAID,
    "charge_already_refunded": Remedy(_("By the channel's books the payment is paid back already."), _COMPARE),
    "charge_disputed": Remedy(
        _("The buyer went to their bank: a chargeback is open on this payment."),
        _("Wait for the chargeback's outcome. Pay nothing beside it."),
    ),
    "charge_for_pending_refund_disputed": Remedy(
        _("The buyer went to their bank: a chargeback is open on this payment."),
        _("Wait for the chargeback's outcome. Pay nothing beside it."),
    ),
    "other_money": _ELSEWHERE,
}  # fmt: skip
# For a code nobody has described, by the state it left the transfer in.
OTHERWISE: dict[str, Remedy] = {
    Transfer.State.FAILED: _UNPAID,
    Transfer.State.ABNORMAL: _UNDELIVERED,
    Transfer.State.MANUAL: Remedy(
        _("The channel wants something of us before it pays, or nobody knows whether it did."), _COMPARE
    ),
}


def remedy_for(transfer: Transfer) -> Remedy | None:
    """None where nothing is the matter."""
    if transfer.state in (Transfer.State.SUCCEEDED, Transfer.State.CHARGED_BACK):
        return None
    known = REMEDIES.get(transfer.error_code) or REMEDIES.get(transfer.error_code.rpartition(".")[2])
    return known if known and transfer.error_code else OTHERWISE.get(transfer.state)
