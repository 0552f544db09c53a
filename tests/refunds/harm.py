"""For each invariant, what breaks it: SQL as no program of ours writes it, run with the triggers off."""

from django.db import models

from refunds.figures.rollups import ROLLUPS, Rollup
from tests.people import Cast


def harm_of(cast: Cast) -> dict[str, str]:
    """By the invariant's name. To be done to a case that was approved and paid."""
    unbooked_chargeback = (
        "INSERT INTO risk_dispute"
        " (number, kind, channel, channel_dispute_no, capture_id, amount, currency, reason, state, opened_at)"
        " SELECT 'DP1', 'chargeback', channel, 'du_1', id, 5, currency, '', 'open', now() FROM payments_capture"
    )
    lost_chargeback = unbooked_chargeback.replace("opened_at)", "opened_at, closed_at)").replace(
        "'open', now()", "'lost', now(), now()"
    )
    reviewer, supervisor = cast.reviewer.pk, cast.supervisor.pk

    def a_draft(state: str) -> str:
        """Of the first version's terms, and nobody tried them."""
        published = f"{supervisor}, now(), id" if state == "published" else "NULL, NULL, NULL"
        return (
            "INSERT INTO refunds_policydraft (goods_type, terms, based_on_id, title, why, in_force_at, state, created_by_id,"
            " created_at, changed_by_id, changed_at, writers, submitted_by_id, submitted_at, published_by_id, published_at,"
            f" version_id) SELECT goods_type, terms, id, 'x', 'x', in_force_at, '{state}', {reviewer}, now(), {reviewer}, now(),"
            f" '{{{reviewer}}}', {'NULL, NULL' if state == 'draft' else f'{reviewer}, now()'}, {published}"
            " FROM refunds_policyversion WHERE goods_type = 'card_code'"
        )

    known = (
        "INSERT INTO refunds_knownanswer"
        " (request_id, sequence, outcome, low, high, fault, why, marked_by_id, marked_at, withdrawn_why)"
        f" SELECT id, sequence, 'reject', 0, 0, 'buyer', 'x', {supervisor}, now(), '' FROM refunds_refundrequest"
    )
    a_trial = (
        f"{known}; INSERT INTO refunds_trial (known_id, user_id, number, started_at)"
        " SELECT k.id, k.marked_by_id, {}, now() FROM refunds_knownanswer k"
        " JOIN refunds_refundrequest r ON r.id = k.request_id"
    )
    a_second_version = (
        "UPDATE refunds_policyversion SET version = 2, in_force_at = published_at + interval '8 days'"
    )
    bulk_run = (
        "INSERT INTO refunds_bulkrun (by_id, move, said, language, cases, ticked, previewed_at, confirmed_at)"
        f" VALUES ({reviewer}, 'approve', '{{}}', 'en', '[]', 1, now(), now())"
    )
    return {
        "ledger_balanced": "UPDATE ledger_posting SET amount = amount + 1 WHERE amount > 0",
        "transaction_has_postings": "DELETE FROM ledger_posting",
        "claims_counted": "UPDATE payments_capture SET claimed = claimed - 1",
        "claims_within_capture": (
            "ALTER TABLE payments_capture DROP CONSTRAINT claims_within_capture, DROP CONSTRAINT escrow_pays_once;"
            " UPDATE payments_capture SET claimed = amount + 1"
        ),
        "capture_booked_once": "UPDATE ledger_posting SET amount = amount * 2",
        "refund_booked_once": "UPDATE payments_transfer SET state = 'pending', settled_at = NULL",
        "state_is_last_transition": "UPDATE refunds_refundrequest SET state = 'rejected'",
        "filed_by_its_channel": (
            "ALTER TABLE refunds_refundrequest DISABLE TRIGGER ALL; UPDATE refunds_refundrequest SET channel = 'import'"
        ),
        "clocks_run": (
            "INSERT INTO refunds_deadline (request_id, sequence, kind, started_at, due_at)"
            " SELECT id, sequence, 'review', now(), now() FROM refunds_refundrequest"
        ),
        "appeal_booked": (
            "UPDATE ledger_transaction SET recipe = 'appeal_won', reference = 'appeal_won:X' WHERE recipe = 'refund';"
            " UPDATE ledger_account SET kind = 'compensation' WHERE kind = 'escrow'"
        ),
        "transitions_continue": (
            "ALTER TABLE refunds_transition DROP CONSTRAINT transition_is_an_edge;"
            " UPDATE refunds_transition SET to_state = 'rejected' WHERE sequence = 2"
        ),
        "approved_amount_reserved": "UPDATE refunds_refundrequest SET approved_amount = approved_amount - 1",
        "refunded_means_paid": "UPDATE payments_transfer SET state = 'queued', settled_at = NULL",
        "items_in_step": "UPDATE refunds_refunditem SET is_open = true",
        "two_persons_above_limit": (
            "ALTER TABLE refunds_refundrequest DROP CONSTRAINT two_persons_above_limit;"
            " UPDATE refunds_refundrequest SET two_person_above = 1, checker_id = maker_id"
        ),
        "settled_counted": (
            "ALTER TABLE payments_capture DROP CONSTRAINT escrow_pays_once; UPDATE payments_capture SET settled = 1"
        ),
        "settled_within_order": (
            "ALTER TABLE payments_capture DROP CONSTRAINT escrow_pays_once;"
            " UPDATE payments_capture SET settled = amount + 1"
        ),
        "settlement_booked_once": (
            "INSERT INTO payments_settlement (capture_id, amount, commission, debt_repaid, settled_at)"
            " SELECT id, amount, 0, 0, now() FROM payments_capture"
        ),
        "withdrawal_booked": (
            "INSERT INTO payments_withdrawal"
            " (seller_id, number, amount, currency, state, requested_by_id, requested_at, bank_reference, note)"
            f" VALUES ({cast.seller.pk}, 'WD1', 5, 'CNY', 'requested', {cast.seller_user.pk}, now(), '', '')"
        ),
        "balances_kept": "INSERT INTO ledger_account (kind, owner, currency, balance) VALUES ('debt', 'S', 'CNY', 5)",
        "payout_booked_once": (
            "UPDATE ledger_transaction SET reference = replace(reference, 'refund:', 'payout:'), recipe = 'payout'"
            " WHERE recipe = 'refund'"
        ),
        "dispute_booked": unbooked_chargeback,
        "disputed_is_undecided": unbooked_chargeback,
        "chargeback_borne": lost_chargeback,
        "nothing_owed_beside_a_lost_chargeback": (
            f"{lost_chargeback}; UPDATE payments_transfer SET state = 'failed', settled_at = NULL"
        ),
        "released_with_its_transfer": "UPDATE payments_claim SET released_at = now()",
        "dispute_claims": (
            "INSERT INTO payments_claim (capture_id, kind, reference, amount, created_at)"
            " SELECT id, 'complaint', 'DP1', 5, now() FROM payments_capture"
        ),
        "replacement_held": (
            "INSERT INTO payments_claim (capture_id, kind, reference, amount, created_at)"
            " SELECT id, 'replacement', 'RF1', 5, now() FROM payments_capture"
        ),
        "one_unit_in_place": "UPDATE orders_unit SET place = 'replaced'",
        "offer_waits_for_the_buyer": (
            "INSERT INTO refunds_offer (request_id, sequence, kind, amount, note, by_id, at, answer)"
            f" SELECT id, sequence, 'partial', 1, '', {cast.reviewer.pk}, now(), '' FROM refunds_refundrequest"
        ),
        "decisions_name_a_fault": (
            "INSERT INTO refunds_judgement"
            " (request_id, sequence, by_id, outcome, amount, fault, clause, note, deviation, at)"
            f" SELECT id, 1, {cast.reviewer.pk}, 'approve', 1, 'none', '', 'x', '', now() FROM refunds_refundrequest"
        ),
        "roles_on_record": "UPDATE identity_user SET role = 'finance' WHERE role = 'reviewer'",
        "recovery_codes_have_their_factor": (
            f"INSERT INTO identity_recoverycode (user_id, digest) VALUES ({cast.reviewer.pk}, '')"
        ),
        "backtest_counts_its_cases": (
            f"{a_draft('draft')}; INSERT INTO refunds_backtestrun (draft_id, goods_type, terms, digest, since, until, seed,"
            " state, queued_at, by_id, taken_up, finished_at, cases, flipped, result, error)"
            " SELECT id, goods_type, terms, '', created_at, created_at + interval '1 day', 1, 'done', created_at,"
            " created_by_id, 1, created_at, 1, 0, '{}', '' FROM refunds_policydraft"
        ),
        "published_as_tried": a_draft("published"),
        "known_of_a_closed_case": known,
        "trial_is_blind": a_trial.format("'RF1'"),
        "trial_answered_once": a_trial.format("r.number"),
        "one_holder_at_a_time": (
            "ALTER TABLE refunds_refundrequest DROP CONSTRAINT held_to_be_decided; UPDATE refunds_refundrequest"
            f" SET holder_id = {cast.reviewer.pk}, held_at = now(), held_until = now()"
        ),
        "proposer_named": f"UPDATE refunds_refundrequest SET proposer_id = {cast.reviewer.pk}",
        "bulk_run_whole": bulk_run,
        "bulk_done_is_done": (
            f"{bulk_run}; INSERT INTO refunds_bulkrow"
            " (run_id, request_id, sequence, state, foreseen, to_state, told, outcome, code, text, at)"
            " SELECT u.id, r.id, r.sequence, r.state, 'done', '', '[]', 'done', '', '', now()"
            " FROM refunds_bulkrun u, refunds_refundrequest r"
        ),
        "version_from_a_draft": a_second_version,
        "versions_without_gap": a_second_version,
        **{rollup.table.removeprefix("refunds_"): _made_up(rollup) for rollup in ROLLUPS},
        "sandbox_agrees": "UPDATE payments_sandboxrefund SET amount = amount + 1",
    }


def _made_up(rollup: Rollup) -> str:
    """A figure of a day on which nothing happened."""
    fields = [field for field in rollup.model._meta.concrete_fields if not field.primary_key]
    values = {models.DateField: "'2000-01-01'", models.CharField: "'x'", models.BooleanField: "true"}
    row = ", ".join(values.get(type(field), "1") for field in fields)
    return f"INSERT INTO {rollup.table} ({rollup.columns}) VALUES ({row})"
