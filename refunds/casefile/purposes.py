"""Whom a case file is for, and what each of them wants in it: one table."""

from typing import NamedTuple

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.kernel.errors import Text
from marketplace.kernel.money import convert
from marketplace.kernel.templatetags.recourse import money
from marketplace.orders.models import Order

from ..models import RefundRequest
from ..models.case_files import Reader
from .views import View

FRAUD = frozenset({"seller_fraud", "unauthorized_purchase"})  # reasons that go to the police at any amount


class Purpose(models.TextChoices):
    ARBITRATION = "arbitration", gettext_lazy("Arbitration")
    CHANNEL = "channel", gettext_lazy("Payment channel (chargeback)")
    CONSUMER = "12315", gettext_lazy("12315 (consumer complaint)")
    POLICE = "police", gettext_lazy("Police")
    COURT = "court", gettext_lazy("Court")


class Language(models.TextChoices):
    CHINESE = "zh-hans", "中文"
    ENGLISH = "en", "English"


class Part(models.TextChoices):
    """The parts of the document, in the order they can have."""

    PARTICULARS = "particulars", gettext_lazy("Particulars of the complaint")
    REPORT = "report", gettext_lazy("Report of the facts")
    CATALOGUE = "catalogue", gettext_lazy("Evidence catalogue")
    PARTIES = "parties", gettext_lazy("Parties")
    ORDER = "order", gettext_lazy("Order and page as shown at purchase")
    PAYMENTS = "payments", gettext_lazy("Payments")
    CLAIM = "claim", gettext_lazy("Claim")
    USE = "use", gettext_lazy("Delivery, reveal and use")
    TIMELINE = "timeline", gettext_lazy("Time-line")
    DECISIONS = "decisions", gettext_lazy("Decisions")
    EVIDENCE = "evidence", gettext_lazy("Evidence")
    CHAT = "chat", gettext_lazy("Messages")
    MONEY = "money", gettext_lazy("Money back")
    DISPUTES = "disputes", gettext_lazy("At the payment channel")
    SEAL = "seal", gettext_lazy("What this file consists of")


P = Part
_FACTS = (P.PARTIES, P.ORDER, P.PAYMENTS, P.CLAIM, P.USE, P.TIMELINE)
_REST = (P.DECISIONS, P.EVIDENCE, P.CHAT, P.MONEY, P.DISPUTES, P.SEAL)


class Content(NamedTuple):
    """`floor`: the amount (fen) above which this body takes such a matter up; a file below it carries a warning."""

    parts: tuple[Part, ...]
    what_for: Text
    floor: int = 0
    fraud_at_any_amount: bool = False
    staff_chat: bool = True
    seller_masked: bool = False
    may_be_internal: bool = False


CONTENTS: dict[str, Content] = {
    Purpose.ARBITRATION: Content(
        (*_FACTS, *_REST),
        gettext_lazy("For an arbiter in the platform: the whole case, with every decision and its reasons."),
        may_be_internal=True,
    ),
    Purpose.CHANNEL: Content(
        (P.PARTIES, P.ORDER, P.PAYMENTS, P.USE, P.CLAIM, P.TIMELINE, P.EVIDENCE, P.CHAT, P.MONEY, P.DISPUTES, P.SEAL),
        gettext_lazy("For a bank or payment channel that asks about a payment: what was bought, delivered and used."),
        staff_chat=False,
        seller_masked=True,
    ),
    Purpose.CONSUMER: Content(
        (P.PARTICULARS, P.ORDER, P.PAYMENTS, P.USE, P.TIMELINE, P.DECISIONS, P.EVIDENCE, P.CHAT, P.MONEY, P.SEAL),
        gettext_lazy("For a complaint to 12315: who complains of whom, what is claimed, and the facts."),
    ),
    Purpose.POLICE: Content(
        (P.REPORT, *_FACTS, P.EVIDENCE, P.CHAT, P.MONEY, P.DISPUTES, P.SEAL),
        gettext_lazy("For a report to the police: the loss, the accounts and devices on record, and the facts."),
        floor=settings.CASE_FILE_POLICE_ABOVE,
        fraud_at_any_amount=True,
    ),
    Purpose.COURT: Content(
        (P.CATALOGUE, *_FACTS, *_REST),
        gettext_lazy("For a court: every item numbered in a catalogue, with what it proves and its pages."),
        floor=settings.CASE_FILE_COURT_ABOVE,
    ),
}  # fmt: skip


def view_for(reader: Reader, purpose: str, *, is_internal: bool = False) -> View:
    """`is_internal`: with notes and names, for staff alone, where the purpose stays in the house."""
    content = CONTENTS[purpose]
    internal = is_internal and content.may_be_internal and reader == Reader.STAFF
    return View(reader, internal, internal, content.staff_chat)


def warning(purpose: str, request: RefundRequest) -> str:
    """Why this body may not take the matter up; "" where nothing speaks against it. Never a bar."""
    content = CONTENTS[purpose]
    if not content.floor or (content.fraud_at_any_amount and request.reason in FRAUD):
        return ""
    amount, floor = in_cny(request.amount, request.order), money(content.floor, "CNY")
    if amount is None:
        return _("Usually taken up above %(floor)s; this order has no exchange rate to compare by.") % {
            "floor": floor
        }
    if amount > content.floor:
        return ""
    return _("Usually taken up above %(floor)s; this claim is %(amount)s.") % {
        "floor": floor,
        "amount": money(amount, "CNY"),
    }


def in_cny(amount: int, order: Order) -> int | None:
    """Fen, at the order's own rate (B9); None for a foreign order that has none."""
    if order.currency == "CNY":
        return amount
    return convert(amount, order.currency, order.fx_rate, "CNY") if order.fx_rate is not None else None
