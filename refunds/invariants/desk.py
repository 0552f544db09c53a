"""What holds of staff's work: cases in hand, many at once, trials, rules, who is who, and figures."""

from ..figures.rollups import ROLLUPS, differences
from ..machine import HOLDABLE
from .invariant import Invariant, states

DESK = (
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
        "known_of_a_closed_case",
        "A known answer is that of a case that was closed when it was marked, after a reviewer had it in hand.",
        "SELECT r.number, k.marked_at FROM refunds_knownanswer k JOIN refunds_refundrequest r ON r.id = k.request_id"
        " LEFT JOIN refunds_transition t ON t.request_id = k.request_id AND t.sequence = k.sequence"
        " LEFT JOIN LATERAL (SELECT to_state FROM refunds_transition x WHERE x.request_id = k.request_id"
        " AND x.at <= k.marked_at ORDER BY x.sequence DESC LIMIT 1) last ON true"
        " WHERE t.from_state IS DISTINCT FROM 'manual_review' OR t.at > k.marked_at"
        " OR last.to_state IS NULL OR last.to_state NOT IN ('refunded', 'rejected')",
    ),
    Invariant(
        "trial_is_blind",
        "Nobody is given a trial of a case they had a hand in, or marked.",
        "SELECT t.number, t.user_id FROM refunds_trial t JOIN refunds_knownanswer k ON k.id = t.known_id"
        " WHERE k.marked_by_id = t.user_id OR EXISTS (SELECT 1 FROM refunds_transition x"
        " WHERE x.request_id = k.request_id AND x.user_id = t.user_id AND x.at <= t.started_at)"
        " OR EXISTS (SELECT 1 FROM refunds_judgement x WHERE x.request_id = k.request_id"
        " AND x.by_id = t.user_id AND x.at <= t.started_at)"
        " OR EXISTS (SELECT 1 FROM refunds_message x WHERE x.request_id = k.request_id"
        " AND x.user_id = t.user_id AND x.at <= t.started_at)",
    ),
    Invariant(
        "trial_answered_once",
        "A trial has one answer, given after it began; its number is no case's.",
        "SELECT t.number FROM refunds_trial t LEFT JOIN refunds_trialanswer a ON a.trial_id = t.id"
        " LEFT JOIN refunds_refundrequest r ON r.number = t.number"
        " GROUP BY t.id HAVING count(a.id) > 1 OR count(r.id) > 0 OR bool_or(a.at < t.started_at)",
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
        f" WHERE holder_id IS NOT NULL AND state NOT IN ({states(HOLDABLE)})",
    ),
    Invariant(
        "proposer_named",
        "A request names who made the proposal that waits for its second person, and nobody else.",
        "SELECT r.number, r.proposer_id, p.by_id FROM refunds_refundrequest r"
        " LEFT JOIN refunds_proposal p ON p.request_id = r.id AND p.sequence = r.sequence"
        " WHERE r.proposer_id IS DISTINCT FROM p.by_id",
    ),
    Invariant(
        "bulk_run_whole",
        "Of a run over many cases, what is done, proposed and refused is what was ticked.",
        "SELECT u.id, u.ticked, count(w.id), count(w.id) FILTER (WHERE w.outcome <> '') FROM refunds_bulkrun u"
        " LEFT JOIN refunds_bulkrow w ON w.run_id = u.id WHERE u.confirmed_at IS NOT NULL"
        " GROUP BY u.id HAVING count(w.id) <> u.ticked"
        " OR u.finished_at IS NOT NULL AND count(w.id) FILTER (WHERE w.outcome <> '') <> u.ticked",
    ),
    Invariant(
        "bulk_done_is_done",
        "What a run calls done or proposed is in the case, by the person who ran it, and was there to be seen before.",
        "SELECT u.id, r.number, w.outcome FROM refunds_bulkrow w JOIN refunds_bulkrun u ON u.id = w.run_id"
        " JOIN refunds_refundrequest r ON r.id = w.request_id"
        " WHERE w.outcome = 'done' AND u.move <> 'extend' AND NOT EXISTS (SELECT 1 FROM refunds_transition t"
        " WHERE t.request_id = w.request_id AND t.sequence = w.sequence + 1 AND t.user_id = u.by_id AND t.at = w.at)"
        " OR w.outcome = 'done' AND u.move = 'extend' AND NOT EXISTS (SELECT 1 FROM refunds_extension e"
        " JOIN refunds_deadline d ON d.id = e.deadline_id"
        " WHERE d.request_id = w.request_id AND e.user_id = u.by_id AND e.at = w.at)"
        " OR w.outcome = 'proposed' AND NOT EXISTS (SELECT 1 FROM refunds_proposal p"
        " WHERE p.request_id = w.request_id AND p.sequence = w.sequence AND p.by_id = u.by_id AND p.at = w.at)",
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
    *(
        Invariant(
            rollup.table.removeprefix("refunds_"),
            "Figures by day are what the history gives.",
            differences(rollup),
        )
        for rollup in ROLLUPS
    ),
)
