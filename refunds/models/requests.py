"""A refund request and its history. State is written by transitions.py alone; the database holds it to that."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import Buyer
from marketplace.kernel.appendonly import append_only
from marketplace.kernel.money import Money
from marketplace.orders.models import Order, Unit
from sellers.models import Seller

from ..filing_channels import FOR_A_CALLER, FilingChannel
from ..machine import EDGES, HOLDABLE, OPEN, PAYABLE, Clock, Party, State
from ..reasons import REASON_CHOICES, REMEDY_CHOICES

_OPEN_SQL = ", ".join(f"'{state.value}'" for state in sorted(OPEN))
KEEP_ITEMS_IN_STEP = f"""
    IF (OLD.state IN ({_OPEN_SQL})) <> (NEW.state IN ({_OPEN_SQL})) THEN
        UPDATE refunds_refunditem SET is_open = NEW.state IN ({_OPEN_SQL}) WHERE request_id = NEW.id;
    END IF;
    RETURN NEW;
"""
KEEP_HOW_IT_WAS_FILED = """
    IF (OLD.channel, OLD.ticket, OLD.caller_check) IS DISTINCT FROM (NEW.channel, NEW.ticket, NEW.caller_check) THEN
        RAISE EXCEPTION 'how request % was filed is history: it is never changed', OLD.number;
    END IF;
    RETURN NEW;
"""
# Looked at when the transaction ends, so that the move and the end of the offer may come in either order.
OFFER_ENDS = """
    IF EXISTS (
        SELECT 1 FROM refunds_offer o JOIN refunds_refundrequest r ON r.id = o.request_id
        WHERE o.request_id = NEW.id AND o.answered_at IS NULL AND r.state <> 'awaiting_buyer'
    ) THEN
        RAISE EXCEPTION 'offer_ends: request % no longer waits for the buyer, and its offer is open', NEW.number
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""
HOLDER_JUDGES = """
    IF NOT EXISTS (SELECT 1 FROM identity_user WHERE id = NEW.holder_id AND role IN ('reviewer', 'supervisor')) THEN
        RAISE EXCEPTION 'holder_judges: user % decides no cases and holds none', NEW.holder_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""
# Nobody's hold ends, and nobody takes a case out of another's hands, without a row that says who, when and why. Looked
# at when the transaction ends, so that the row and the change may come in either order.
HOLD_LEAVES_ITS_ROW = """
    IF (OLD.holder_id, OLD.held_at) IS DISTINCT FROM (NEW.holder_id, NEW.held_at) AND NOT EXISTS (
        SELECT 1 FROM refunds_hold
        WHERE request_id = OLD.id AND user_id = OLD.holder_id AND held_at = OLD.held_at
    ) THEN
        RAISE EXCEPTION 'hold_leaves_its_row: request % was held by user %, and nothing says why not any more',
            OLD.number, OLD.holder_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""
# A move voids the proposal that waited, and may bring one of its own, written for the step it makes.
MOVE_NAMES_PROPOSER = """
    IF NEW.sequence <> OLD.sequence THEN
        NEW.proposer_id = (SELECT by_id FROM refunds_proposal WHERE request_id = NEW.id AND sequence = NEW.sequence);
    END IF;
    RETURN NEW;
"""
# Of a unit and its replacements one is in place; the others take no money, whichever request is about them (G2).
ONLY_IN_PLACE = """
    IF NOT EXISTS (SELECT 1 FROM orders_unit WHERE id = NEW.unit_id AND place = 'in_place') THEN
        RAISE EXCEPTION 'paid_in_place: unit % is not in place and takes no money', NEW.unit_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class RefundRequest(models.Model):
    """A buyer's request for money back or a replacement. Amounts are minor units of the order's currency."""

    number = models.CharField(_("refund number"), max_length=20, unique=True)
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="refund_requests", verbose_name=_("order")
    )
    buyer = models.ForeignKey(Buyer, on_delete=models.PROTECT, related_name="+", verbose_name=_("buyer"))
    seller = models.ForeignKey(
        Seller, on_delete=models.PROTECT, related_name="+", verbose_name=_("seller"), db_index=False
    )
    reason = models.CharField(_("reason"), max_length=32, choices=REASON_CHOICES)
    remedy = models.CharField(_("remedy"), max_length=16, choices=REMEDY_CHOICES, default="refund")
    description = models.TextField(_("description"), blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True)
    amount = models.BigIntegerField(_("amount asked"))
    currency = models.CharField(_("currency"), max_length=3)
    filed_at = models.DateTimeField(_("filed at"))
    channel = models.CharField(_("filed by"), max_length=16, choices=FilingChannel, default=FilingChannel.API)
    ticket = models.CharField(_("ticket number"), max_length=64, blank=True)
    caller_check = models.TextField(_("how the caller was identified"), blank=True)

    state = models.CharField(_("state"), max_length=20, choices=State, default=State.SUBMITTED)
    sequence = models.PositiveIntegerField(default=1)  # of the transition that led to `state`
    due_kind = models.CharField(_("waiting for"), max_length=16, choices=Clock, blank=True)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)

    approved_amount = models.BigIntegerField(_("amount approved"), null=True, blank=True)
    two_person_above = models.BigIntegerField()  # the limit of F7 in this currency, from the terms at filing
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    checker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    # Who has it in hand, and until when without activity. What ended is a row of Hold.
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,  # request_held
        verbose_name=_("in hand of"),
    )
    held_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    # Who made the proposal that waits for its second person; kept by triggers (decisions.Proposal, and below).
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    # In memory alone: of one just filed that is paid at once (B8); of its order, where it was read along with it; of one
    # that is shown as it stood once (K4), up to when what is read about it goes, and what makes it fit the rest.
    asks_nothing = False
    goods_type: str
    as_of: datetime | None = None
    fit: Callable[[Any], Any] | None = None

    class Meta:
        verbose_name = _("refund request")
        verbose_name_plural = _("refund requests")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="request_amount_positive"),
            models.CheckConstraint(
                condition=Q(approved_amount__isnull=True)
                | Q(approved_amount__gt=0, approved_amount__lte=models.F("amount")),
                name="approved_within_amount",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(PAYABLE)) | Q(approved_amount__isnull=False),
                name="paid_only_what_was_approved",
            ),
            # Maker is not checker above the limit (requirement F7).
            models.CheckConstraint(
                condition=Q(approved_amount__isnull=True)
                | Q(approved_amount__lte=models.F("two_person_above"))
                | (Q(maker__isnull=False, checker__isnull=False) & ~Q(maker=models.F("checker"))),
                name="two_persons_above_limit",
            ),
            models.CheckConstraint(
                condition=Q(due_kind="", due_at__isnull=True) | (~Q(due_kind="") & Q(due_at__isnull=False)),
                name="a_clock_has_kind_and_time",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=FilingChannel.values), name="filed_by_a_known_channel"
            ),
            models.CheckConstraint(
                condition=~Q(channel__in=FOR_A_CALLER) | ~Q(caller_check=""), name="caller_was_identified"
            ),
            models.CheckConstraint(
                condition=~Q(channel=FilingChannel.TICKET) | ~Q(ticket=""), name="ticket_has_its_number"
            ),
            models.CheckConstraint(
                condition=Q(holder__isnull=True, held_at__isnull=True, held_until__isnull=True)
                | Q(holder__isnull=False, held_at__isnull=False, held_until__gte=models.F("held_at")),
                name="held_by_somebody_until",
            ),
            models.CheckConstraint(
                condition=Q(holder__isnull=True) | Q(state__in=sorted(HOLDABLE)), name="held_to_be_decided"
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "-id"], name="request_by_buyer"),
            models.Index(fields=["seller", "state", "due_at", "id"], name="request_by_seller"),
            models.Index(fields=["seller", "-id"], name="request_of_seller"),
            models.Index(fields=["seller", "filed_at"], include=["id", "state"], name="request_counted"),
            models.Index(fields=["state", "due_at", "id"], name="request_queue"),
            models.Index(fields=["due_at", "id"], name="request_overdue", condition=Q(due_at__isnull=False)),
            models.Index(
                fields=["holder", "due_at", "id"], name="request_held", condition=Q(holder__isnull=False)
            ),
            models.Index(
                fields=["due_at", "id"],
                name="request_unassigned",
                condition=Q(state=State.MANUAL_REVIEW, holder__isnull=True),
            ),
            models.Index(
                fields=["due_at", "id"], name="request_proposed", condition=Q(proposer__isnull=False)
            ),
            models.Index(
                fields=["state", "due_at", "id"],
                name="request_of_high_value",
                condition=Q(amount__gt=models.F("two_person_above")),
            ),
            models.Index(fields=["ticket"], name="request_by_ticket", condition=~Q(ticket="")),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="items_in_step",
                operation=pgtrigger.UpdateOf("state"),
                when=pgtrigger.After,
                func=KEEP_ITEMS_IN_STEP,
            ),
            pgtrigger.Trigger(
                name="filed_as_it_was",
                operation=pgtrigger.UpdateOf("channel", "ticket", "caller_check"),
                when=pgtrigger.Before,
                func=KEEP_HOW_IT_WAS_FILED,
            ),
            pgtrigger.Trigger(
                name="offer_ends",
                operation=pgtrigger.UpdateOf("state"),
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                condition=pgtrigger.Q(old__state=State.AWAITING_BUYER)
                & ~pgtrigger.Q(new__state=State.AWAITING_BUYER),
                func=OFFER_ENDS,
            ),
            pgtrigger.Trigger(
                name="holder_judges",
                operation=pgtrigger.UpdateOf("holder_id"),
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__holder__isnull=False),
                func=HOLDER_JUDGES,
            ),
            pgtrigger.Trigger(
                name="hold_leaves_its_row",
                operation=pgtrigger.UpdateOf("holder_id", "held_at"),
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                condition=pgtrigger.Q(old__holder__isnull=False),
                func=HOLD_LEAVES_ITS_ROW,
            ),
            pgtrigger.Trigger(
                name="move_names_proposer",
                operation=pgtrigger.UpdateOf("sequence"),
                when=pgtrigger.Before,
                condition=pgtrigger.Q(old__proposer__isnull=False)
                | pgtrigger.Q(new__state=State.MANUAL_REVIEW),
                func=MOVE_NAMES_PROPOSER,
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def in_view(self, at: str = "at") -> Q:
        """Of rows about it, dated by their column `at`, those that it shows: all, but where it is shown as it stood."""
        return Q(**{f"{at}__lt": self.as_of}) if self.as_of else Q()

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def approved_money(self) -> Money | None:
        return None if self.approved_amount is None else Money(self.approved_amount, self.currency)


class RefundItem(models.Model):
    """A unit a request covers, with its share of the amounts. One open request per unit (requirement C4)."""

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="items")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="refund_items")
    amount = models.BigIntegerField(_("amount"))  # 0 where the request is for a duplicate charge
    approved_amount = models.BigIntegerField(_("amount approved"), default=0)
    is_open = models.BooleanField(default=True)  # kept by a trigger on the request's state

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "unit"], name="unit_once_per_request"),
            models.UniqueConstraint(
                fields=["unit"], condition=Q(is_open=True), name="one_open_request_per_unit"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0, approved_amount__gte=0, approved_amount__lte=models.F("amount")),
                name="item_approved_within_amount",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="paid_in_place",
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("approved_amount"),
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__approved_amount__gt=0),
                func=ONLY_IN_PLACE,
            )
        ]


class Transition(models.Model):
    """One move of a request: the history is written with the change, or the change does not happen.

    Migration 0002 adds what Django cannot say: a request's (id, sequence, state) must be a row here, and each
    row must continue from the one before it. So `update(state=…)` fails at commit, whoever tries it.
    """

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="transitions")
    sequence = models.PositiveIntegerField()
    previous = models.PositiveIntegerField(null=True)
    event = models.CharField(_("event"), max_length=24)
    from_state = models.CharField(_("from"), max_length=20, blank=True)
    to_state = models.CharField(_("to"), max_length=20, choices=State)
    at = models.DateTimeField(_("at"))
    actor = models.CharField(_("by"), max_length=16, choices=Party)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    clause = models.CharField(_("clause"), max_length=16, blank=True)
    note = models.TextField(_("note"), blank=True)
    due_at = models.DateTimeField(_("clock set to"), null=True)

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        constraints = [
            models.UniqueConstraint(fields=["request", "sequence"], name="transition_once_per_sequence"),
            models.UniqueConstraint(fields=["request", "sequence", "to_state"], name="transition_target"),
            models.CheckConstraint(
                condition=Q(sequence=1, previous__isnull=True, from_state="")
                | Q(sequence__gt=1, previous=models.F("sequence") - 1),
                name="transition_follows_previous",
            ),
            models.CheckConstraint(
                condition=Q(
                    *(
                        Q(
                            event=edge.event,
                            from_state=edge.source,
                            to_state=edge.target,
                            actor__in=sorted(edge.by),
                        )
                        for edge in EDGES
                    ),
                    _connector=Q.OR,
                ),
                name="transition_is_an_edge",
            ),
            models.CheckConstraint(
                condition=Q(actor__in=["system", "buyer"], user__isnull=True)
                | (~Q(actor__in=["system", "buyer"]) & Q(user__isnull=False)),
                name="transition_names_its_actor",
            ),
        ]
        # For figures by day. Rows come in the order of time, so that a summary of their pages is enough.
        indexes = [BrinIndex(fields=["at"], name="transition_by_time", pages_per_range=32)]
        triggers = append_only()
