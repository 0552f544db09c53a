"""What happened, in words that suit every reader; one for each event of machine.EDGES (held by a test)."""

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Text

EVENTS: dict[str, Text] = {
    "file": _("Request filed"),
    "precheck": _("Check begun"),
    "policy_approve": _("Approved by the policy"),
    "policy_reject": _("Rejected by the policy"),
    "policy_ask_seller": _("Seller asked"),
    "policy_review": _("Handed to a person by the policy"),
    "agree": _("Seller agreed"),
    "agree_for_check": _("Seller agreed; a person checks"),
    "refuse": _("Seller refused"),
    "offer": _("Seller made an offer"),
    "seller_silent": _("Seller did not answer in time"),
    "take_over": _("Taken over from the seller"),
    "accept_offer": _("Buyer accepted the offer"),
    "accept_offer_for_check": _("Buyer accepted the offer; a person checks"),
    "confirm_replacement": _("Buyer confirmed the replacement"),
    "decline_offer": _("Buyer declined the offer"),
    "buyer_silent": _("Buyer did not answer in time"),
    "promise_broken": _("Seller's promise was not kept in time"),
    "approve": _("Approved"),
    "reject": _("Rejected"),
    "ask_evidence": _("Evidence asked for"),
    "refer": _("Referred to arbitration"),
    "give_evidence": _("Evidence given"),
    "resume": _("Review resumed"),
    "evidence_overdue": _("Evidence did not come in time"),
    "reapply": _("Applied again"),
    "request_person": _("Buyer asked for a person"),
    "hear_appeal": _("Appeal admitted"),
    "escalate": _("Escalated to arbitration"),
    "rule_for_buyer": _("Ruling for the buyer"),
    "rule_for_seller": _("Ruling for the seller"),
    "pay": _("Payment begun"),
    "settle": _("Paid back"),
    "charged_back": _("Paid by a chargeback"),
    "come_back": _("The refund came back from the channel"),
    "freeze": _("Frozen: the buyer went to the payment channel"),
    "settle_sealed": _("Settled: the sealed offers met"),
    "settle_sealed_for_check": _("The sealed offers met; a person checks"),
    "withdraw": _("Withdrawn by the buyer"),
}

# Conditions a product page may state (requirement B6), and how the case shows them.
TERMS: dict[str, Text] = {
    "window_days": _("Refund may be asked for within (days)"),
    "no_reason_days": _("Refund without a reason within (days)"),
    "unused_within_hours": _("Only while unused, within (hours)"),
    "not_bound_to_account": _("Only while not bound to an account"),
}

# Where the goods went. What is not listed stays hidden, so that no contact data gets here under a new name.
TARGETS: dict[str, Text] = {
    "account": _("Game account"),
    "user_id": _("User ID"),
    "server": _("Server"),
    "package": _("Package"),
    "balance_before": _("Balance before"),
    "balance_after": _("Balance after"),
    "troubleshooting": _("Tried by the buyer"),
}
# Of the payment: the buyer's own, and the platform's to compare.
PAYMENT_DETAILS: dict[str, Text] = {
    "payment_method": _("Payment method"),
    "exact_amount": _("Exact amount"),
    "card_last4": _("Card, last four"),
    "channel_reference": _("Channel's reference"),
}

RESULTS: dict[str, Text] = {"met": _("Met"), "unmet": _("Not met"), "unknown": _("Unknown")}
OUTCOMES: dict[str, Text] = {
    "approve": _("Approve"),
    "reject": _("Reject"),
    "ask_seller": _("Ask the seller"),
    "review": _("A person decides"),
    "wait": _("Wait"),
}
