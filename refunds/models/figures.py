"""Figures by day: what happened on each day of Beijing, counted once and added up for whatever range is asked for.

Derived rows: operations/roll_up.py alone writes them, and makes the same rows again from the history (figures/rollups.py).
A day's row holds what happened that day and never changes with what comes after: a refund that comes back is a row of
the day it came back. Amounts are minor units of the row's currency.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.orders.goods import GoodsType
from marketplace.payments.channels import Channel
from sellers.models import Seller

from ..filing_channels import FilingChannel
from ..machine import Clock
from ..reasons import REASON_CHOICES


class Step(models.TextChoices):
    """How a case came to its first decision; and that its money arrived."""

    MACHINE = "machine", _("The rules")
    SIDES = "sides", _("Seller and buyer")
    REVIEWER = "reviewer", _("A reviewer")
    PANEL = "panel", _("A panel")
    PAID = "paid", _("Money back")


# Who decides by which move. What is not here moves a case and decides nothing.
DECIDED_BY = {
    "policy_approve": Step.MACHINE,
    "policy_reject": Step.MACHINE,
    "agree": Step.SIDES,
    "accept_offer": Step.SIDES,
    "confirm_replacement": Step.SIDES,
    "settle_sealed": Step.SIDES,
    "approve": Step.REVIEWER,
    "reject": Step.REVIEWER,
    "rule_for_buyer": Step.PANEL,
    "rule_for_seller": Step.PANEL,
}
BY_PEOPLE = tuple(event for event, step in DECIDED_BY.items() if step in (Step.REVIEWER, Step.PANEL))


class Route(models.TextChoices):
    """How a decision came before somebody again."""

    MACHINE = "machine", _("The rules', before a person")
    APPEAL = "appeal", _("A person's, on the buyer's appeal")
    PANEL = "panel", _("A person's, before a panel")
    SELLER = "seller", _("A person's, on the seller's appeal")


class Flow(models.TextChoices):
    """Money that left for a buyer, or came back."""

    CHANNEL = "channel", _("Paid back by the channel")
    BY_HAND = "by_hand", _("Paid by hand")
    CAME_BACK = "came_back", _("Came back")


class Figure(models.Model):
    """The Beijing day, and the goods; each kind adds what it tells apart and what it counts."""

    day = models.DateField()
    goods_type = models.CharField(max_length=32, choices=GoodsType)

    class Meta:
        abstract = True


class CaseFigure(Figure):
    """Requests filed; moves into a state that ends a case, and out of one."""

    channel = models.CharField(max_length=16, choices=FilingChannel)
    reason = models.CharField(max_length=32, choices=REASON_CHOICES)
    filed = models.PositiveIntegerField()
    closed = models.PositiveIntegerField()
    reopened = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("figure")
        verbose_name_plural = _("figures")
        constraints = [
            models.UniqueConstraint(
                fields=["day", "goods_type", "channel", "reason"], name="case_figure_once"
            )
        ]


class TimeFigure(Figure):
    """Cases by how long after filing a step was reached for the first time: a histogram (figures/buckets.py)."""

    channel = models.CharField(max_length=16, choices=FilingChannel)
    step = models.CharField(max_length=8, choices=Step)
    is_granted = models.BooleanField()  # money or new goods, and not a refusal
    bucket = models.PositiveSmallIntegerField()
    cases = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "goods_type", "channel", "step", "is_granted", "bucket"],
                name="time_figure_once",
            )
        ]


class ClockFigure(Figure):
    """Clocks by the day they started; `met` and `missed` are those that stopped (kept.py says which is which)."""

    channel = models.CharField(max_length=16, choices=FilingChannel)
    kind = models.CharField(max_length=16, choices=Clock)
    started = models.PositiveIntegerField()
    met = models.PositiveIntegerField()
    missed = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "goods_type", "channel", "kind"], name="clock_figure_once")
        ]


class MoneyFigure(Figure):
    """Money of refunds as it was booked, by the channel it went through."""

    channel = models.CharField(max_length=16, choices=FilingChannel)
    paid_through = models.CharField(max_length=20, choices=Channel)
    currency = models.CharField(max_length=3)
    flow = models.CharField(max_length=12, choices=Flow)
    transfers = models.PositiveIntegerField()
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "goods_type", "channel", "paid_through", "currency", "flow"],
                name="money_figure_once",
            )
        ]


class SalesFigure(Figure):
    """Orders by the day of their first payment."""

    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="+", db_index=False)
    orders = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "goods_type", "seller"], name="sales_figure_once")
        ]


class SellerFigure(Figure):
    """Requests against a seller; `paid_back` is those that arrived or were replaced, less those that came back."""

    channel = models.CharField(max_length=16, choices=FilingChannel)
    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="+", db_index=False)
    filed = models.PositiveIntegerField()
    paid_back = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "goods_type", "channel", "seller"], name="seller_figure_once"
            )
        ]


class OverturnFigure(Figure):
    """Decisions made anew by a person, and those of them that came out the other way."""

    channel = models.CharField(max_length=16, choices=FilingChannel)
    route = models.CharField(max_length=8, choices=Route)
    decided = models.PositiveIntegerField()
    overturned = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "goods_type", "channel", "route"], name="overturn_figure_once"
            )
        ]


class ReviewerFigure(Figure):
    """Decisions a member of staff made."""

    channel = models.CharField(max_length=16, choices=FilingChannel)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "goods_type", "channel", "user"], name="reviewer_figure_once"
            )
        ]


class FigureMark(models.Model):
    """How far the figures have read a table of history (operations/roll_up.py says why it takes three numbers)."""

    source = models.CharField(max_length=16, primary_key=True)
    done = models.BigIntegerField(default=0)  # every row up to this id is in the figures
    seen = models.BigIntegerField(default=0)  # the last id at the run before
    seen_by = models.BigIntegerField(default=0)  # the number of that run's transaction
    at = models.DateTimeField(null=True)
