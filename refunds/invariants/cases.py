"""What holds of requests, their history, their clocks, offers and appeals."""

from ..filing_channels import FILED_BY
from ..machine import OPEN, PAYABLE
from .invariant import Invariant, states

FILERS = ", ".join(f"('{channel}', '{party}')" for channel, by in FILED_BY.items() for party in sorted(by))

CASES = (
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
        f" WHERE (r.channel, t.actor) NOT IN ({FILERS})",
    ),
    Invariant(
        "clocks_run",
        "The clock a request shows is running, and none runs in a case that is over.",
        "SELECT r.number, d.kind, d.closed_at FROM refunds_refundrequest r JOIN refunds_deadline d ON d.request_id = r.id"
        " WHERE d.closed_at IS NOT NULL AND (d.sequence, d.kind) = (r.sequence, r.due_kind)"
        f" OR d.closed_at IS NULL AND r.state NOT IN ({states(OPEN)})",
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
        f" GROUP BY r.id HAVING (r.state IN ({states(PAYABLE)}) OR count(k.reference) > 0)"
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
        f" WHERE i.is_open <> (r.state IN ({states(OPEN)}))",
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
        "two_persons_above_limit",
        "Above the limit, maker and checker are two persons.",
        "SELECT number FROM refunds_refundrequest WHERE approved_amount > two_person_above"
        " AND (maker_id IS NULL OR checker_id IS NULL OR maker_id = checker_id)",
    ),
)
