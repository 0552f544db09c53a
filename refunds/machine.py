"""The whole machine on one screen: the states of a refund request, its moves, who makes each, and its clocks.

Everything else is generated from these tables: the database constraint on transitions, the buttons, the API's
list of moves allowed, the diagram in docs/machine.md, and the test over every state x event x actor.
"""

from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    SUBMITTED = "submitted", _("Submitted")
    PRECHECKING = "prechecking", _("Being checked")
    AWAITING_SELLER = "awaiting_seller", _("Waiting for the seller")
    AWAITING_BUYER = "awaiting_buyer", _("Waiting for the buyer")
    AWAITING_EVIDENCE = "awaiting_evidence", _("Waiting for evidence")
    MANUAL_REVIEW = "manual_review", _("With a reviewer")
    ARBITRATION = "arbitration", _("In arbitration")
    APPROVED = "approved", _("Approved")
    REFUNDING = "refunding", _("Being paid back")
    REFUNDED = "refunded", _("Paid back")
    REPLACED = "replaced", _("Replaced")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Party(models.TextChoices):
    """Who acts. Staff act in their role; the machine itself is SYSTEM."""

    SYSTEM = "system", _("System")
    BUYER = "buyer", _("Buyer")
    SELLER = "seller", _("Seller")
    SUPPORT = "support", _("Support")
    REVIEWER = "reviewer", _("Reviewer")
    SUPERVISOR = "supervisor", _("Supervisor")
    ARBITER = "arbiter", _("Arbiter")


S, P = State, Party
JUDGES = frozenset({P.REVIEWER, P.SUPERVISOR})
NEW = ""  # the source of the first transition

# A request in one of these holds its units: no second one may be opened for them (requirement C4).
OPEN = frozenset(State) - {S.REFUNDED, S.REPLACED, S.REJECTED, S.WITHDRAWN}
PAYABLE = frozenset({S.APPROVED, S.REFUNDING, S.REFUNDED})  # money is reserved or gone
WITHDRAWABLE = (
    S.SUBMITTED,
    S.PRECHECKING,
    S.AWAITING_SELLER,
    S.AWAITING_BUYER,
    S.AWAITING_EVIDENCE,
    S.MANUAL_REVIEW,
)
# Where a judge has the case in hand, or nobody has (operations/hold.py). Who holds it is no state.
HOLDABLE = frozenset({S.MANUAL_REVIEW, S.ARBITRATION})
SEALABLE = (S.AWAITING_SELLER, S.AWAITING_BUYER, S.MANUAL_REVIEW)  # while the two sides may still settle it


class Edge(NamedTuple):
    event: str
    source: str
    target: str
    by: frozenset[Party]


def _edge(event: str, source: str, target: str, *by: Party) -> Edge:
    return Edge(event, source, target, frozenset(by))


EDGES: tuple[Edge, ...] = (
    _edge("file", NEW, S.SUBMITTED, P.BUYER, P.SELLER, P.SYSTEM, P.SUPPORT, *JUDGES),
    _edge("precheck", S.SUBMITTED, S.PRECHECKING, P.SYSTEM),
    _edge("policy_approve", S.PRECHECKING, S.APPROVED, P.SYSTEM),
    _edge("policy_reject", S.PRECHECKING, S.REJECTED, P.SYSTEM),
    _edge("policy_ask_seller", S.PRECHECKING, S.AWAITING_SELLER, P.SYSTEM),
    _edge("policy_review", S.PRECHECKING, S.MANUAL_REVIEW, P.SYSTEM),
    _edge("agree", S.AWAITING_SELLER, S.APPROVED, P.SELLER),
    _edge("agree_for_check", S.AWAITING_SELLER, S.MANUAL_REVIEW, P.SELLER),  # above the two-person limit
    _edge("refuse", S.AWAITING_SELLER, S.MANUAL_REVIEW, P.SELLER),
    _edge("offer", S.AWAITING_SELLER, S.AWAITING_BUYER, P.SELLER),
    _edge("seller_silent", S.AWAITING_SELLER, S.MANUAL_REVIEW, P.SYSTEM),
    _edge("take_over", S.AWAITING_SELLER, S.MANUAL_REVIEW, *JUDGES),
    _edge("accept_offer", S.AWAITING_BUYER, S.APPROVED, P.BUYER),
    _edge("accept_offer_for_check", S.AWAITING_BUYER, S.MANUAL_REVIEW, P.BUYER),  # above the two-person limit
    _edge("confirm_replacement", S.AWAITING_BUYER, S.REPLACED, P.BUYER),
    _edge("decline_offer", S.AWAITING_BUYER, S.MANUAL_REVIEW, P.BUYER),
    _edge("buyer_silent", S.AWAITING_BUYER, S.MANUAL_REVIEW, P.SYSTEM),
    _edge("promise_broken", S.AWAITING_BUYER, S.MANUAL_REVIEW, P.SYSTEM),  # its day passed unconfirmed (F2)
    _edge("approve", S.MANUAL_REVIEW, S.APPROVED, *JUDGES),
    _edge("reject", S.MANUAL_REVIEW, S.REJECTED, *JUDGES),
    _edge("ask_evidence", S.MANUAL_REVIEW, S.AWAITING_EVIDENCE, *JUDGES),
    _edge("refer", S.MANUAL_REVIEW, S.ARBITRATION, *JUDGES),
    _edge("give_evidence", S.AWAITING_EVIDENCE, S.MANUAL_REVIEW, P.BUYER, P.SELLER),
    _edge("resume", S.AWAITING_EVIDENCE, S.MANUAL_REVIEW, *JUDGES),
    _edge("evidence_overdue", S.AWAITING_EVIDENCE, S.MANUAL_REVIEW, P.SYSTEM),
    _edge("reapply", S.REJECTED, S.SUBMITTED, P.BUYER),
    _edge("request_person", S.REJECTED, S.MANUAL_REVIEW, P.BUYER),
    _edge("hear_appeal", S.REJECTED, S.MANUAL_REVIEW, P.SUPERVISOR),
    _edge("escalate", S.REJECTED, S.ARBITRATION, P.SUPERVISOR),
    _edge("rule_for_buyer", S.ARBITRATION, S.APPROVED, P.ARBITER, P.SUPERVISOR),
    _edge("rule_for_seller", S.ARBITRATION, S.REJECTED, P.ARBITER, P.SUPERVISOR),
    _edge("pay", S.APPROVED, S.REFUNDING, P.SYSTEM),
    _edge("settle", S.REFUNDING, S.REFUNDED, P.SYSTEM),
    _edge("charged_back", S.REFUNDING, S.REFUNDED, P.SYSTEM),  # the rest of it by a chargeback that was lost (H1)
    _edge("come_back", S.REFUNDED, S.REFUNDING, P.SYSTEM),  # the channel undid a refund that had arrived (G6)
    _edge("freeze", S.AWAITING_SELLER, S.MANUAL_REVIEW, P.SYSTEM),  # a chargeback came in (H1)
    _edge("freeze", S.AWAITING_BUYER, S.MANUAL_REVIEW, P.SYSTEM),
    _edge("freeze", S.APPROVED, S.MANUAL_REVIEW, P.SYSTEM),  # nothing was sent yet, and now nothing will be
    *(_edge("settle_sealed", state, S.APPROVED, P.SYSTEM) for state in SEALABLE),  # sealed offers overlap (F3)
    *(_edge("settle_sealed_for_check", state, S.MANUAL_REVIEW, P.SYSTEM) for state in SEALABLE),
    *(_edge("withdraw", state, S.WITHDRAWN, P.BUYER) for state in WITHDRAWABLE),
)  # fmt: skip

BY_MOVE = {(edge.event, edge.source): edge for edge in EDGES}
EVENTS = tuple(dict.fromkeys(edge.event for edge in EDGES))
TARGET = {edge.event: edge.target for edge in EDGES}  # an event always leads to the same state


class Clock(models.TextChoices):
    """What a running deadline waits for."""

    ARRIVAL_WAIT = "arrival_wait", _("Payment may still arrive")
    SELLER_REPLY = "seller_reply", _("Seller's answer")
    BUYER_REPLY = "buyer_reply", _("Buyer's answer")
    PROMISE = "promise", _("Seller's promise")
    EVIDENCE = "evidence", _("Evidence")
    REVIEW = "review", _("Decision by a reviewer")
    ARBITRATION = "arbitration", _("Ruling")
    PAYOUT = "payout", _("Money back")
    FIRST_REPLY = "first_reply", _("First word of a person")


# The clock that starts with a state; its length is a policy term (clocks.py).
CLOCKS = {
    S.AWAITING_SELLER: Clock.SELLER_REPLY,
    S.AWAITING_BUYER: Clock.BUYER_REPLY,
    S.AWAITING_EVIDENCE: Clock.EVIDENCE,
    S.MANUAL_REVIEW: Clock.REVIEW,
    S.ARBITRATION: Clock.ARBITRATION,
    S.REFUNDING: Clock.PAYOUT,
}
# Leaving one of these, the clock that was stopped goes on with what it had left (E7).
STOPS_THE_CLOCK = frozenset({S.AWAITING_EVIDENCE})

# What the machine does when a clock runs out. A reviewer's clock runs out into the supervisor's view (E9).
ON_OVERDUE = {
    S.AWAITING_SELLER: "seller_silent",
    S.AWAITING_BUYER: "buyer_silent",
    S.AWAITING_EVIDENCE: "evidence_overdue",
}
# Where another clock than the state's usual one has run.
ON_OVERDUE_OF_CLOCK = {Clock.PROMISE: "promise_broken"}


def moves_from(state: str, party: str | None = None) -> list[Edge]:
    """The edges that leave a state, those open to `party` alone where one is given."""
    return [edge for edge in EDGES if edge.source == state and (party is None or party in edge.by)]
