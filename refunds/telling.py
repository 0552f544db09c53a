"""Who is told of which move, on one screen. transitions.py queues a job for those that tell somebody.

Topics and their texts stand in marketplace/notices/; operations/tell.py puts the two together.
"""

from marketplace.notices.topics import RecipientKind

BUYER, SELLER = RecipientKind.BUYER, RecipientKind.SELLER

Tells = tuple[tuple[RecipientKind, str], ...]
NOBODY: Tells = ()


def _both(topic: str) -> Tells:
    return ((BUYER, topic), (SELLER, topic))


TELLS: dict[str, Tells] = {
    "file": ((BUYER, "request_filed"),),
    "precheck": NOBODY,  # what it comes to is told
    "policy_approve": _both("approved"),
    "policy_reject": ((BUYER, "rejected"),),
    "policy_ask_seller": ((BUYER, "seller_asked"), (SELLER, "seller_to_answer")),
    "policy_review": ((BUYER, "with_reviewer"),),
    "agree": ((BUYER, "approved"),),
    "agree_for_check": ((BUYER, "with_reviewer"),),
    "refuse": ((BUYER, "with_reviewer"),),
    "offer": ((BUYER, "offer_made"),),
    "seller_silent": _both("with_reviewer"),
    "take_over": _both("with_reviewer"),
    "accept_offer": _both("approved"),
    "accept_offer_for_check": _both("with_reviewer"),
    "confirm_replacement": _both("replaced"),
    "decline_offer": _both("with_reviewer"),
    "buyer_silent": _both("with_reviewer"),
    "promise_broken": _both("promise_broken"),
    "approve": _both("approved"),
    "reject": _both("rejected"),
    "ask_evidence": ((BUYER, "evidence_wanted"),),
    "refer": _both("in_arbitration"),
    "give_evidence": ((BUYER, "with_reviewer"),),
    "resume": ((BUYER, "with_reviewer"),),
    "evidence_overdue": ((BUYER, "with_reviewer"),),
    "reapply": ((BUYER, "request_filed"),),
    "request_person": _both("with_reviewer"),
    "hear_appeal": _both("appeal_heard"),
    "escalate": _both("in_arbitration"),
    "rule_for_buyer": _both("approved"),
    "rule_for_seller": _both("rejected"),
    "pay": NOBODY,  # it was told when it was approved
    "settle": _both("refunded"),
    "charged_back": _both("charged_back"),
    "come_back": ((BUYER, "payment_came_back"),),
    "freeze": _both("with_reviewer"),
    "settle_sealed": _both("sealed_settled"),
    "settle_sealed_for_check": _both("with_reviewer"),
    "withdraw": _both("withdrawn"),
}
# Of ask_evidence, where it asked the seller: the buyer has nothing to do, and sees the clock in the case.
ASKED_OF_SELLER: Tells = ((SELLER, "evidence_wanted"),)
TOLD = frozenset(event for event, tells in TELLS.items() if tells)
