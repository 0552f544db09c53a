"""What holds of the books, of what was promised from a payment, and of what a dispute claims."""

from .invariant import Invariant

MONEY = (
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
        "sandbox_agrees",
        "Each transfer that succeeded at the sandbox is in the sandbox's own books with the same amount.",
        "SELECT f.number FROM payments_transfer f JOIN payments_claim k ON k.id = f.claim_id"
        " LEFT JOIN payments_sandboxrefund s ON s.number = f.number"
        " WHERE f.state = 'succeeded' AND f.channel_refund_no LIKE 'SB%%'"
        " AND NOT EXISTS (SELECT 1 FROM payments_payout o WHERE o.transfer_id = f.id AND o.paid_at IS NOT NULL) AND s.amount IS DISTINCT FROM k.amount",
    ),
)
