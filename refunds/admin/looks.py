"""How states, moves and findings look: an icon, a tone and words, declared once. Colour never speaks alone."""

from typing import NamedTuple

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Text
from marketplace.orders.goods import EventType
from marketplace.payments.models import Transfer
from marketplace.payments.operations.stuck import is_held
from marketplace.risk.models import Dispute
from refunds.faults import Outcome
from refunds.machine import Party, State
from refunds.models import (
    Appeal,
    BacktestRun,
    BulkOutcome,
    OfferAnswer,
    PolicyDraft,
    ProviderAnswer,
    ProviderCheck,
)

NOBODY: Text = "–"


class Look(NamedTuple):
    icon: str
    tone: str  # calm | info | warn | bad | good, a class of desk.css
    word: Text


class StateLook(NamedTuple):
    icon: str
    tone: str
    waits_for: Text


STATES: dict[str, StateLook] = {
    State.SUBMITTED: StateLook("inbox", "info", _("System")),
    State.PRECHECKING: StateLook("rule", "info", _("System")),
    State.AWAITING_SELLER: StateLook("storefront", "info", _("Seller")),
    State.AWAITING_BUYER: StateLook("person", "info", _("Buyer")),
    State.AWAITING_EVIDENCE: StateLook("attach_file", "info", _("Buyer")),
    State.MANUAL_REVIEW: StateLook("gavel", "warn", _("Reviewer")),
    State.ARBITRATION: StateLook("balance", "warn", _("Arbiter")),
    State.APPROVED: StateLook("check", "good", _("Payment channel")),
    State.REFUNDING: StateLook("payments", "good", _("Payment channel")),
    State.REFUNDED: StateLook("check_circle", "good", NOBODY),
    State.REPLACED: StateLook("swap_horiz", "good", NOBODY),
    State.REJECTED: StateLook("block", "bad", NOBODY),
    State.WITHDRAWN: StateLook("undo", "calm", NOBODY),
}

RESULTS: dict[str, Look] = {
    "met": Look("check_circle", "good", _("Met")),
    "unmet": Look("cancel", "bad", _("Not met")),
    "unknown": Look("help", "warn", _("Unknown")),
}

BACKTESTS: dict[str, Look] = {
    BacktestRun.State.QUEUED: Look("hourglass_empty", "calm", BacktestRun.State.QUEUED.label),
    BacktestRun.State.RUNNING: Look("progress_activity", "info", BacktestRun.State.RUNNING.label),
    BacktestRun.State.DONE: Look("check_circle", "good", BacktestRun.State.DONE.label),
    BacktestRun.State.FAILED: Look("error", "bad", BacktestRun.State.FAILED.label),
    BacktestRun.State.CANCELLED: Look("cancel", "warn", BacktestRun.State.CANCELLED.label),
}

OUTCOMES: dict[str, Look] = {
    "approve": Look("check_circle", "good", _("Approve")),
    "reject": Look("cancel", "bad", _("Reject")),
    "ask_seller": Look("storefront", "info", _("Ask the seller")),
    "review": Look("gavel", "warn", _("A person decides")),
    "wait": Look("hourglass_empty", "info", _("Wait")),
}

JUDGED: dict[str, Look] = {
    Outcome.APPROVE: Look("check_circle", "good", Outcome.APPROVE.label),
    Outcome.PART: Look("incomplete_circle", "good", Outcome.PART.label),
    Outcome.REJECT: Look("block", "bad", Outcome.REJECT.label),
}

ANSWERS: dict[str, Look] = {
    ProviderAnswer.CREDITED: Look(
        "check_circle", "warn", ProviderAnswer.CREDITED.label
    ),  # used: against the buyer
    ProviderAnswer.NOT_CREDITED: Look("cancel", "good", ProviderAnswer.NOT_CREDITED.label),
    ProviderAnswer.UNKNOWN: Look("help", "calm", ProviderAnswer.UNKNOWN.label),
}
OFFERS: dict[str, Look] = {
    OfferAnswer.ACCEPTED: Look("check_circle", "good", OfferAnswer.ACCEPTED.label),
    OfferAnswer.DECLINED: Look("cancel", "bad", OfferAnswer.DECLINED.label),
    OfferAnswer.LAPSED: Look("hourglass_disabled", "calm", OfferAnswer.LAPSED.label),
    OfferAnswer.KEPT: Look("check_circle", "good", OfferAnswer.KEPT.label),
    OfferAnswer.BROKEN: Look("report", "bad", OfferAnswer.BROKEN.label),
}
ASKING = Look("hourglass_empty", "info", _("Asked, not answered yet"))
UNANSWERED = Look("report", "warn", _("No answer; ask by letter"))

USES: dict[str, Look] = {
    "unused": Look("check_circle", "good", _("Unused")),
    "seen": Look("visibility", "warn", _("Seen, use unproven")),
    "suspected": Look("help", "warn", _("Use suspected")),
    "used": Look("cancel", "bad", _("Used")),
}

TRANSFERS: dict[str, Look] = {
    Transfer.State.QUEUED: Look("schedule", "info", Transfer.State.QUEUED.label),
    Transfer.State.SENDING: Look("send", "info", Transfer.State.SENDING.label),
    Transfer.State.PENDING: Look("hourglass_empty", "info", Transfer.State.PENDING.label),
    Transfer.State.SUCCEEDED: Look("check_circle", "good", Transfer.State.SUCCEEDED.label),
    Transfer.State.FAILED: Look("report", "bad", Transfer.State.FAILED.label),
    Transfer.State.ABNORMAL: Look("report", "bad", Transfer.State.ABNORMAL.label),
    Transfer.State.MANUAL: Look("person_alert", "bad", Transfer.State.MANUAL.label),
    Transfer.State.CHARGED_BACK: Look("credit_card_off", "calm", Transfer.State.CHARGED_BACK.label),
    Transfer.State.CANCELLED: Look("block", "calm", Transfer.State.CANCELLED.label),
}

PAYOUTS: dict[str, Look] = {
    "waiting": Look("pending_actions", "warn", _("Waits for the second person")),
    "paid": Look("check_circle", "good", _("Paid by hand")),
    "rejected": Look("block", "calm", _("Rejected")),
}
APPEALS: dict[str, Look] = {
    "": Look("pending_actions", "warn", _("Waits for a supervisor")),
    Appeal.Outcome.HEARD: Look("undo", "good", Appeal.Outcome.HEARD.label),
    Appeal.Outcome.ESCALATED: Look("balance", "info", Appeal.Outcome.ESCALATED.label),
    Appeal.Outcome.DISMISSED: Look("block", "calm", Appeal.Outcome.DISMISSED.label),
    Appeal.Outcome.UPHELD: Look("gavel", "calm", Appeal.Outcome.UPHELD.label),
    Appeal.Outcome.OVERTURNED: Look("undo", "good", Appeal.Outcome.OVERTURNED.label),
}
APPEAL_OVERDUE = Look("alarm", "bad", _("Overdue"))
APPEAL_PROPOSED = Look("pending_actions", "warn", _("Waits for the second person"))
HELD = Look("badge", "warn", _("Waits for identity"))

DISPUTES: dict[str, Look] = {
    Dispute.State.OPEN: Look("credit_card_off", "warn", Dispute.State.OPEN.label),
    Dispute.State.WON: Look("check_circle", "good", Dispute.State.WON.label),
    Dispute.State.LOST: Look("cancel", "bad", Dispute.State.LOST.label),
}

CLOCKS: dict[str, Look] = {
    "running": Look("schedule", "info", _("Running")),
    "overdue": Look("alarm", "bad", _("Overdue")),
    "met": Look("check_circle", "good", _("In time")),
    "missed": Look("cancel", "bad", _("Missed")),
}
OUTAGES: dict[str, Look] = {
    "on": Look("cloud_off", "warn", _("Goes on")),
    "adding": Look("hourglass_empty", "info", _("Being added to the clocks")),
    "added": Look("check_circle", "good", _("Added to the clocks")),
}
PEAKS: dict[str, Look] = {
    "ahead": Look("event_upcoming", "info", _("Ahead")),
    "on": Look("trending_up", "warn", _("Goes on")),
    "over": Look("check_circle", "calm", _("Over")),
}
DAYS: dict[bool, Look] = {
    True: Look("work", "info", _("Working day")),
    False: Look("weekend", "calm", _("Day off")),
}

BULK_OUTCOMES: dict[str, Look] = {
    "": Look("hourglass_empty", "info", _("Waits for its turn")),
    BulkOutcome.DONE: Look("check_circle", "good", BulkOutcome.DONE.label),
    BulkOutcome.PROPOSED: Look("pending_actions", "warn", BulkOutcome.PROPOSED.label),
    BulkOutcome.REFUSED: Look("block", "bad", BulkOutcome.REFUSED.label),
}
BULK_FORESEEN: dict[str, Look] = {
    BulkOutcome.DONE: Look("check", "good", _("Will be done")),
    BulkOutcome.PROPOSED: Look("pending_actions", "warn", _("Becomes a proposal")),
    BulkOutcome.REFUSED: Look("block", "bad", _("Cannot be done")),
}
BULK_RUNS: dict[str, Look] = {
    "looking": Look("hourglass_empty", "info", _("Being looked at")),
    "looked": Look("visibility", "info", _("Looked at, nothing done")),
    "running": Look("hourglass_empty", "warn", _("Being done")),
    "finished": Look("check_circle", "calm", _("Finished")),
}

IMPORTS: dict[str, Look] = {
    "looking": Look("hourglass_empty", "info", _("Being looked through")),
    "looked": Look("visibility", "info", _("Looked through, nothing taken in")),
    "unreadable": Look("error", "bad", _("Cannot be read")),
    "running": Look("hourglass_empty", "warn", _("Being taken in")),
    "finished": Look("check_circle", "good", _("Finished")),
}
DRAFTS: dict[str, Look] = {
    PolicyDraft.State.DRAFT: Look("edit_note", "info", PolicyDraft.State.DRAFT.label),
    PolicyDraft.State.SUBMITTED: Look("pending_actions", "warn", _("Waits for the second person")),
    PolicyDraft.State.PUBLISHED: Look("check_circle", "good", PolicyDraft.State.PUBLISHED.label),
    PolicyDraft.State.DROPPED: Look("block", "calm", PolicyDraft.State.DROPPED.label),
}
VERSIONS: dict[str, Look] = {
    "coming": Look("event_upcoming", "info", _("Coming")),
    "in_force": Look("check_circle", "good", _("In force")),
    "past": Look("history", "calm", _("No longer in force")),
}
# Whom a changed term serves.
SIDES: dict[str, Look] = {
    "kinder": Look("sentiment_satisfied", "good", _("Kinder to the buyer")),
    "stricter": Look("sentiment_dissatisfied", "warn", _("Stricter to the buyer")),
    "neither": Look("sentiment_neutral", "calm", _("Neither")),
}

UNIT_EVENTS: dict[str, str] = {
    EventType.STOCKED: "inventory_2", EventType.RESERVED: "bookmark", EventType.DELIVERED: "local_shipping",
    EventType.REVEALED: "visibility", EventType.ACTIVATED: "bolt", EventType.REDEEMED: "redeem",
    EventType.LOGGED_IN: "login", EventType.GIFTED: "card_giftcard", EventType.SPENT: "toll",
    EventType.EXPIRED: "event_busy", EventType.VOIDED: "block", EventType.REPLACED: "swap_horiz",
}  # fmt: skip

# Where the goods were to go; a shop may send more, shown under its own name.
TARGETS: dict[str, Text] = {"account": _("Account"), "server": _("Server"), "phone": _("Phone number")}


def badge(icon: str, tone: str, word: Text) -> SafeString:
    return render_to_string("desk/badge.html", {"icon": icon, "tone": tone, "word": word})


def state_badge(state: str) -> SafeString:
    look = STATES[state]
    return badge(look.icon, look.tone, State(state).label)


def look_badge(look: Look) -> SafeString:
    return badge(*look)


def transfer_badge(transfer: Transfer) -> SafeString:
    return look_badge(HELD if is_held(transfer) else TRANSFERS[transfer.state])


def dispute_badge(dispute: Dispute) -> SafeString:
    return look_badge(DISPUTES[dispute.state])


def provider_badge(check: ProviderCheck) -> SafeString:
    if check.answer:
        return look_badge(ANSWERS[check.answer])
    return look_badge(ASKING if check.next_try_at else UNANSWERED)


def waits_for(state: str, asked_of: str | None) -> Text:
    """Whom a case waits for; for evidence, the side that was asked."""
    return Party(asked_of).label if state == State.AWAITING_EVIDENCE and asked_of else STATES[state].waits_for
