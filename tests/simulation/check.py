"""What must be true of a world at rest: our books against the channel's, request by request."""

from collections import Counter, defaultdict
from typing import Any, NamedTuple

from django.utils import timezone

from marketplace.kernel.errors import Refusal
from marketplace.payments.gateways.base import ChannelUnreachable
from marketplace.payments.models import Break
from marketplace.payments.operations.reconcile import reconcile
from refunds.invariants import INVARIANTS, breaks
from refunds.telling import TOLD

from .world import World

KINDS = ("double", "lost", "unbalanced", "error")
STUCK = ("failed", "abnormal", "manual")
WAITING = ("submitted", "prechecking", "awaiting_seller", "awaiting_buyer", "awaiting_evidence")
FEE = (1_500, "USD")  # of a lost chargeback (refunds/policy/defaults.py)


class Finding(NamedTuple):
    kind: str  # of KINDS
    text: str


class Row(NamedTuple):
    """A transfer as our books have it."""

    number: str
    reference: str
    state: str
    error_code: str
    amount: int
    currency: str
    channel: str
    channel_no: str
    by_hand: int  # how often two persons paid it instead
    by_chargeback: int  # of the amount


_TRANSFERS = """
SELECT t.number, t.reference, t.state, t.error_code, k.amount, c.currency, c.channel, c.channel_no,
    (SELECT count(*) FROM payments_payout p WHERE p.transfer_id = t.id AND p.paid_at IS NOT NULL), t.by_chargeback
FROM payments_transfer t JOIN payments_claim k ON k.id = t.claim_id JOIN payments_capture c ON c.id = k.capture_id
WHERE c.order_id = ANY(%(orders)s) ORDER BY t.id
"""
_REQUESTS = "SELECT number, state FROM refunds_refundrequest WHERE order_id = ANY(%(orders)s) ORDER BY id"


def check(world: World, at_rest: bool) -> list[Finding]:
    rows = [Row(*row) for row in world.rows(_TRANSFERS)]
    world.tally["charged back", "done"] += sum(row.state == "charged_back" for row in rows)
    return [
        *(Finding("error", text) for text in world.errors),
        *([] if at_rest else [Finding("lost", "there is always something left to do")]),
        *_paid_twice(world, rows),
        *_lost(world, rows),
        *_untold(world),
        *_books_differ(world, rows),
        *_unbalanced(world, rows),
    ]


def _paid_twice(world: World, rows: list[Row]) -> list[Finding]:
    """Of no payment more is with the buyer than was claimed for refunds, whatever numbers it went out under."""
    found = [Finding("double", text) for text in world.beside]
    claimed: Counter[str] = Counter()
    by_hand: Counter[str] = Counter()
    for row in rows:
        claimed[row.channel_no] += (row.by_chargeback or row.amount) if row.state != "cancelled" else 0
        by_hand[row.channel_no] += row.amount * row.by_hand
        times = sum(p.number == row.number for p in world.channel.out(row.channel_no)) + row.by_hand
        if times > 1:
            found.append(Finding("double", f"{row.number} was paid {times} times"))
    for capture in world.captures:
        no = capture.channel_no
        out = world.channel.out(no)
        total = sum(paid.money.amount for paid in out) + by_hand[no]
        if total > claimed[no]:
            numbers = ", ".join(paid.number for paid in out)
            found.append(Finding("double", f"{no}: {claimed[no]} promised, {total} paid under {numbers}"))
    return found


def _lost(world: World, rows: list[Row]) -> list[Finding]:
    """Each request is with somebody: paid back, decided, with a reviewer, or its money with a person who knows why."""
    by_request: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.state != "cancelled":
            by_request[row.reference].append(row)
    found = []
    for number, state in world.rows(_REQUESTS):
        mine = by_request[number]
        paid = sum(row.state in ("succeeded", "charged_back") for row in mine)
        stuck = sum(row.state in STUCK and bool(row.error_code) for row in mine)
        states = ", ".join(f"{row.number} {row.state} {row.error_code}" for row in mine) or "no transfer"
        if state in WAITING:
            found.append(Finding("lost", f"{number} is still {state}"))
        elif state in ("approved", "refunding") and (not stuck or stuck + paid < len(mine)):
            found.append(Finding("lost", f"{number} is {state} and nobody is at it: {states}"))
        elif state == "refunded" and (not mine or paid < len(mine)):
            found.append(Finding("lost", f"{number} is refunded, but {states}"))
    return found


_UNTOLD = """
SELECT r.number, t.event FROM refunds_transition t JOIN refunds_refundrequest r ON r.id = t.request_id
WHERE r.order_id = ANY(%(orders)s) AND t.event = ANY(%(told)s)
AND NOT EXISTS (SELECT 1 FROM notices_notice n WHERE n.source = r.number || ':' || t.sequence) ORDER BY t.id
"""


def _untold(world: World) -> list[Finding]:
    """Whoever is to hear of a move has heard of it. That nobody hears twice is the database's to keep."""
    rows = world.rows(_UNTOLD, told=sorted(TOLD))
    return [Finding("lost", f"nobody was told of {event} of {number}") for number, event in rows]


def _there(world: World, row: Row) -> int:
    return sum(p.money.amount for p in world.channel.out(row.channel_no) if p.number == row.number)


def _here(row: Row) -> int:
    return row.amount if row.state == "succeeded" and not row.by_hand else 0


def _books_differ(world: World, rows: list[Row]) -> list[Finding]:
    """What the channel has paid under a number is what our books say of it, or reconciliation tells a person.

    Of a transfer in `manual` our books say that nobody knows.
    """
    found = []
    for row in rows:
        there, here = _there(world, row), _here(row)
        if there == here or (row.state == "manual" and there in (0, row.amount)):
            continue
        if _reconciliation_tells(world, row):
            world.tally["reconciliation", "done"] += 1
        else:
            text = f"{row.number}: {row.state} with {here} here, {there} at the channel"
            found.append(Finding("unbalanced", text))
    return found


def _reconciliation_tells(world: World, row: Row) -> bool:
    for paid in world.channel.paid:
        if paid.number == row.number:
            try:
                reconcile(channel=row.channel, day=timezone.localdate(paid.taken_at), now=world.now)
            except (Refusal, ChannelUnreachable):
                return False
    return Break.objects.filter(channel=row.channel, number=row.number, closed_at__isnull=True).exists()


_MONEY = """
SELECT a.kind, p.currency, sum(p.amount)::bigint FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
WHERE p.transaction_id > %(since)s GROUP BY a.kind, p.currency
"""


def _unbalanced(world: World, rows: list[Row]) -> list[Finding]:
    """The movements of this world sum to zero, and what they left at the channels is what the channels have."""
    booked = {
        (kind, currency): amount for kind, currency, amount in world.rows(_MONEY, since=world.booked_before)
    }
    totals: Counter[str] = Counter()
    for (_kind, currency), amount in booked.items():
        totals[currency] += amount
    found = [Finding("unbalanced", f"{c} postings sum to {total}") for c, total in totals.items() if total]
    there = _at_the_channels(world)
    # What the transfers do not agree on is a finding, or a person's business, already.
    for row in rows:
        there[row.currency] += _there(world, row) - _here(row)
    for currency in totals:
        here = booked.get(("clearing", currency), 0)
        if here != there[currency]:
            found.append(
                Finding(
                    "unbalanced",
                    f"{here} {currency} at the channels by our books, {there[currency]} by theirs",
                )
            )
    return found


def _at_the_channels(world: World) -> Counter[str]:
    """What the channels owe us by their own books."""
    left: Counter[str] = Counter()
    for capture in world.captures:
        left[capture.currency] += capture.amount
        for paid in world.channel.out(capture.channel_no):
            left[capture.currency] -= paid.money.amount
    for told in world.channel.disputes.values():
        if told.status != "won":
            left[told.money.currency] -= told.money.amount
        if told.status == "lost":
            left[FEE[1]] -= FEE[0]
    return left


def check_everything() -> list[Finding]:
    """The product's own invariants, over all that happened in this database."""
    found: list[tuple[str, Any]] = [
        (invariant.name, row) for invariant in INVARIANTS for row in breaks(invariant, limit=5)
    ]
    return [Finding("unbalanced", f"{name}: {row}") for name, row in found]
