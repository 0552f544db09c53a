"""Everything anybody is told about, once: its topic, its group, and the ways it goes besides the site itself.

The model's choices, the settings pages, the API document and the tests are made from these tables.
"""

from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Text


class Way(models.TextChoices):
    """How a notice leaves the site; on the site it is the notice itself."""

    EMAIL = "email", _("Email")
    SMS = "sms", _("SMS")
    WEBHOOK = "webhook", _("Webhook")


class Group(NamedTuple):
    """What a reader turns on and off as one."""

    label: Text
    is_optional: bool = True


# Decisions and what their reader must act on in time are the law's to tell (PIPL art. 24; E-commerce law art. 59).
GROUPS: dict[str, Group] = {
    "decisions": Group(_("Decisions and money"), is_optional=False),
    "to_do": Group(_("What waits for an answer, with its deadline"), is_optional=False),
    "progress": Group(_("Progress of a case")),
    "messages": Group(_("Messages in a case")),
    # The law has them announced a week ahead (E-commerce law art. 34).
    "rules": Group(_("Changes of the rules"), is_optional=False),
    "technical": Group(_("Technical news")),
}


class Topic(NamedTuple):
    """`is_urgent` adds an SMS to the email, where the recipient has a phone. Webhooks are sent for every topic."""

    label: Text
    group: str
    is_urgent: bool = False


TOPICS: dict[str, Topic] = {
    "request_filed": Topic(_("Request filed"), "progress"),
    "seller_asked": Topic(_("Seller asked"), "progress"),
    "seller_to_answer": Topic(_("Answer needed"), "to_do", is_urgent=True),
    "with_reviewer": Topic(_("With a reviewer"), "progress"),
    "evidence_wanted": Topic(_("Evidence asked for"), "to_do", is_urgent=True),
    "offer_made": Topic(_("Offer made"), "to_do", is_urgent=True),
    "promise_broken": Topic(_("Promise not kept"), "progress"),
    "in_arbitration": Topic(_("In arbitration"), "progress"),
    "appeal_filed": Topic(_("Appeal filed"), "progress"),
    "appeal_heard": Topic(_("Appeal admitted"), "progress"),
    "appeal_decided": Topic(_("Appeal decided"), "decisions"),
    "approved": Topic(_("Approved"), "decisions", is_urgent=True),
    "sealed_settled": Topic(_("Sealed offers settled"), "decisions", is_urgent=True),
    "rejected": Topic(_("Rejected"), "decisions", is_urgent=True),
    "refunded": Topic(_("Paid back"), "decisions", is_urgent=True),
    "charged_back": Topic(_("Paid by a chargeback"), "decisions"),
    "replaced": Topic(_("Replaced"), "decisions"),
    "payment_came_back": Topic(_("Refund came back"), "decisions", is_urgent=True),
    "withdrawn": Topic(_("Withdrawn"), "progress"),
    "progress": Topic(_("Progress"), "progress"),
    "message_received": Topic(_("New message"), "messages"),
    "seated": Topic(_("Seated over a case"), "to_do"),
    "appeal_to_decide": Topic(_("Appeal to decide"), "to_do"),
    "overdue": Topic(_("Overdue"), "progress"),
    "rules_change": Topic(_("New rules announced"), "rules"),
    "endpoint_disabled": Topic(_("Webhook switched off"), "technical"),
}
TOPIC_CHOICES = [(code, topic.label) for code, topic in TOPICS.items()]
OPTIONAL_GROUPS = {name: group for name, group in GROUPS.items() if group.is_optional}


class RecipientKind(models.TextChoices):
    BUYER = "buyer", _("Buyer")
    SELLER = "seller", _("Seller")
    USER = "user", _("Person who signs in")  # a member of staff, or one of a seller's people
