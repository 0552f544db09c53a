"""Every invariant as one query that returns its breaks; `manage.py verify` runs them all.

The database holds most of these by constraint. They are asked again because a restore, a superuser or a bug in a
constraint could have broken what no constraint will look at again.
"""

from typing import NamedTuple

from django.db import connection

from .figures.rollups import ROLLUPS, differences
from .filing_channels import FILED_BY
from .machine import HOLDABLE, OPEN, PAYABLE


class Invariant(NamedTuple):
    """`sql` returns one row per break, its first column naming the row that is wrong."""

    name: str
    law: str
    sql: str


def _states(states: frozenset[str]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(map(str, states)))


_FILERS = ", ".join(f"('{channel}', '{party}')" for channel, by in FILED_BY.items() for party in sorted(by))

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
        "settled_counted",
        "Of a capture, its settlements' sum is settled, and of its live claims what is to come from the seller.",
        "SELECT c.channel_no, c.settled, c.claimed_settled FROM payments_capture c"
        " LEFT JOIN (SELECT capture_id, sum(amount) AS amount FROM payments_settlement GROUP BY 1) s ON s.capture_id = c.id"
        " LEFT JOIN (SELECT capture_id, sum(from_settled) AS amount FROM payments_claim WHERE released_at IS NULL GROUP BY 1) k"
        " ON k.capture_id = c.id"
        " WHERE c.settled <> coalesce(s.amount, 0) OR c.claimed_settled <> coalesce(k.amount, 0)"
        " OR c.settled > c.amount - c.claimed + c.claimed_settled OR c.claimed_settled > c.settled",
    ),
    Invariant(
        "settled_within_order",
        "The seller of an order is settled its total at most.",
        "SELECT o.no, o.total, sum(c.settled) FROM payments_capture c JOIN orders_order o ON o.id = c.order_id"
        " WHERE c.settled > 0 GROUP BY o.id HAVING sum(c.settled) > o.total",
    ),
    Invariant(
        "settlement_booked_once",
        "Each settlement has left escrow with its amount, and what was kept of it is where it says.",
        "SELECT s.id, s.amount FROM payments_settlement s"
        " LEFT JOIN ledger_transaction t ON t.reference = 'settlement:' || s.id"
        " LEFT JOIN ledger_posting p ON p.transaction_id = t.id"
        " LEFT JOIN ledger_account a ON a.id = p.account_id"
        " GROUP BY s.id"
        " HAVING coalesce(sum(p.amount) FILTER (WHERE a.kind = 'escrow'), 0) <> s.amount"
        " OR coalesce(-sum(p.amount) FILTER (WHERE a.kind = 'platform_fee'), 0) <> s.commission"
        " OR coalesce(-sum(p.amount) FILTER (WHERE a.kind = 'debt'), 0) <> s.debt_repaid",
    ),
    Invariant(
        "withdrawal_booked",
        "A withdrawal is set aside while it waits, has left when and only when it is paid, and is back when rejected.",
        "SELECT w.number, w.state, w.amount, sum(p.amount) FROM payments_withdrawal w"
        " LEFT JOIN ledger_transaction t ON t.reference IN ('withdrawal:' || w.number, 'reversal:withdrawal:' || w.number)"
        " OR (w.bank_reference <> '' AND t.reference = 'bank:' || w.bank_reference)"
        " LEFT JOIN (ledger_posting p JOIN ledger_account a ON a.id = p.account_id AND a.kind IN ('withdrawing', 'bank'))"
        " ON p.transaction_id = t.id"
        " GROUP BY w.id"
        " HAVING coalesce(-sum(p.amount) FILTER (WHERE a.kind = 'withdrawing'), 0)"
        " <> CASE WHEN w.state = 'requested' THEN w.amount ELSE 0 END"
        " OR coalesce(-sum(p.amount) FILTER (WHERE a.kind = 'bank'), 0) <> CASE WHEN w.state = 'paid' THEN w.amount ELSE 0 END",
    ),
    Invariant(
        "balances_kept",
        "The balance an account keeps is the sum of its postings.",
        "SELECT a.kind, a.owner, a.currency, a.balance, sum(p.amount) FROM ledger_account a"
        " LEFT JOIN ledger_posting p ON p.account_id = a.id"
        " WHERE a.balance IS NOT NULL GROUP BY a.id HAVING a.balance <> coalesce(sum(p.amount), 0)",
    ),
    Invariant(
        "payout_booked_once",
        "What was paid by hand is booked as a payout, its transfer succeeded, and the channel did not pay it too.",
        "SELECT f.number, f.state FROM payments_transfer f"
        " LEFT JOIN payments_payout o ON o.transfer_id = f.id AND o.paid_at IS NOT NULL"
        " LEFT JOIN ledger_transaction p ON p.reference = 'payout:' || f.number AND p.recipe = 'payout'"
        " LEFT JOIN ledger_transaction r ON r.reference = 'refund:' || f.number"
        " LEFT JOIN ledger_transaction back ON back.reference = 'reversal:refund:' || f.number"
        " WHERE (o.id IS NULL) <> (p.id IS NULL) OR o.id IS NOT NULL AND f.state <> 'succeeded'"
        " OR p.id IS NOT NULL AND r.id IS NOT NULL AND back.id IS NULL",
    ),
    Invariant(
        "dispute_booked",
        "A chargeback is booked once with its amount, and once as it ended; a complaint never is.",
        "SELECT d.number, d.kind, d.state, count(p.id), sum(p.amount) FROM risk_dispute d"
        " LEFT JOIN ledger_transaction t ON t.reference IN"
        " ('chargeback:' || d.number, 'chargeback_won:' || d.number, 'chargeback_lost:' || d.number)"
        " LEFT JOIN (ledger_posting p JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'disputed')"
        " ON p.transaction_id = t.id"
        " GROUP BY d.id"
        " HAVING coalesce(sum(p.amount) FILTER (WHERE t.recipe = 'chargeback'), 0)"
        " <> CASE WHEN d.kind = 'chargeback' THEN d.amount ELSE 0 END"
        " OR coalesce(-sum(p.amount) FILTER (WHERE t.recipe = 'chargeback_won'), 0)"
        " <> CASE WHEN d.kind = 'chargeback' AND d.state = 'won' THEN d.amount ELSE 0 END"
        " OR coalesce(-sum(p.amount) FILTER (WHERE t.recipe = 'chargeback_lost'), 0)"
        " <> CASE WHEN d.kind = 'chargeback' AND d.state = 'lost' THEN d.amount ELSE 0 END",
    ),
    Invariant(
        "chargeback_borne",
        "Of a chargeback that was lost, the platform bears what its claim does not cover, and nothing else.",
        "SELECT d.number, d.amount, k.amount, sum(p.amount) FROM risk_dispute d"
        " LEFT JOIN payments_claim k ON k.id = d.claim_id"
        " LEFT JOIN ledger_transaction t ON t.reference = 'chargeback_lost:' || d.number"
        " OR t.recipe = 'chargeback_borne' AND t.reference LIKE 'chargeback_borne:' || d.number || ':%%'"
        " LEFT JOIN (ledger_posting p JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'chargeback_loss')"
        " ON p.transaction_id = t.id"
        " WHERE d.kind = 'chargeback' AND d.state = 'lost'"
        " GROUP BY d.id, k.amount HAVING coalesce(sum(p.amount), 0) <> d.amount - coalesce(k.amount, 0)",
    ),
    Invariant(
        "nothing_owed_beside_a_lost_chargeback",
        "A refund that failed, of a payment lost to a chargeback, is ended by it as far as it goes: it may not be paid.",
        "SELECT f.number, d.number FROM payments_transfer f JOIN payments_claim k ON k.id = f.claim_id"
        " JOIN risk_dispute d ON d.capture_id = k.capture_id AND d.kind = 'chargeback' AND d.state = 'lost'"
        " LEFT JOIN payments_claim held ON held.id = d.claim_id"
        " WHERE (f.state IN ('failed', 'abnormal') OR f.state = 'manual' AND f.sent_at IS NULL)"
        " AND d.amount > coalesce(held.amount, 0)",
    ),
    Invariant(
        "disputed_is_undecided",
        "What is disputed at a channel is its open chargebacks, to the unit.",
        "SELECT owner, currency, coalesce(b.amount, 0), coalesce(d.amount, 0)"
        " FROM (SELECT a.owner, a.currency, sum(p.amount) AS amount FROM ledger_account a"
        " JOIN ledger_posting p ON p.account_id = a.id WHERE a.kind = 'disputed' GROUP BY 1, 2) b"
        " FULL JOIN (SELECT channel AS owner, currency, sum(amount) AS amount FROM risk_dispute"
        " WHERE kind = 'chargeback' AND state = 'open' GROUP BY 1, 2) d USING (owner, currency)"
        " WHERE coalesce(b.amount, 0) <> coalesce(d.amount, 0)",
    ),
    Invariant(
        "dispute_claims",
        "A chargeback that is open or lost keeps its claim, what is over holds nothing, and no dispute's claim is without it.",
        "SELECT d.number, k.id FROM payments_claim k FULL JOIN risk_dispute d ON d.claim_id = k.id"
        " WHERE d.kind = 'chargeback' AND d.state <> 'won' AND k.released_at IS NOT NULL"
        " OR (d.state = 'won' OR d.kind = 'complaint' AND d.state = 'lost') AND k.id IS NOT NULL AND k.released_at IS NULL"
        " OR k.kind NOT IN ('refund', 'replacement') AND k.released_at IS NULL AND d.id IS NULL"
        " OR d.id IS NOT NULL AND k.id IS NOT NULL"
        " AND (k.capture_id <> d.capture_id OR k.kind <> d.kind OR k.reference <> d.number OR k.amount > d.amount)",
    ),
    Invariant(
        "replacement_held",
        "New goods on offer hold their worth of the payment, and nothing is held for others.",
        "SELECT coalesce(held.reference, worth.number), held.amount, worth.amount"
        " FROM (SELECT reference, sum(amount) AS amount FROM payments_claim"
        " WHERE kind = 'replacement' AND released_at IS NULL GROUP BY 1) held"
        " FULL JOIN (SELECT r.number, sum(n.amount) AS amount FROM refunds_offer o"
        " JOIN refunds_refundrequest r ON r.id = o.request_id JOIN refunds_offeredunit u ON u.offer_id = o.id"
        " JOIN orders_unit n ON n.id = u.new_id AND n.place = 'offered'"
        " WHERE o.answered_at IS NULL GROUP BY 1) worth ON worth.number = held.reference"
        " WHERE held.amount IS DISTINCT FROM worth.amount",
    ),
    Invariant(
        "one_unit_in_place",
        "Of a unit and its replacements one is in place: it takes the place of one that was replaced.",
        "SELECT u.id, u.ref, u.place FROM orders_unit u LEFT JOIN orders_unit old ON old.id = u.replaces_id"
        " WHERE u.place IN ('in_place', 'replaced') AND old.place <> 'replaced' OR u.place = 'replaced'"
        " AND 1 <> (SELECT count(*) FROM orders_unit n WHERE n.replaces_id = u.id AND n.place IN ('in_place', 'replaced'))",
    ),
    Invariant(
        "offer_waits_for_the_buyer",
        "An offer is open only while its request waits for the buyer, by the move that made it.",
        "SELECT r.number, r.state, o.sequence FROM refunds_offer o JOIN refunds_refundrequest r ON r.id = o.request_id"
        " WHERE o.answered_at IS NULL AND (r.state <> 'awaiting_buyer' OR r.sequence <> o.sequence)",
    ),
    Invariant(
        "backtest_counts_its_cases",
        "A finished back-test has judged all its parts, and its cases are theirs.",
        "SELECT r.id, r.cases, r.flipped FROM refunds_backtestrun r LEFT JOIN LATERAL ("
        " SELECT count(*) FILTER (WHERE p.judged_at IS NULL) AS left_over,"
        " coalesce(sum((SELECT sum((kind->>-1)::bigint) FROM jsonb_array_elements(p.tally->'kinds') kind)), 0) AS cases"
        " FROM refunds_backtestpart p WHERE p.run_id = r.id) parts ON true"
        " WHERE r.state = 'done' AND (parts.left_over > 0 OR parts.cases <> r.cases)",
    ),
    Invariant(
        "published_as_tried",
        "A version beyond the first was published upon a back-test of its very terms.",
        "SELECT d.id, d.goods_type FROM refunds_policydraft d WHERE d.state = 'published' AND NOT EXISTS ("
        " SELECT 1 FROM refunds_drafttested t JOIN refunds_backtestrun r ON r.id = t.run_id"
        " WHERE t.draft_id = d.id AND r.state = 'done' AND r.terms = d.terms)",
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
        "filed_by_its_channel",
        "Who filed a request is somebody who files through its channel.",
        "SELECT r.number, r.channel, t.actor FROM refunds_refundrequest r"
        " JOIN refunds_transition t ON t.request_id = r.id AND t.sequence = 1"
        f" WHERE (r.channel, t.actor) NOT IN ({_FILERS})",
    ),
    Invariant(
        "clocks_run",
        "The clock a request shows is running, and none runs in a case that is over.",
        "SELECT r.number, d.kind, d.closed_at FROM refunds_refundrequest r JOIN refunds_deadline d ON d.request_id = r.id"
        " WHERE d.closed_at IS NOT NULL AND (d.sequence, d.kind) = (r.sequence, r.due_kind)"
        f" OR d.closed_at IS NULL AND r.state NOT IN ({_states(OPEN)})",
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
        "What is approved is claimed, to the unit, or was paid by a chargeback, and nothing else is.",
        "SELECT r.number, r.approved_amount, coalesce(sum(k.amount), 0) FROM refunds_refundrequest r"
        " LEFT JOIN (SELECT reference, amount FROM payments_claim WHERE kind = 'refund' AND released_at IS NULL"
        " UNION ALL SELECT reference, by_chargeback FROM payments_transfer WHERE state = 'charged_back') k"
        " ON k.reference = r.number"
        f" GROUP BY r.id HAVING (r.state IN ({_states(PAYABLE)}) OR count(k.reference) > 0)"
        " AND coalesce(r.approved_amount, 0) <> coalesce(sum(k.amount), 0)",
    ),
    Invariant(
        "released_with_its_transfer",
        "A refund's claim holds its money exactly as long as its transfer may be paid, or was.",
        "SELECT f.number, f.state FROM payments_claim k LEFT JOIN payments_transfer f ON f.claim_id = k.id"
        " WHERE k.kind = 'refund'"
        " AND (f.id IS NULL OR (k.released_at IS NOT NULL) <> (f.state IN ('cancelled', 'charged_back')))",
    ),
    Invariant(
        "refunded_means_paid",
        "A request is refunded when and only when the buyer has all its transfers' money, by us or by a chargeback.",
        "SELECT r.number, r.state FROM refunds_refundrequest r"
        " JOIN payments_transfer f ON f.reference = r.number AND f.state <> 'cancelled'"
        " GROUP BY r.id HAVING (r.state = 'refunded') <> bool_and(f.state IN ('succeeded', 'charged_back'))",
    ),
    Invariant(
        "items_in_step",
        "A request's units are held exactly while it is open.",
        "SELECT r.number, i.unit_id FROM refunds_refunditem i JOIN refunds_refundrequest r ON r.id = i.request_id"
        f" WHERE i.is_open <> (r.state IN ({_states(OPEN)}))",
    ),
    Invariant(
        "decisions_name_a_fault",
        "What a person decided is a judgement that names whose fault it was, and the other way round.",
        "SELECT r.number, coalesce(t.sequence, j.sequence)"
        " FROM (SELECT * FROM refunds_transition WHERE event IN ('approve', 'reject', 'rule_for_buyer', 'rule_for_seller')) t"
        " FULL JOIN refunds_judgement j ON j.request_id = t.request_id AND j.sequence = t.sequence"
        " JOIN refunds_refundrequest r ON r.id = coalesce(t.request_id, j.request_id)"
        " WHERE t.id IS NULL OR j.id IS NULL OR (j.outcome = 'reject') <> (t.to_state = 'rejected')",
    ),
    Invariant(
        "appeal_booked",
        "What was made good to a seller is booked, to the unit, when and only when their appeal was decided so.",
        "SELECT r.number, a.amount, b.amount FROM (SELECT * FROM refunds_appeal WHERE amount > 0) a"
        " JOIN refunds_refundrequest r ON r.id = a.request_id"
        " FULL JOIN (SELECT t.reference, sum(p.amount) AS amount FROM ledger_transaction t"
        " JOIN ledger_posting p ON p.transaction_id = t.id JOIN ledger_account c ON c.id = p.account_id"
        " WHERE t.recipe = 'appeal_won' AND c.kind = 'compensation' GROUP BY 1) b ON b.reference = 'appeal_won:' || r.number"
        " WHERE a.amount IS DISTINCT FROM b.amount",
    ),
    Invariant(
        "one_holder_at_a_time",
        "Nobody had a case in hand while another had, and only what is to be decided is in anybody's hands.",
        "SELECT r.number, a.user_id, a.held_at, b.user_id, b.held_at FROM refunds_hold a JOIN ("
        " SELECT id, request_id, user_id, held_at, ended_at FROM refunds_hold"
        " UNION ALL SELECT NULL, id, holder_id, held_at, 'infinity' FROM refunds_refundrequest WHERE holder_id IS NOT NULL"
        ") b ON b.request_id = a.request_id AND b.id IS DISTINCT FROM a.id"
        " JOIN refunds_refundrequest r ON r.id = a.request_id"
        " WHERE a.held_at < b.ended_at AND b.held_at < a.ended_at"
        " UNION ALL SELECT number, holder_id, held_at, NULL, NULL FROM refunds_refundrequest"
        f" WHERE holder_id IS NOT NULL AND state NOT IN ({_states(HOLDABLE)})",
    ),
    Invariant(
        "proposer_named",
        "A request names who made the proposal that waits for its second person, and nobody else.",
        "SELECT r.number, r.proposer_id, p.by_id FROM refunds_refundrequest r"
        " LEFT JOIN refunds_proposal p ON p.request_id = r.id AND p.sequence = r.sequence"
        " WHERE r.proposer_id IS DISTINCT FROM p.by_id",
    ),
    Invariant(
        "two_persons_above_limit",
        "Above the limit, maker and checker are two persons.",
        "SELECT number FROM refunds_refundrequest WHERE approved_amount > two_person_above"
        " AND (maker_id IS NULL OR checker_id IS NULL OR maker_id = checker_id)",
    ),
    Invariant(
        "version_from_a_draft",
        "A version after the first is what one person wrote and another published, seven days ahead.",
        "SELECT v.goods_type, v.version FROM refunds_policyversion v LEFT JOIN refunds_policydraft d ON d.version_id = v.id"
        " WHERE v.version > 1 AND (d.id IS NULL OR d.state <> 'published' OR d.terms <> v.terms"
        " OR d.published_by_id = ANY (d.writers) OR v.in_force_at < v.published_at + interval '7 days')",
    ),
    Invariant(
        "versions_without_gap",
        "The versions of a goods type count from one without a gap.",
        "SELECT goods_type, count(*), max(version) FROM refunds_policyversion GROUP BY goods_type"
        " HAVING count(*) <> max(version) OR min(version) <> 1",
    ),
    Invariant(
        "roles_on_record",
        "What somebody may do at the desk is what the audit log last said of them.",
        "SELECT u.username, said.subject FROM identity_user u LEFT JOIN LATERAL (SELECT subject FROM identity_auditentry"
        " WHERE kind = 'role_changed' AND about_id = u.id ORDER BY id DESC LIMIT 1) said ON true"
        " WHERE coalesce(split_part(said.subject, ' → ', 2), '–') <> CASE WHEN u.is_staff AND u.is_active"
        " THEN coalesce(nullif(u.role, ''), '?') ELSE '–' END",
    ),
    Invariant(
        "recovery_codes_have_their_factor",
        "Nobody has recovery codes but who has a second factor that is confirmed.",
        "SELECT u.username FROM identity_recoverycode c JOIN identity_user u ON u.id = c.user_id"
        " LEFT JOIN identity_secondfactor f ON f.user_id = c.user_id AND f.confirmed_at IS NOT NULL"
        " WHERE f.id IS NULL",
    ),
    Invariant(
        "sandbox_agrees",
        "Each transfer that succeeded at the sandbox is in the sandbox's own books with the same amount.",
        "SELECT f.number FROM payments_transfer f JOIN payments_claim k ON k.id = f.claim_id"
        " LEFT JOIN payments_sandboxrefund s ON s.number = f.number"
        " WHERE f.state = 'succeeded' AND f.channel_refund_no LIKE 'SB%%'"
        " AND NOT EXISTS (SELECT 1 FROM payments_payout o WHERE o.transfer_id = f.id AND o.paid_at IS NOT NULL) AND s.amount IS DISTINCT FROM k.amount",
    ),
    *(
        Invariant(
            rollup.table.removeprefix("refunds_"),
            "Figures by day are what the history gives.",
            differences(rollup),
        )
        for rollup in ROLLUPS
    ),
)


def breaks(invariant: Invariant, limit: int = 100) -> list[tuple[object, ...]]:
    """Up to `limit` rows that break the invariant."""
    with connection.cursor() as cursor:
        cursor.execute(f"{invariant.sql} LIMIT {limit}", [])
        found: list[tuple[object, ...]] = cursor.fetchall()
        return found
