"""How states, results and moves look to a seller: an icon, a tone and words, declared once."""

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Text
from marketplace.notices.models import DeliveryState
from marketplace.payments.models import Transfer
from refunds.machine import Party, State
from refunds.models import OfferAnswer


class Look(NamedTuple):
    icon: str  # in static/portal/icons.svg
    tone: str  # calm | info | warn | bad | good, a class of portal.css
    word: Text
    meaning: Text = ""  # what it asks of the seller


STATES: dict[str, Look] = {
    State.SUBMITTED: Look("search", "info", State.SUBMITTED.label,
        _("The request is new and is checked by the rules within seconds. You need do nothing yet.")),
    State.PRECHECKING: Look("search", "info", State.PRECHECKING.label,
        _("The rules are being applied. You need do nothing yet.")),
    State.AWAITING_SELLER: Look("reply", "warn", _("Waiting for you"),
        _("The buyer and the platform wait for your answer.")),
    State.AWAITING_BUYER: Look("person", "info", State.AWAITING_BUYER.label,
        _("The buyer decides about your offer. You need do nothing but keep a promise you made.")),
    State.AWAITING_EVIDENCE: Look("file", "info", State.AWAITING_EVIDENCE.label,
        _("The reviewer asked the buyer for evidence. What you add below as a message is read too.")),
    State.MANUAL_REVIEW: Look("scales", "info", State.MANUAL_REVIEW.label,
        _("A reviewer of the platform decides. What you add below as a message is read before the decision.")),
    State.ARBITRATION: Look("scales", "info", State.ARBITRATION.label,
        _("An arbiter decides with reasons. What you add below as a message is read before the ruling.")),
    State.APPROVED: Look("check", "good", State.APPROVED.label,
        _("The refund is approved and its money reserved. It goes back to the buyer by the way it was paid.")),
    State.REFUNDING: Look("money", "good", State.REFUNDING.label,
        _("The payment channel is returning the money to the buyer. You need do nothing.")),
    State.REFUNDED: Look("check", "good", State.REFUNDED.label, _("The money is back with the buyer.")),
    State.REPLACED: Look("check", "good", State.REPLACED.label, _("The buyer confirmed that you delivered what you offered.")),
    State.REJECTED: Look("cross", "bad", State.REJECTED.label,
        _("The request was rejected; no money goes back. The buyer may apply again or ask for a person.")),
    State.WITHDRAWN: Look("undo", "calm", State.WITHDRAWN.label, _("The buyer took the request back.")),
}  # fmt: skip

AGREED_ABOVE_LIMIT = Look("clock", "good", _("Agreed, being confirmed"),
    _("You agreed. A member of staff confirms it, then the money goes back. You need do nothing."))  # fmt: skip

ASKED_FOR_EVIDENCE = Look("reply", "warn", _("Evidence asked of you"),
    _("A reviewer waits for something from you. A file or a message of yours answers it."))  # fmt: skip

RESULTS: dict[str, Look] = {
    "met": Look("check", "good", _("Met")),
    "unmet": Look("cross", "bad", _("Not met")),
    "unknown": Look("question", "warn", _("Unknown")),
}

USES: dict[str, Look] = {
    "unused": Look("check", "good", _("Unused")),
    "seen": Look("eye", "warn", _("Seen, use unproven")),
    "suspected": Look("question", "warn", _("Use suspected")),
    "used": Look("cross", "bad", _("Used")),
}

TRANSFERS: dict[str, Look] = {
    Transfer.State.QUEUED: Look("clock", "info", Transfer.State.QUEUED.label),
    Transfer.State.SENDING: Look("money", "info", Transfer.State.SENDING.label),
    Transfer.State.PENDING: Look("clock", "info", Transfer.State.PENDING.label),
    Transfer.State.SUCCEEDED: Look("check", "good", Transfer.State.SUCCEEDED.label),
    Transfer.State.FAILED: Look("person", "warn", _("Being handled by finance")),
    Transfer.State.ABNORMAL: Look("person", "warn", _("Being handled by finance")),
    Transfer.State.MANUAL: Look("person", "warn", _("Being handled by finance")),
    Transfer.State.CHARGED_BACK: Look("person", "calm", Transfer.State.CHARGED_BACK.label),
    Transfer.State.CANCELLED: Look("cross", "calm", Transfer.State.CANCELLED.label),
}

OFFERS: dict[str, Look] = {
    "open": Look("clock", "info", _("Open")),
    OfferAnswer.ACCEPTED: Look("check", "good", OfferAnswer.ACCEPTED.label),
    OfferAnswer.DECLINED: Look("cross", "bad", OfferAnswer.DECLINED.label),
    OfferAnswer.LAPSED: Look("undo", "calm", OfferAnswer.LAPSED.label),
    OfferAnswer.KEPT: Look("check", "good", OfferAnswer.KEPT.label),
    OfferAnswer.BROKEN: Look("alarm", "bad", OfferAnswer.BROKEN.label),
}

DELIVERIES: dict[str, Look] = {
    DeliveryState.QUEUED: Look("clock", "info", DeliveryState.QUEUED.label),
    DeliveryState.SENT: Look("check", "good", DeliveryState.SENT.label),
    DeliveryState.FAILED: Look("cross", "bad", DeliveryState.FAILED.label),
    DeliveryState.DEAD: Look("cross", "bad", DeliveryState.DEAD.label),
}

# What happened, as a line of the time-line; one for each event of machine.EDGES (held by a test).
EVENTS: dict[str, Text] = {
    "file": _("The buyer filed the request"),
    "precheck": _("Check begun"),
    "policy_approve": _("Approved by the rules"),
    "policy_reject": _("Rejected by the rules"),
    "policy_ask_seller": _("You were asked for an answer"),
    "policy_review": _("Handed to a person by the rules"),
    "agree": _("You agreed to the refund"),
    "agree_for_check": _("You agreed to the refund; staff confirms it"),
    "refuse": _("You refused the refund"),
    "offer": _("You made an offer"),
    "seller_silent": _("You did not answer in time; the platform stepped in"),
    "take_over": _("The platform took the case over"),
    "accept_offer": _("The buyer accepted the offer"),
    "accept_offer_for_check": _("The buyer accepted the offer; staff confirms it"),
    "confirm_replacement": _("The buyer confirmed the replacement"),
    "decline_offer": _("The buyer declined the offer"),
    "buyer_silent": _("The buyer did not answer in time"),
    "promise_broken": _("The day you promised passed unconfirmed; the platform stepped in"),
    "approve": _("The refund was approved"),
    "reject": _("The request was rejected"),
    "ask_evidence": _("The buyer was asked for evidence"),
    "refer": _("Referred to arbitration"),
    "give_evidence": _("Material was added"),
    "resume": _("The review went on"),
    "evidence_overdue": _("The evidence did not come in time"),
    "reapply": _("The buyer applied again"),
    "request_person": _("The buyer asked for a person"),
    "hear_appeal": _("An appeal was admitted"),
    "escalate": _("Escalated to arbitration"),
    "rule_for_buyer": _("The ruling is for the buyer"),
    "rule_for_seller": _("The ruling is for you"),
    "pay": _("The refund was handed to the payment channel"),
    "settle": _("The money was paid back"),
    "charged_back": _("The buyer has the money by a chargeback"),
    "come_back": _("The refund came back from the payment channel"),
    "freeze": _("Frozen: the buyer went to the payment channel"),
    "settle_sealed": _("Settled: the sealed offers met"),
    "settle_sealed_for_check": _("The sealed offers met; staff confirms it"),
    "withdraw": _("The buyer withdrew the request"),
}

# In place of EVENTS["file"], where it was not the buyer.
FILED_BY: dict[str, Text] = {
    Party.SELLER: _("You filed the request for the buyer"),
    Party.SYSTEM: _("The platform filed the request by itself"),
}
FILED_BY_STAFF = _("The platform filed the request for the buyer")
YOU_WERE_ASKED: Text = _("You were asked for evidence")
