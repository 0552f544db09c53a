"""decide_to_refunded: a submitted request decided, sent and paid back, against three transactions by hand.

The channel is outside on both sides: it answers at once, from memory. A sandbox that keeps its books in our
database would charge us for what a real channel does elsewhere.
"""

import itertools
from datetime import timedelta
from typing import Any

from django.utils import timezone
from psycopg.types.json import Jsonb

from . import report, rows
from .crew import Crew, Step, compare_rates
from .server import Server, connect

NAME = "decide_to_refunded"
UNIT = "refunds/s"
TARGET = report.at_least(0.6)
HANDS = 2
REQUESTS_A_SECOND = {"ours": 800, "floor": 2000}


def run(server: Server, scale: float) -> report.Figure:
    seconds = max(0.5, 4.0 * scale)
    spell = seconds * 8 + 1
    shares = {side: int(spell * rate / HANDS) + 1 for side, rate in REQUESTS_A_SECOND.items()}
    total = sum(shares.values()) * HANDS
    with server.database(NAME) as url:
        with rows.Loader(url) as load:
            rows.orders(load, total)
            rows.goods_and_money(load, total)
            rows.requests(load, total, state="submitted")
            rows.items(load, total)
            load.done()
        ends = list(itertools.accumulate([shares["ours"]] * HANDS + [shares["floor"]] * HANDS))
        spans = list(zip([0, *ends], ends, strict=False))
        with Crew(by_program, url, spans[:HANDS]) as ours, Crew(by_hand, url, spans[HANDS:]) as floor:
            return compare_rates(NAME, ours, floor, seconds, UNIT)


class Instant:
    """A channel that pays at once and is always there."""

    def refund(self, instruction: Any) -> Any:
        from marketplace.payments.gateways.base import Result, Status

        return Result(Status.SUCCEEDED, channel_refund_no=f"IN{instruction.number}")

    query = refund


def by_program(_url: str, span: tuple[int, int]) -> Step:
    from marketplace.payments import gateways
    from refunds.operations.decide import precheck
    from refunds.operations.pay import pay

    gateways.for_channel = lambda channel: Instant()
    numbers = iter(range(span[0] + 1, span[1] + 1))

    def refund_one() -> None:
        request = next(numbers)
        precheck(request, timezone.now())
        if pay(f"RF{request}", timezone.now()) != 1:
            raise RuntimeError(f"RF{request} was not paid: the policy approves these no more")

    return refund_one


def by_hand(url: str, span: tuple[int, int]) -> Step:
    connection = connect(url)
    numbers = iter(range(span[0] + 1, span[1] + 1))
    facts, findings = decided_once()

    def refund_one() -> None:
        request = next(numbers)
        number, sent_as = f"RF{request}", f"RTH{request}"
        with connection.transaction(), connection.cursor() as cursor:
            _decide(cursor, request, number, sent_as, facts, findings)
        with connection.transaction(), connection.cursor() as cursor:
            _mark_sent(cursor, request, sent_as)
        with connection.transaction(), connection.cursor() as cursor:
            _book(cursor, request, sent_as)

    return refund_one


def decided_once() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Facts and findings as the program stores them, of the size they have."""
    from refunds.policy import DEFAULTS, CaptureFacts, EventFacts, Facts, Terms, UnitFacts, decide

    now = timezone.now()
    before = now - timedelta(hours=3)
    facts = Facts(
        goods_type="card_code", reason="not_activated", remedy="refund", currency="CNY", fx_rate=None, region="CN",
        total=rows.TOTAL, amount=rows.TOTAL, created_at=before, paid_at=before, completed_at=before, filed_at=now,
        consent_waiver=False, window_days=15, no_reason_days=0, conditions=(("unused_within_hours", 24),),
        captures=(CaptureFacts("alipay", rows.TOTAL, before),),
        units=(UnitFacts("1", rows.TOTAL, events=(EventFacts("delivered", before),)),),
        risk_signals=(), evidence=(), identity_verified=False,
    )  # fmt: skip
    decision = decide(facts, Terms.model_validate(DEFAULTS["card_code"]), now)
    return facts.to_json(), [finding.to_json() for finding in decision.findings]


def _decide(cursor: Any, request: int, number: str, sent_as: str, facts: Any, findings: Any) -> None:
    """Decision, claim and transfer: what the first transaction of the program reads and writes."""
    now = timezone.now()
    cursor.execute(
        "SELECT r.state, r.amount, r.reason, o.id, o.buyer_id, o.goods_type, o.snapshot, o.total, o.paid_at"
        " FROM refunds_refundrequest r JOIN orders_order o ON o.id = r.order_id WHERE r.id = %s FOR UPDATE OF r",
        [request],
    )
    _state, amount, _reason, order, buyer, *_rest = cursor.fetchone()
    cursor.execute(
        "SELECT u.id, u.ref, u.amount, e.type, e.at, i.is_open, i.amount FROM orders_unit u"
        " LEFT JOIN orders_unitevent e ON e.unit_id = u.id LEFT JOIN refunds_refunditem i ON i.unit_id = u.id"
        " WHERE u.order_id = %s",
        [order],
    )
    cursor.fetchall()
    cursor.execute("SELECT kind FROM risk_signal WHERE buyer_id = %s AND cleared_at IS NULL", [buyer])
    cursor.fetchall()
    cursor.execute(
        "SELECT id, channel, amount, claimed, captured_at FROM payments_capture WHERE order_id = %s"
        " ORDER BY captured_at, id FOR UPDATE",
        [order],
    )
    ((capture, *_rest),) = cursor.fetchall()
    cursor.execute(
        "INSERT INTO refunds_decision (request_id, policy_id, at, outcome, amount, one_click, facts, findings,"
        " would_change) VALUES (%s, 1, %s, 'approve', %s, true, %s, %s, '[]')",
        [request, now, amount, Jsonb(facts), Jsonb(findings)],
    )
    _move(cursor, request, 1, "precheck", "submitted", "prechecking", now)
    cursor.execute(
        "INSERT INTO payments_claim (capture_id, kind, reference, amount, created_at)"
        " VALUES (%s, 'refund', %s, %s, %s) RETURNING id",
        [capture, number, amount, now],
    )
    (claim,) = cursor.fetchone()
    cursor.execute(
        "INSERT INTO payments_transfer (claim_id, number, reference, state, attempts, next_try_at,"
        " channel_refund_no, error_code, error_detail, created_at)"
        " VALUES (%s, %s, %s, 'queued', 0, %s, '', '', '', %s)",
        [claim, sent_as, number, now, now],
    )
    cursor.execute("UPDATE refunds_refunditem SET approved_amount = amount WHERE request_id = %s", [request])
    cursor.execute("INSERT INTO kernel_outboxjob (task, args) VALUES ('refunds.pay', %s)", [Jsonb([number])])
    _move(cursor, request, 2, "policy_approve", "prechecking", "approved", now, approved=amount)


def _mark_sent(cursor: Any, request: int, sent_as: str) -> None:
    now = timezone.now()
    cursor.execute("SELECT state, sequence FROM refunds_refundrequest WHERE id = %s FOR UPDATE", [request])
    cursor.fetchone()
    cursor.execute(
        "SELECT t.id, c.amount, p.channel, p.channel_no, p.currency FROM payments_transfer t"
        " JOIN payments_claim c ON c.id = t.claim_id JOIN payments_capture p ON p.id = c.capture_id"
        " WHERE t.number = %s AND t.next_try_at <= %s FOR UPDATE OF t SKIP LOCKED",
        [sent_as, now],
    )
    transfer, *_rest = cursor.fetchone()
    cursor.execute(
        "UPDATE payments_transfer SET state = 'sending', attempts = 1, sent_at = %s, next_try_at = %s WHERE id = %s",
        [now, now, transfer],
    )
    _move(cursor, request, 3, "pay", "approved", "refunding", now)


def _book(cursor: Any, request: int, sent_as: str) -> None:
    now = timezone.now()
    cursor.execute("SELECT state, sequence FROM refunds_refundrequest WHERE id = %s FOR UPDATE", [request])
    cursor.fetchone()
    cursor.execute(
        "SELECT t.id, c.amount, p.channel, s.code FROM payments_transfer t"
        " JOIN payments_claim c ON c.id = t.claim_id JOIN payments_capture p ON p.id = c.capture_id"
        " JOIN orders_order o ON o.id = p.order_id JOIN sellers_seller s ON s.id = o.seller_id"
        " WHERE t.number = %s FOR UPDATE OF t",
        [sent_as],
    )
    transfer, amount, channel, seller = cursor.fetchone()
    cursor.execute(
        "UPDATE payments_transfer SET state = 'succeeded', settled_at = %s, channel_refund_no = %s WHERE id = %s",
        [now, f"IN{sent_as}", transfer],
    )
    book_by_hand(
        cursor, "refund", f"refund:{sent_as}", ("escrow", seller), ("clearing", channel), amount, now
    )
    _move(cursor, request, 4, "settle", "refunding", "refunded", now)


def book_by_hand(
    cursor: Any, recipe: str, reference: str, debit: Any, credit: Any, amount: int, now: Any
) -> None:
    """One movement statement by statement; both postings in one, because the database balances by statement."""
    cursor.execute(
        "SELECT id, kind FROM ledger_account WHERE currency = 'CNY' AND (kind, owner) IN ((%s, %s), (%s, %s))",
        [*debit, *credit],
    )
    account = {kind: key for key, kind in cursor.fetchall()}
    cursor.execute(
        "INSERT INTO ledger_transaction (reference, recipe, occurred_at) VALUES (%s, %s, %s) RETURNING id",
        [reference, recipe, now],
    )
    (key,) = cursor.fetchone()
    cursor.execute(
        "INSERT INTO ledger_posting (transaction_id, account_id, amount, currency)"
        " VALUES (%s, %s, %s, 'CNY'), (%s, %s, %s, 'CNY')",
        [key, account[debit[0]], amount, key, account[credit[0]], -amount],
    )


def _move(
    cursor: Any,
    request: int,
    before: int,
    event: str,
    source: str,
    target: str,
    now: Any,
    approved: int | None = None,
) -> None:
    cursor.execute(
        "UPDATE refunds_refundrequest SET state = %s, sequence = %s, approved_amount = coalesce(%s, approved_amount)"
        " WHERE id = %s AND state = %s",
        [target, before + 1, approved, request, source],
    )
    cursor.execute(
        "INSERT INTO refunds_transition (request_id, sequence, previous, event, from_state, to_state, at, actor,"
        " clause, note) VALUES (%s, %s, %s, %s, %s, %s, %s, 'system', '', '')",
        [request, before + 1, before, event, source, target, now],
    )
