"""What each notice says, in its reader's language: what happened, the clause, until when, and what comes next (F11).

Every text is made from the notice's codes, amounts and instants when it is read, so that one notice reads in Chinese
on one screen and in English on another.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Text
from marketplace.kernel.templatetags.recourse import money
from marketplace.orders.goods import GoodsType

from .case_words import AUTHORS, RULES, RULES_ABOUT_THE_BUYER, WAITS_FOR, WHY
from .topics import RecipientKind

BUYER, SELLER, USER = RecipientKind.BUYER.value, RecipientKind.SELLER.value, RecipientKind.USER.value


class Words(NamedTuple):
    title: Text
    fact: Text
    then: Text  # the next step


class Rendered(NamedTuple):
    title: str
    lines: list[str]
    link: str = ""  # the case's page, where there is one

    @property
    def body(self) -> str:
        return "\n".join(self.lines)

    def plain(self) -> str:
        return "\n\n".join([*self.lines, *([self.link] if self.link else [])]) + "\n"


_REFERENCE = _("The whole case, with all its reasons, is under its number %(number)s.")
_WAIT_FOR_REVIEW = _("A reviewer reads everything in the case and decides. You need do nothing.")
_PERSON = _("You can apply again with new evidence, or ask for a person to look at it.")
_TIMES = _("The money goes back the way it was paid. You need do nothing.")

WORDS: dict[tuple[str, str], Words] = {
    ("request_filed", BUYER): Words(
        _("Refund request %(number)s received"),
        _("We have your request for %(amount)s from order %(order)s."),
        _("It is being checked now. You hear the result at once."),
    ),
    ("seller_asked", BUYER): Words(
        _("The seller was asked about %(number)s"),
        _("Your request for %(amount)s from order %(order)s was passed to the seller."),
        _("If the seller does not answer in time, the platform steps in by itself. You need do nothing."),
    ),
    ("seller_to_answer", SELLER): Words(
        _("Answer refund request %(number)s"),
        _("A buyer asks for %(amount)s from order %(order)s."),
        _(
            "Agree, make an offer, or refuse with a ground, in the seller portal. Silence takes the case to the platform and counts against you."
        ),
    ),
    ("with_reviewer", BUYER): Words(
        _("A reviewer decides about %(number)s"),
        _("Your request for %(amount)s is with a reviewer of the platform. %(why)s"),
        _WAIT_FOR_REVIEW,
    ),
    ("with_reviewer", SELLER): Words(
        _("A reviewer decides about %(number)s"),
        _("The request for %(amount)s from order %(order)s is with a reviewer of the platform. %(why)s"),
        _("You can still add a message to the case, which is read before the decision."),
    ),
    ("evidence_wanted", BUYER): Words(
        _("Evidence is needed for %(number)s"),
        _("The reviewer of your request for %(amount)s asks you for something more; the case says what."),
        _("Answer in the case before the time is up. Without an answer it is decided on what is there."),
    ),
    ("evidence_wanted", SELLER): Words(
        _("Evidence is needed for %(number)s"),
        _(
            "The reviewer of the request for %(amount)s from order %(order)s asks you for something more; the case says what."
        ),
        _(
            "Answer in the seller portal before the time is up. Without an answer it is decided on what is there."
        ),
    ),
    ("offer_made", BUYER): Words(
        _("The seller made you an offer: %(number)s"),
        _("The seller answered your request for %(amount)s with an offer; the case shows it."),
        _("Accept or decline it. Without an answer the case goes to a reviewer."),
    ),
    ("promise_broken", BUYER): Words(
        _("The seller's promise in %(number)s was not kept"),
        _("The day for which the seller promised to settle your request for %(amount)s has passed."),
        _WAIT_FOR_REVIEW,
    ),
    ("promise_broken", SELLER): Words(
        _("Your promise in %(number)s was not kept"),
        _("The day you promised has passed, and the buyer of order %(order)s has not confirmed it."),
        _("It counts against you, and a reviewer decides. You can still add a message to the case."),
    ),
    ("in_arbitration", BUYER): Words(
        _("%(number)s is in arbitration"),
        _("Your request for %(amount)s was referred to arbitration."),
        _("An arbiter rules with reasons. You can still add a message to the case."),
    ),
    ("in_arbitration", SELLER): Words(
        _("%(number)s is in arbitration"),
        _("The request for %(amount)s from order %(order)s was referred to arbitration."),
        _("An arbiter rules with reasons. You can still add a message to the case."),
    ),
    ("appeal_filed", SELLER): Words(
        _("The buyer appeals in %(number)s"),
        _("The buyer contests the rejection of the request for %(amount)s from order %(order)s."),
        _("A supervisor decides whether it is looked at again. You can add a message to the case."),
    ),
    ("appeal_decided", BUYER): Words(
        _("Your appeal in %(number)s is decided"),
        _("The rejection of your request for %(amount)s stands."),
        _("The case gives the reasons. With new evidence you can apply again within the refund window."),
    ),
    ("appeal_decided", SELLER): Words(
        _("Your appeal in %(number)s is decided"),
        _("A supervisor has decided your appeal in the case of order %(order)s."),
        _("The seller portal shows the outcome and the reasons."),
    ),
    ("appeal_heard", BUYER): Words(
        _("The appeal in %(number)s was admitted"),
        _("The rejection of your request for %(amount)s is looked at again."),
        _WAIT_FOR_REVIEW,
    ),
    ("appeal_heard", SELLER): Words(
        _("The appeal in %(number)s was admitted"),
        _("The rejection of the request for %(amount)s from order %(order)s is looked at again."),
        _("You can still add a message to the case, which is read before the decision."),
    ),
    ("approved", BUYER): Words(
        _("Refund approved: %(approved)s"),
        _("Of your request %(number)s for %(amount)s, %(approved)s were approved."),
        _TIMES,
    ),
    ("approved", SELLER): Words(
        _("Refund approved: %(number)s"),
        _("Of the request for %(amount)s from order %(order)s, %(approved)s were approved."),
        _("The money goes back to the buyer the way it was paid. If you disagree, say so in the case."),
    ),
    ("sealed_settled", BUYER): Words(
        _("Settled: %(approved)s come back to you"),
        _("The sealed offers in %(number)s met. Of your request for %(amount)s, %(approved)s were approved."),
        _TIMES,
    ),
    ("sealed_settled", SELLER): Words(
        _("Settled by sealed offers: %(number)s"),
        _(
            "The sealed offers met. Of the request for %(amount)s from order %(order)s, %(approved)s were approved."
        ),
        _("The money goes back to the buyer the way it was paid. You need do nothing."),
    ),
    ("rejected", BUYER): Words(
        _("Refund request %(number)s rejected"),
        _("Your request for %(amount)s from order %(order)s was rejected."),
        _PERSON,
    ),
    ("rejected", SELLER): Words(
        _("Refund request %(number)s rejected"),
        _("The request for %(amount)s from order %(order)s was rejected; no money goes back."),
        _("You need do nothing. The buyer may appeal."),
    ),
    ("refunded", BUYER): Words(
        _("Paid back: %(approved)s"),
        _("%(approved)s for order %(order)s were handed back through the way you paid (request %(number)s)."),
        _("Your bank or wallet shows it when it has booked it. If it does not come, write in the case."),
    ),
    ("refunded", SELLER): Words(
        _("Paid back: %(number)s"),
        _("%(approved)s for order %(order)s are back with the buyer."),
        _("You need do nothing."),
    ),
    ("charged_back", BUYER): Words(
        _("Request %(number)s is closed: your bank paid it"),
        _(
            "You took the payment for order %(order)s back through your bank. With that you have the %(approved)s."
        ),
        _("You need do nothing. If your bank has not credited it, write in the case."),
    ),
    ("charged_back", SELLER): Words(
        _("Request %(number)s is closed: paid by a chargeback"),
        _(
            "The buyer has the %(approved)s for order %(order)s by a chargeback, and by what was paid back before."
        ),
        _("The refund is not paid again. Your account bears it as it would have borne the refund."),
    ),
    ("replaced", BUYER): Words(
        _("Replacement confirmed: %(number)s"),
        _("You confirmed the replacement for order %(order)s."),
        _("The case is closed."),
    ),
    ("replaced", SELLER): Words(
        _("Replacement confirmed: %(number)s"),
        _("The buyer confirmed the replacement for order %(order)s."),
        _("The case is closed. You need do nothing."),
    ),
    ("payment_came_back", BUYER): Words(
        _("Your refund came back to us: %(number)s"),
        _("The %(approved)s for order %(order)s could not be delivered to the account you paid from."),
        _("Our finance team pays it another way and asks you in the case for what it needs."),
    ),
    ("withdrawn", BUYER): Words(
        _("Request %(number)s withdrawn"),
        _("You withdrew your request for %(amount)s from order %(order)s."),
        _("The case is closed. You can file again as long as the refund window is open."),
    ),
    ("withdrawn", SELLER): Words(
        _("Request %(number)s withdrawn"),
        _("The buyer withdrew the request for %(amount)s from order %(order)s."),
        _("The case is closed. You need do nothing."),
    ),
    ("progress", BUYER): Words(
        _("Where %(number)s stands"),
        _("Your request for %(amount)s from order %(order)s is still open. %(stands)s"),
        _("You hear as soon as something happens, and at the latest in two to three days."),
    ),
    ("message_received", BUYER): Words(
        _("New message in %(number)s"),
        _("There is a new message in your case about order %(order)s. %(from)s"),
        _("Read it and answer it in the case."),
    ),
    ("message_received", SELLER): Words(
        _("New message in %(number)s"),
        _("There is a new message in the case about order %(order)s. %(from)s"),
        _("Read it and answer it in the seller portal."),
    ),
    ("seated", USER): Words(
        _("You sit over %(number)s"),
        _("A supervisor has seated you over the request for %(amount)s, which is in arbitration."),
        _("Read the case and rule, with reasons; where several sit over it, vote."),
    ),
    ("appeal_to_decide", USER): Words(
        _("Appeal to decide: %(number)s"),
        _("A side contests the decision about the request for %(amount)s."),
        _("A supervisor who took no part in that decision decides it, under “Appeals”."),
    ),
    ("overdue", USER): Words(
        _("Overdue: %(number)s"),
        _("The request for %(amount)s has passed its deadline. %(stands)s"),
        _("It stands in the queue of overdue cases. Take it, or hand it to somebody."),
    ),
    ("rules_change", SELLER): Words(
        _("New rules for %(goods)s from %(day)s"),
        _("Version %(policy)s comes into force on %(day)s, at midnight in Beijing."),
        _("What it changes, and why, stands in the portal under “Rules”. Read it before that day."),
    ),
    ("endpoint_disabled", SELLER): Words(
        _("Your webhook was switched off"),
        _(
            "Your receiver at %(host)s answered that it is gone for good (410), so nothing more is sent there."
        ),
        _("Add a new address in the portal's settings if you still want webhooks."),
    ),
}


def render(topic: str, recipient_kind: str, data: Mapping[str, Any]) -> Rendered:
    """The notice in the active language. Data it knows nothing of is left out, never shown raw."""
    words = WORDS[topic, recipient_kind]
    facts = _facts(recipient_kind, data)
    fact, then = str(words.fact) % facts, str(words.then)
    lines = [fact, _ground(recipient_kind, data), _reasons(data), _until(data), then]
    if data.get("number") and recipient_kind != USER and topic != "endpoint_disabled":
        lines.append(str(_REFERENCE) % facts)
    return Rendered(
        title=_one_line(str(words.title) % facts),
        lines=[line for line in map(_one_line, lines) if line],
        link=_link(recipient_kind, data),
    )


def _facts(recipient_kind: str, data: Mapping[str, Any]) -> dict[str, str]:
    amount, approved = data.get("amount"), data.get("approved")
    why = WHY.get(data.get("event", ""), "")
    if data.get("event") == "request_person" and recipient_kind != BUYER:
        why = _("The buyer asked for a person.")
    return {
        "number": str(data.get("number", "")),
        "order": str(data.get("order", "")),
        "amount": money(**amount) if amount else "–",
        "approved": money(**approved) if approved else "–",
        "why": str(why),
        "stands": str(WAITS_FOR.get(data.get("state", ""), "")),
        "from": str(AUTHORS.get(data.get("by", ""), "")),
        "host": str(data.get("host", "")),
        "policy": str(data.get("policy", "")),
        "goods": _goods(data.get("goods_type", "")),
        "day": _instant(data["in_force_at"])[:10] if data.get("in_force_at") else "",
    }


def _goods(code: str) -> str:
    return str(GoodsType(code).label) if code in GoodsType.values else str(code)


def _ground(recipient_kind: str, data: Mapping[str, Any]) -> str:
    if not data.get("clause"):
        return ""
    rule = data.get("rule", "")
    if recipient_kind == SELLER and rule in RULES_ABOUT_THE_BUYER:
        return ""
    if rule not in RULES:
        return gettext("Clause: %(clause)s.") % {"clause": data["clause"]}
    line = gettext("Clause %(clause)s: it was decided by %(rule)s.") % {
        "clause": data["clause"],
        "rule": RULES[rule],
    }
    if closes_at := data.get("closes_at"):
        line += " " + gettext("That time ended at %(at)s.") % {"at": _instant(closes_at)}
    return line


def _reasons(data: Mapping[str, Any]) -> str:
    """As the person who decided wrote them: in their language."""
    return gettext("Reasons: %(reasons)s") % {"reasons": data["reasons"]} if data.get("reasons") else ""


def _until(data: Mapping[str, Any]) -> str:
    if not data.get("due_at"):
        return ""
    return gettext("Deadline: %(at)s (Beijing time).") % {"at": _instant(data["due_at"])}


def _instant(text: str) -> str:
    return timezone.localtime(datetime.fromisoformat(text)).strftime("%Y-%m-%d %H:%M")


def _link(recipient_kind: str, data: Mapping[str, Any]) -> str:
    """Sellers and staff have pages here; a buyer's are the shop's own."""
    pages = {SELLER: "portal/cases/{}/", USER: "admin/refunds/refundrequest/case/{}/"}
    if not settings.SITE_URL or recipient_kind not in pages or not data.get("number"):
        return ""
    return f"{settings.SITE_URL}/{pages[recipient_kind]}".format(data["number"])


def _one_line(text: str) -> str:
    """A title becomes a mail's subject, and a line break there would begin another header."""
    return " ".join(text.split())
