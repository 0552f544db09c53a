"""What codes of a case are called in a notice: why it is with a reviewer, whom it waits for, who spoke, what a rule is."""

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Text

# Why a case is with a reviewer, by the move that took it there; moves are codes of the case's history.
WHY: dict[str, Text] = {
    "policy_review": _("The rules leave it to a person."),
    "agree_for_check": _("The seller agreed; above this amount a second person confirms it."),
    "refuse": _("The seller refused and gave a ground."),
    "seller_silent": _("The seller did not answer in time."),
    "take_over": _("The platform took it over from the seller."),
    "accept_offer_for_check": _("The offer was accepted; above this amount a second person confirms it."),
    "decline_offer": _("The seller's offer was declined."),
    "buyer_silent": _("The seller's offer was not answered in time."),
    "give_evidence": _("What was asked for has come in."),
    "resume": _("The review goes on with what is there."),
    "evidence_overdue": _("What was asked for did not come in time."),
    "request_person": _("You asked for a person."),
    "settle_sealed_for_check": _("The sealed offers met; above this amount a second person confirms it."),
    "freeze": _("A complaint or chargeback came in through the payment channel."),
}
WAITS_FOR: dict[str, Text] = {
    "submitted": _("It waits to be checked."),
    "prechecking": _("It is being checked."),
    "awaiting_seller": _("It waits for the seller's answer."),
    "awaiting_buyer": _("It waits for the buyer's answer."),
    "awaiting_evidence": _("It waits for the evidence asked for."),
    "manual_review": _("It waits for a reviewer's decision."),
    "arbitration": _("It waits for the arbiter's ruling."),
    "approved": _("It is approved, and the money is about to be sent."),
    "refunding": _("The payment channel is returning the money."),
}
AUTHORS: dict[str, Text] = {
    "buyer": _("It is from the buyer."),
    "seller": _("It is from the seller."),
    "support": _("It is from the platform."),
    "reviewer": _("It is from the platform."),
    "supervisor": _("It is from the platform."),
    "arbiter": _("It is from the platform."),
}
RULES: dict[str, Text] = {
    "duplicate": _("there is an open request for this, or it was paid back already"),
    "paid": _("the payment"),
    "window": _("the time in which a refund may be asked for"),
    "arrival_wait": _("the time a payment takes to arrive"),
    "usage": _("whether the goods were used"),
    "promo": _("use of bonus coins"),
    "reason": _("the reason given"),
    "fault": _("who is at fault"),
    "records": _("the records of payment and delivery"),
    "evidence": _("the evidence"),
    "amount": _("the amount"),
    "region": _("the law of the buyer's region"),
    "cross_border": _("the identity check of cross-border orders"),
    "risk": _("signs of risk"),
    "seller_promise": _("what the seller promised"),
}
# About the buyer's person, not about the goods: no business of the seller's.
RULES_ABOUT_THE_BUYER = frozenset({"risk", "cross_border"})
