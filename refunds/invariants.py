"""Every invariant as one query that returns its breaks; `manage.py verify` runs them all.

The database holds most of these by constraint. They are asked again because a restore, a superuser or a bug in a
constraint could have broken what no constraint will look at again.
"""

from typing import NamedTuple

from django.db import connection

from .machine import OPEN, PAYABLE


class Invariant(NamedTuple):
    """`sql` returns one row per break, its first column naming the row that is wrong."""

    name: str
    law: str
    sql: str


def _states(states: frozenset[str]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(map(str, states)))


INVARIANTS = (
    Invariant(
        "ledger_balanced",
        "Postings of a transaction sum to zero in each currency.",
        "SELECT t.reference, p.currency, sum(p.amount) FROM ledger_posting p"
        " JOIN ledger_transaction t ON t.id = p.transaction_id"
        " GROUP BY t.id, t.reference, p.currency HAVING sum(p.amount) <> 0",
    ),
    Invariant(
        "transaction_has_postings",
        "A booking is never empty.",
        "SELECT t.reference FROM ledger_transaction t"
        " WHERE NOT EXISTS (SELECT 1 FROM ledger_posting p WHERE p.transaction_id = t.id)",
    ),
    Invariant(
        "claims_counted",
        "A capture's claimed amount is the sum of its live claims.",
        "SELECT c.channel_no, c.claimed, coalesce(sum(k.amount), 0) FROM payments_capture c"
        " LEFT JOIN payments_claim k ON k.capture_id = c.id AND k.released_at IS NULL"
        " GROUP BY c.id HAVING c.claimed <> coalesce(sum(k.amount), 0)",
    ),
    Invariant(
        "claims_within_capture",
        "Claims never exceed the capture.",
        "SELECT channel_no, amount, claimed FROM payments_capture WHERE claimed > amount OR claimed < 0",
    ),
    Invariant(
        "capture_booked_once",
        "Every capture is in the books, with its amount.",
        "SELECT c.channel_no FROM payments_capture c"
        " LEFT JOIN ledger_transaction t ON t.reference = 'capture:' || c.id"
        " LEFT JOIN ledger_posting p ON p.transaction_id = t.id AND p.amount = c.amount"
        " WHERE p.id IS NULL",
    ),
    Invariant(
        "refund_booked_once",
        "Of a transfer, its claim's amount has left our accounts when and only when it succeeded; what came back is back.",
        "SELECT f.number, f.state, k.amount, sum(p.amount) FROM payments_transfer f"
        " JOIN payments_claim k ON k.id = f.claim_id"
        " LEFT JOIN ledger_transaction t"
        " ON t.reference IN ('refund:' || f.number, 'payout:' || f.number, 'reversal:refund:' || f.number)"
        " LEFT JOIN (ledger_posting p JOIN ledger_account a ON a.id = p.account_id AND a.kind IN ('clearing', 'bank'))"
        " ON p.transaction_id = t.id"
        " GROUP BY f.id, k.amount"
        " HAVING coalesce(-sum(p.amount), 0) <> CASE WHEN f.state = 'succeeded' THEN k.amount ELSE 0 END",
    ),
    Invariant(
        "state_is_last_transition",
        "A request's state is the target of its last transition, and nothing follows it.",
        "SELECT r.number, r.state FROM refunds_refundrequest r LEFT JOIN refunds_transition t"
        " ON t.request_id = r.id AND t.sequence = r.sequence AND t.to_state = r.state"
        " WHERE t.id IS NULL"
        " OR EXISTS (SELECT 1 FROM refunds_transition n WHERE n.request_id = r.id AND n.sequence > r.sequence)",
    ),
    Invariant(
        "transitions_continue",
        "Each transition continues from the one before it, from the first on.",
        "SELECT r.number, t.sequence FROM refunds_transition t JOIN refunds_refundrequest r ON r.id = t.request_id"
        " LEFT JOIN refunds_transition p ON p.request_id = t.request_id AND p.sequence = t.sequence - 1"
        " WHERE t.sequence > 1 AND (p.id IS NULL OR p.to_state <> t.from_state)",
    ),
    Invariant(
        "approved_amount_reserved",
        "What is approved is claimed, to the unit, and nothing else is.",
        "SELECT r.number, r.approved_amount, coalesce(sum(k.amount), 0) FROM refunds_refundrequest r"
        " LEFT JOIN payments_claim k ON k.reference = r.number AND k.kind = 'refund' AND k.released_at IS NULL"
        f" GROUP BY r.id HAVING (r.state IN ({_states(PAYABLE)}) OR count(k.id) > 0)"
        " AND coalesce(r.approved_amount, 0) <> coalesce(sum(k.amount), 0)",
    ),
    Invariant(
        "refunded_means_paid",
        "A request is refunded when and only when all its transfers succeeded.",
        "SELECT r.number, r.state FROM refunds_refundrequest r"
        " JOIN payments_transfer f ON f.reference = r.number AND f.state <> 'cancelled'"
        " GROUP BY r.id HAVING (r.state = 'refunded') <> bool_and(f.state = 'succeeded')",
    ),
    Invariant(
        "items_in_step",
        "A request's units are held exactly while it is open.",
        "SELECT r.number, i.unit_id FROM refunds_refunditem i JOIN refunds_refundrequest r ON r.id = i.request_id"
        f" WHERE i.is_open <> (r.state IN ({_states(OPEN)}))",
    ),
    Invariant(
        "two_persons_above_limit",
        "Above the limit, maker and checker are two persons.",
        "SELECT number FROM refunds_refundrequest WHERE approved_amount > two_person_above"
        " AND (maker_id IS NULL OR checker_id IS NULL OR maker_id = checker_id)",
    ),
    Invariant(
        "sandbox_agrees",
        "Each transfer that succeeded at the sandbox is in the sandbox's own books with the same amount.",
        "SELECT f.number FROM payments_transfer f JOIN payments_claim k ON k.id = f.claim_id"
        " LEFT JOIN payments_sandboxrefund s ON s.number = f.number"
        " WHERE f.state = 'succeeded' AND f.channel_refund_no LIKE 'SB%%'"
        " AND NOT EXISTS (SELECT 1 FROM payments_payout o WHERE o.transfer_id = f.id AND o.paid_at IS NOT NULL) AND s.amount IS DISTINCT FROM k.amount",
    ),
)


def breaks(invariant: Invariant, limit: int = 100) -> list[tuple[object, ...]]:
    """Up to `limit` rows that break the invariant."""
    with connection.cursor() as cursor:
        cursor.execute(f"{invariant.sql} LIMIT {limit}", [])
        found: list[tuple[object, ...]] = cursor.fetchall()
        return found
