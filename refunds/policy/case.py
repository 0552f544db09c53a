"""What the rules share, worked out once from the facts: use of the units, the window, the amount, the roads.

A road is a ground on which the machine may pay by itself. Rules read a case and never change it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from .facts import CaptureFacts, Facts
from .goods import exponent, wait_class
from .reasons import REASONS, Reason
from .terms import Terms
from .usage import UnitUse, unit_use

Road = Literal[
    "duplicate.captures", "amount.small", "fault.before_delivery", "seller_promise.met", "region.met"
]
Basis = Literal["days", "hours", "condition", "right"]


class UnknownReason(ValueError):
    """The facts carry a reason that is not in the closed list (B1)."""


class Case:
    """The facts of one request and what follows from them. Amounts in the order's minor units."""

    __slots__ = (
        "all_used",
        "any_used",
        "arrived",
        "available",
        "before_delivery",
        "closes_at",
        "credited",
        "currency",
        "delivered_all",
        "delivered_at",
        "duplicate_amount",
        "duplicate_count",
        "facts",
        "in_window",
        "latest_capture",
        "may_file_at",
        "now",
        "paid_from",
        "promise_until",
        "promo_spent",
        "reason",
        "refunded",
        "remaining",
        "revealed",
        "right_until",
        "road",
        "seen",
        "small",
        "stake",
        "stake_cny",
        "suspected",
        "terms",
        "unused",
        "uses",
        "window_basis",
        "window_days",
    )

    facts: Facts
    terms: Terms
    now: datetime
    reason: Reason
    uses: list[UnitUse]
    road: Road | None
    small: bool | None  # None: the amount cannot be compared for want of a rate

    def __init__(self, facts: Facts, terms: Terms, now: datetime) -> None:
        reason = REASONS.get(facts.reason)
        if reason is None:
            raise UnknownReason(f"{facts.reason!r} is not a refund reason; one of {', '.join(REASONS)}")
        self.facts = facts
        self.terms = terms
        self.now = now
        self.reason = reason
        self.currency = facts.currency
        self._read_units()
        self._read_captures()
        self._read_rights()
        self._read_window()
        self._weigh()
        self._find_road()

    def _read_units(self) -> None:
        used = suspected = seen = before = remaining = refunded = 0
        revealed = promo = False
        delivered_all = True
        delivered: datetime | None = None
        self.uses = uses = []
        for unit in self.facts.units:
            use = unit_use(unit.events)
            uses.append(use)
            remaining += unit.amount - unit.refunded
            refunded += unit.refunded
            if use.use == "used":
                used += 1
                promo = promo or use.promo_spent
            elif use.use == "suspected":
                suspected += 1
            elif use.use == "seen":
                seen += 1
            revealed = revealed or use.revealed_at is not None
            before += use.redeemed_before_delivery
            if use.delivered_at is None:
                delivered_all = False
            elif delivered is None or use.delivered_at > delivered:
                delivered = use.delivered_at

        self.remaining: int = remaining
        self.refunded: int = refunded
        self.delivered_all: bool = delivered_all
        self.delivered_at: datetime | None = delivered
        self.revealed: bool = revealed
        self.arrived: bool = revealed or delivered is not None
        self.promo_spent: bool = promo
        self.any_used: bool = used > 0
        self.all_used: bool = used > 0 and used == len(uses)
        self.suspected: bool = suspected > 0
        self.seen: bool = seen > 0
        self.credited: bool = self.terms.credited_on_delivery and self.arrived
        no_use = bool(uses) and not used and not suspected and not self.credited
        self.unused: bool = no_use and not revealed
        # Every unit must have been taken before delivery: one bad code does not prove the others bad.
        self.before_delivery: bool = no_use and before == len(uses)

    def _read_captures(self) -> None:
        """Totals of the payment, and the duplicates: captures made after the total was covered (G3)."""
        captures: list[CaptureFacts] | tuple[CaptureFacts, ...] = self.facts.captures
        if len(captures) > 1:
            # Amounts join the sort key so that equal instants still give one answer whatever the order given.
            captures = sorted(captures, key=lambda c: (c.captured_at, c.channel, c.amount, c.claimed))
        available = covered = amount = count = 0
        for index, capture in enumerate(captures):
            rest = capture.amount - capture.claimed
            rest = max(rest, 0)
            available += rest
            # The first capture is never a duplicate, not even of a total of nothing.
            if index and covered >= self.facts.total:
                amount += rest
                count += 1
            covered += capture.amount
        self.available: int = available
        self.duplicate_amount: int = amount
        self.duplicate_count: int = count
        self.latest_capture: CaptureFacts | None = captures[-1] if captures else None
        self.paid_from: datetime | None = self.facts.paid_at or (
            captures[0].captured_at if captures else None
        )

        self.may_file_at: datetime | None = None
        if self.facts.reason == "not_delivered" and not self.arrived and self.paid_from is not None:
            kind = wait_class(self.latest_capture.channel) if self.latest_capture else "wallet"
            self.may_file_at = self.paid_from + self.terms.waits.of(kind)

    def _read_rights(self) -> None:
        """Until when a change of mind is covered by the product's promise or by the region's law (B2,
        B10)."""
        self.promise_until: datetime | None = None
        self.right_until: datetime | None = None
        facts = self.facts
        if facts.reason != "no_fault":
            return
        if facts.no_reason_days > 0:
            start = facts.completed_at or self.delivered_at or self.paid_from or facts.created_at
            self.promise_until = start + timedelta(days=facts.no_reason_days)
        if not facts.consent_waiver and facts.region.upper() in self.terms.withdrawal.regions:
            start = self.paid_from or facts.created_at
            self.right_until = start + timedelta(days=self.terms.withdrawal.days)

    def _read_window(self) -> None:
        facts, terms = self.facts, self.terms
        closes: datetime | None = None
        basis: Basis = "days"
        days = facts.window_days
        days = (
            terms.window_days
            if days is None
            else min(max(days, terms.window_min_days), terms.window_max_days)
        )
        if terms.window_hours_from_payment is not None:
            basis = "hours"
            if self.paid_from is not None:
                closes = self.paid_from + timedelta(hours=terms.window_hours_from_payment)
        elif facts.completed_at is not None:
            closes = facts.completed_at + timedelta(days=days)

        if facts.conditions:
            narrowed = self._narrowed()
            if narrowed is not None and (closes is None or narrowed < closes):
                closes, basis = narrowed, "condition"
        if closes is not None:
            for until in (self.promise_until, self.right_until):
                if until is not None and until > closes:
                    closes, basis = until, "right"

        self.window_days: int = days
        self.closes_at: datetime | None = closes
        self.window_basis: Basis = basis
        self.in_window: bool = closes is None or facts.filed_at <= closes

    def _narrowed(self) -> datetime | None:
        hours = self.condition_hours()
        start = self.delivered_at or self.facts.completed_at or self.paid_from
        return None if hours is None or start is None else start + timedelta(hours=hours)

    def condition_hours(self) -> int | None:
        """Hours of the strictest `unused_within_hours` shown at purchase (B6); None without one."""
        hours = [
            value
            for code, value in self.facts.conditions
            # A condition without a number was never a term the buyer could have read.
            if code == "unused_within_hours" and type(value) is int and value >= 0
        ]
        return min(hours, default=None)

    def _weigh(self) -> None:
        """The amount at stake, and its worth in fen against the limits.

        What was refunded on these units before counts towards the limits: a big amount taken in small
        slices is not a small amount.
        """
        facts = self.facts
        duplicate = facts.reason == "duplicate_charge"
        self.stake: int = self.duplicate_amount if duplicate else facts.amount
        weight = self.stake if duplicate else self.stake + self.refunded
        self.stake_cny: int | Decimal | None = self.to_cny(weight)

    def to_cny(self, amount: int) -> int | Decimal | None:
        """Minor units of the order's currency in CNY fen, exact and unrounded; None without a usable rate
        (B9)."""
        if self.currency == "CNY":
            return amount
        rate = self.facts.fx_rate
        if rate is None or not rate.is_finite() or rate <= 0:
            return None
        return (amount * rate).scaleb(2 - exponent(self.currency))

    def _find_road(self) -> None:
        facts, terms, reason = self.facts, self.terms, self.reason.code
        small: bool | None = (
            not self.reason.to_person
            and facts.remedy == "refund"
            and self.unused
            and not facts.risk_signals
            and self.in_window
            and bool(facts.captures)
            and self.stake > 0
            and not (reason == "wrong_recharge" and self.arrived)
        )
        if small:
            small = None if self.stake_cny is None else self.stake_cny < terms.small_below
        self.small = small
        self.road = None
        if reason == "duplicate_charge":
            if self.duplicate_amount > 0:
                self.road = "duplicate.captures"
        elif self.reason.to_person:
            return
        elif small:
            self.road = "amount.small"
        elif self.before_delivery:
            self.road = "fault.before_delivery"
        elif self.unused and self.holds(self.promise_until):
            self.road = "seller_promise.met"
        elif self.unused and self.holds(self.right_until):
            self.road = "region.met"

    def holds(self, until: datetime | None) -> bool:
        """Whether a right that ends then was still running when the request was filed; its last second
        counts."""
        return until is not None and self.facts.filed_at <= until
