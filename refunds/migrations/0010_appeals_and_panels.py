"""Appeals, panels and their votes, demands for evidence of either side, and fault in shares.

At the end, what Django cannot declare: keys to the move or the judgement a row belongs to, and shares that make a hundred.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

_PARTIES = ("seller", "platform", "buyer", "provider")
SHARES = "shares IS NULL OR jsonb_typeof(shares) = 'object' AND shares - ARRAY[{names}] = '{{}}' AND {sum} = 100".format(
    names=", ".join(f"'{party}'" for party in _PARTIES),
    sum=" + ".join(f"coalesce((shares ->> '{party}')::int, 0)" for party in _PARTIES),
) + "".join(f" AND coalesce((shares ->> '{party}')::int, 1) BETWEEN 1 AND 99" for party in _PARTIES)


def shares_are_whole(table):
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {table.removeprefix('refunds_')}_shares_make_a_hundred CHECK ({SHARES})",
        f"ALTER TABLE {table} DROP CONSTRAINT {table.removeprefix('refunds_')}_shares_make_a_hundred",
    )


def belongs_to(table, name, column, target):
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (request_id, {column})"
        f" REFERENCES {target} (request_id, sequence) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):

    dependencies = [
        ('refunds', '0009_offers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Appeal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('party', models.CharField(choices=[('buyer', 'Buyer'), ('seller', 'Seller')], max_length=16, verbose_name='side')),
                ('clauses', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=16), size=None, verbose_name='clauses')),
                ('text', models.TextField(verbose_name='grounds')),
                ('against_sequence', models.PositiveIntegerField()),
                ('two_person_above', models.BigIntegerField()),
                ('at', models.DateTimeField(verbose_name='at')),
                ('due_at', models.DateTimeField(verbose_name='due')),
                ('proposed_amount', models.BigIntegerField(null=True, verbose_name='amount proposed')),
                ('proposed_note', models.TextField(blank=True)),
                ('decided_at', models.DateTimeField(null=True, verbose_name='decided at')),
                ('outcome', models.CharField(blank=True, choices=[('heard', 'Heard: a reviewer decides anew'), ('escalated', 'Taken to arbitration'), ('dismissed', 'Dismissed'), ('upheld', 'Decision upheld'), ('overturned', 'Decision overturned')], max_length=12, verbose_name='outcome')),
                ('amount', models.BigIntegerField(default=0, verbose_name='made good')),
                ('note', models.TextField(blank=True, verbose_name='reasons')),
            ],
            options={
                'verbose_name': 'appeal',
                'verbose_name_plural': 'appeals',
            },
        ),
        migrations.CreateModel(
            name='EvidenceDemand',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.PositiveIntegerField()),
                ('of', models.CharField(choices=[('buyer', 'Buyer'), ('seller', 'Seller')], max_length=16, verbose_name='asked')),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), blank=True, default=list, size=None, verbose_name='kinds')),
                ('note', models.TextField(verbose_name='note')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('due_at', models.DateTimeField(verbose_name='due')),
            ],
            options={
                'verbose_name': 'demand for evidence',
                'verbose_name_plural': 'demands for evidence',
            },
        ),
        migrations.CreateModel(
            name='PanelMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seat', models.PositiveSmallIntegerField(verbose_name='seat')),
                ('appointed_at', models.DateTimeField(verbose_name='appointed at')),
                ('left_at', models.DateTimeField(null=True, verbose_name='left at')),
            ],
            options={
                'verbose_name': 'panel member',
                'verbose_name_plural': 'panel members',
            },
        ),
        migrations.CreateModel(
            name='Vote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.PositiveIntegerField()),
                ('amount', models.BigIntegerField(verbose_name='amount')),
                ('fault', models.CharField(choices=[('seller', 'The seller'), ('platform', 'The platform'), ('buyer', 'The buyer'), ('provider', 'The provider of the goods'), ('none', 'Nobody')], max_length=8, verbose_name='fault')),
                ('shares', models.JSONField(null=True, verbose_name='shares of the fault')),
                ('clause', models.CharField(blank=True, max_length=16, verbose_name='clause')),
                ('note', models.TextField(verbose_name='reasons')),
                ('at', models.DateTimeField(verbose_name='at')),
            ],
            options={
                'verbose_name': 'vote',
                'verbose_name_plural': 'votes',
            },
        ),
        migrations.AddField(
            model_name='judgement',
            name='shares',
            field=models.JSONField(null=True, verbose_name='shares of the fault'),
        ),
        migrations.AddField(
            model_name='proposal',
            name='shares',
            field=models.JSONField(null=True, verbose_name='shares of the fault'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='judgement',
            trigger=pgtrigger.compiler.Trigger(name='ruled_by_its_panel', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE seats int; agree int;', func="\n    IF NOT EXISTS (SELECT 1 FROM refunds_transition t WHERE t.request_id = NEW.request_id\n                   AND t.sequence = NEW.sequence AND t.from_state = 'arbitration') THEN\n        RETURN NEW;\n    END IF;\n    SELECT count(*), count(*) FILTER (WHERE (v.amount > 0) = (NEW.amount > 0)) INTO seats, agree\n    FROM refunds_panelmember m LEFT JOIN refunds_vote v ON v.member_id = m.id AND v.sequence = NEW.sequence - 1\n    WHERE m.request_id = NEW.request_id AND m.left_at IS NULL;\n    IF seats > 1 AND agree * 2 <= seats THEN\n        RAISE EXCEPTION 'a panel rules by the majority of its votes'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'panel_rules_by_majority';\n    END IF;\n    IF EXISTS (SELECT 1 FROM refunds_transition t WHERE t.request_id = NEW.request_id\n               AND t.sequence = NEW.sequence AND t.actor = 'arbiter')\n    AND NOT EXISTS (SELECT 1 FROM refunds_panelmember m WHERE m.request_id = NEW.request_id\n                    AND m.arbiter_id = NEW.by_id AND m.left_at IS NULL) THEN\n        RAISE EXCEPTION 'an arbiter rules only where appointed'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'arbiter_rules_where_appointed';\n    END IF;\n    RETURN NEW;\n", hash='49fa6464760e97fafc8dc91891d50e19cb3674e8', operation='INSERT', pgid='pgtrigger_ruled_by_its_panel_287bb', table='refunds_judgement', when='BEFORE')),
        ),
        migrations.AddField(
            model_name='appeal',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='appeal',
            name='proposed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='appeal',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='appeals', to='refunds.refundrequest', verbose_name='refund request'),
        ),
        migrations.AddField(
            model_name='appeal',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='evidencedemand',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='evidence_demands', to='refunds.refundrequest'),
        ),
        migrations.AddField(
            model_name='panelmember',
            name='appointed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='panelmember',
            name='arbiter',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='arbiter'),
        ),
        migrations.AddField(
            model_name='panelmember',
            name='removed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='panelmember',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='panel', to='refunds.refundrequest'),
        ),
        migrations.AddField(
            model_name='vote',
            name='member',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='votes', to='refunds.panelmember'),
        ),
        migrations.AddIndex(
            model_name='appeal',
            index=models.Index(condition=models.Q(('decided_at__isnull', True)), fields=['due_at', 'id'], name='appeal_waiting'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.UniqueConstraint(fields=('request', 'party'), name='one_appeal_a_side'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('party', 'buyer'), ('user__isnull', True)), models.Q(('party', 'seller'), ('user__isnull', False)), _connector='OR'), name='appeal_names_its_side'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(('clauses__len__gte', 1), models.Q(('text', ''), _negated=True)), name='appeal_has_grounds'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount', 0), ('decided_at__isnull', True), ('decided_by__isnull', True), ('note', ''), ('outcome', '')), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), models.Q(('note', ''), _negated=True), models.Q(models.Q(('amount', 0), ('outcome__in', ('heard', 'escalated', 'dismissed')), ('party', 'buyer')), models.Q(('amount', 0), ('outcome', 'upheld'), ('party', 'seller')), models.Q(('amount__gt', 0), ('outcome', 'overturned'), ('party', 'seller')), _connector='OR')), _connector='OR'), name='appeal_decided_as_its_side_can_be'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('proposed_amount__isnull', True), ('proposed_by__isnull', True), ('proposed_note', '')), models.Q(('party', 'seller'), ('proposed_amount__gt', models.F('two_person_above')), ('proposed_amount__isnull', False), ('proposed_by__isnull', False)), _connector='OR'), name='appeal_proposed_above_the_limit'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(('amount__lte', models.F('two_person_above')), models.Q(('proposed_amount', models.F('amount')), ('proposed_amount__isnull', False), ('proposed_by__isnull', False), models.Q(('proposed_by', models.F('decided_by')), _negated=True)), _connector='OR'), name='appeal_two_persons_above_limit'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='appeal',
            trigger=pgtrigger.compiler.Trigger(name='closed_once', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF OLD.decided_at IS NOT NULL OR (OLD.request_id, OLD.party, OLD.user_id, OLD.clauses, OLD.text, OLD.against_sequence, OLD.two_person_above, OLD.at, OLD.due_at) IS DISTINCT FROM (NEW.request_id, NEW.party, NEW.user_id, NEW.clauses, NEW.text, NEW.against_sequence, NEW.two_person_above, NEW.at, NEW.due_at) THEN RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME; END IF; RETURN NEW;", hash='f1329e9d171ba12e89bc92675554a0311f01b692', operation='UPDATE', pgid='pgtrigger_closed_once_06186', table='refunds_appeal', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='appeal',
            trigger=pgtrigger.compiler.Trigger(name='never_removed', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='35e56d0f38af4b9aa2e6e1bf54a04d5370694daa', operation='DELETE', pgid='pgtrigger_never_removed_c9b2a', table='refunds_appeal', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='appeal',
            trigger=pgtrigger.compiler.Trigger(name='no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='de62163cc8ce75a6b75b0f603594f24341384ae8', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_no_truncate_6203c', table='refunds_appeal', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='appeal',
            trigger=pgtrigger.compiler.Trigger(name='by_another', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF EXISTS (SELECT 1 FROM refunds_judgement j WHERE j.request_id = NEW.request_id\n               AND j.sequence = NEW.against_sequence AND j.by_id IN (NEW.decided_by_id, NEW.proposed_by_id))\n    OR EXISTS (SELECT 1 FROM refunds_proposal p WHERE p.request_id = NEW.request_id\n               AND p.sequence = NEW.against_sequence - 1 AND p.by_id IN (NEW.decided_by_id, NEW.proposed_by_id)) THEN\n        RAISE EXCEPTION 'who decided a case does not decide the appeal against it'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'appeal_decided_by_another';\n    END IF;\n    RETURN NEW;\n", hash='0a3214a117ea5ab3a52f263336d6e6c610720106', operation='INSERT OR UPDATE', pgid='pgtrigger_by_another_eccd9', table='refunds_appeal', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='appeal',
            trigger=pgtrigger.compiler.Trigger(name='within_what_was_borne', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF NEW.amount > 0 AND NEW.amount > (\n    SELECT coalesce(sum(p.amount), 0)::bigint FROM refunds_refundrequest r\n    JOIN sellers_seller s ON s.id = r.seller_id\n    JOIN payments_transfer f ON f.reference = r.number\n    JOIN ledger_transaction t\n        ON t.reference IN ('refund:' || f.number, 'payout:' || f.number, 'reversal:refund:' || f.number)\n    JOIN ledger_posting p ON p.transaction_id = t.id\n    JOIN ledger_account a ON a.id = p.account_id\n        AND a.kind IN ('escrow', 'payable', 'deposit', 'debt') AND a.owner = s.code\n    WHERE r.id = NEW.request_id AND r.reason <> 'duplicate_charge'\n) THEN\n        RAISE EXCEPTION 'no more is made good than the seller bore'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'appeal_within_what_was_borne';\n    END IF;\n    RETURN NEW;\n", hash='dec1acdd94def7c3d01e4226098089feaa4b1c6c', operation='INSERT OR UPDATE', pgid='pgtrigger_within_what_was_borne_e452a', table='refunds_appeal', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='evidencedemand',
            constraint=models.UniqueConstraint(fields=('request', 'sequence'), name='one_demand_a_move'),
        ),
        migrations.AddConstraint(
            model_name='evidencedemand',
            constraint=models.CheckConstraint(condition=models.Q(('of__in', ('buyer', 'seller'))), name='demand_of_a_side'),
        ),
        migrations.AddConstraint(
            model_name='evidencedemand',
            constraint=models.CheckConstraint(condition=models.Q(('kinds__contained_by', ['bank_statement', 'chat_record', 'error_screen', 'identity', 'login_alert', 'order_screenshot', 'other', 'payment_proof', 'profile_change', 'promise_page', 'provider_statement', 'unactivated_state', 'unknown_recipient', 'unused_video'])), name='demand_of_known_kinds'),
        ),
        migrations.AddConstraint(
            model_name='evidencedemand',
            constraint=models.CheckConstraint(condition=models.Q(('note', ''), _negated=True), name='demand_says_what'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='evidencedemand',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='a03cf0f40843978baf25d9731e4149598699aaae', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_73ac7', table='refunds_evidencedemand', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='evidencedemand',
            trigger=pgtrigger.compiler.Trigger(name='no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='aa6bb30fd80b09635f0c65fec010c237d4b7de65', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_no_truncate_67d93', table='refunds_evidencedemand', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='panelmember',
            constraint=models.UniqueConstraint(condition=models.Q(('left_at__isnull', True)), fields=('request', 'seat'), name='one_member_a_seat'),
        ),
        migrations.AddConstraint(
            model_name='panelmember',
            constraint=models.UniqueConstraint(condition=models.Q(('left_at__isnull', True)), fields=('arbiter', 'request'), name='one_seat_an_arbiter'),
        ),
        migrations.AddConstraint(
            model_name='panelmember',
            constraint=models.CheckConstraint(condition=models.Q(('seat__gte', 1), ('seat__lte', 3)), name='panel_has_three_seats'),
        ),
        migrations.AddConstraint(
            model_name='panelmember',
            constraint=models.CheckConstraint(condition=models.Q(('arbiter', models.F('appointed_by')), _negated=True), name='nobody_appoints_themselves'),
        ),
        migrations.AddConstraint(
            model_name='panelmember',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('left_at__isnull', True), ('removed_by__isnull', True)), models.Q(('left_at__isnull', False), ('removed_by__isnull', False)), _connector='OR'), name='member_leaves_by_somebody'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='panelmember',
            trigger=pgtrigger.compiler.Trigger(name='closed_once', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF OLD.left_at IS NOT NULL OR (OLD.request_id, OLD.seat, OLD.arbiter_id, OLD.appointed_by_id, OLD.appointed_at) IS DISTINCT FROM (NEW.request_id, NEW.seat, NEW.arbiter_id, NEW.appointed_by_id, NEW.appointed_at) THEN RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME; END IF; RETURN NEW;", hash='490cfbafe602f4ef125f9ca4d43fdd71f1e5af92', operation='UPDATE', pgid='pgtrigger_closed_once_ce936', table='refunds_panelmember', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='panelmember',
            trigger=pgtrigger.compiler.Trigger(name='never_removed', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='26122232e24b6ebd735053394f169166583c4a12', operation='DELETE', pgid='pgtrigger_never_removed_b473f', table='refunds_panelmember', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='panelmember',
            trigger=pgtrigger.compiler.Trigger(name='no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='63196cb1a67e1c0631a6634f03dcc69922a8d8aa', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_no_truncate_acb74', table='refunds_panelmember', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='vote',
            constraint=models.UniqueConstraint(fields=('member', 'sequence'), name='one_vote_a_member'),
        ),
        migrations.AddConstraint(
            model_name='vote',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount', 0), models.Q(('fault__in', ['seller']), _negated=True), models.Q(('clause', ''), _negated=True)), ('amount__gt', 0), _connector='OR'), name='vote_like_a_judgement'),
        ),
        migrations.AddConstraint(
            model_name='vote',
            constraint=models.CheckConstraint(condition=models.Q(('note', ''), _negated=True), name='vote_with_reasons'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='vote',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='b7eb0d67dafdcf105dbfdd6c6ef4eef89c0b04c4', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_0841c', table='refunds_vote', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='vote',
            trigger=pgtrigger.compiler.Trigger(name='no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='5df0be8147de56af3f9b0cd079dfe7053e3daccc', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_no_truncate_f47ba', table='refunds_vote', when='BEFORE')),
        ),
        shares_are_whole("refunds_judgement"),
        shares_are_whole("refunds_proposal"),
        shares_are_whole("refunds_vote"),
        belongs_to("refunds_appeal", "appeal_of_a_judgement", "against_sequence", "refunds_judgement"),
        belongs_to("refunds_evidencedemand", "demand_of_a_transition", "sequence", "refunds_transition"),
    ]
