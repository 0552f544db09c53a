"""Known answers, trials and what reviewers said to them; judgements of some days are found by an index."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('refunds', '0004_who_holds_a_case'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='KnownAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.PositiveIntegerField()),
                ('outcome', models.CharField(choices=[('approve', 'Approved in full'), ('part', 'Approved in part'), ('reject', 'Rejected')], max_length=8, verbose_name='right outcome')),
                ('low', models.BigIntegerField(verbose_name='at least')),
                ('high', models.BigIntegerField(verbose_name='at most')),
                ('fault', models.CharField(choices=[('seller', 'The seller'), ('platform', 'The platform'), ('buyer', 'The buyer'), ('provider', 'The provider of the goods'), ('none', 'Nobody')], max_length=8, verbose_name='fault')),
                ('why', models.TextField(verbose_name='why')),
                ('marked_at', models.DateTimeField(verbose_name='marked at')),
                ('withdrawn_at', models.DateTimeField(null=True, verbose_name='withdrawn at')),
                ('withdrawn_why', models.TextField(blank=True, verbose_name='why it was withdrawn')),
            ],
            options={
                'verbose_name': 'known answer',
                'verbose_name_plural': 'known answers',
            },
        ),
        migrations.CreateModel(
            name='Trial',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=20, unique=True)),
                ('started_at', models.DateTimeField(verbose_name='given at')),
            ],
            options={
                'verbose_name': 'trial',
                'verbose_name_plural': 'trials',
            },
        ),
        migrations.CreateModel(
            name='TrialAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('seconds', models.PositiveIntegerField(verbose_name='seconds taken')),
                ('outcome', models.CharField(choices=[('approve', 'Approved in full'), ('part', 'Approved in part'), ('reject', 'Rejected'), ('passed', 'Not decided')], max_length=8, verbose_name='outcome')),
                ('amount', models.BigIntegerField(verbose_name='amount')),
                ('fault', models.CharField(blank=True, choices=[('seller', 'The seller'), ('platform', 'The platform'), ('buyer', 'The buyer'), ('provider', 'The provider of the goods'), ('none', 'Nobody')], max_length=8, verbose_name='fault')),
                ('clause', models.CharField(blank=True, max_length=16, verbose_name='clause')),
                ('note', models.TextField(blank=True, verbose_name='reasons')),
            ],
            options={
                'verbose_name': "trial's answer",
                'verbose_name_plural': "trials' answers",
            },
        ),
        migrations.AddIndex(
            model_name='judgement',
            index=models.Index(fields=['at'], name='judgement_by_time'),
        ),
        migrations.AddField(
            model_name='knownanswer',
            name='marked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='marked by'),
        ),
        migrations.AddField(
            model_name='knownanswer',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='known_answers', to='refunds.refundrequest', verbose_name='refund request'),
        ),
        migrations.AddField(
            model_name='knownanswer',
            name='withdrawn_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='trial',
            name='known',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='trials', to='refunds.knownanswer'),
        ),
        migrations.AddField(
            model_name='trial',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reviewer'),
        ),
        migrations.AddField(
            model_name='trialanswer',
            name='trial',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='answer', to='refunds.trial'),
        ),
        migrations.AddConstraint(
            model_name='knownanswer',
            constraint=models.UniqueConstraint(condition=models.Q(('withdrawn_at__isnull', True)), fields=('request',), name='one_known_answer_a_case'),
        ),
        migrations.AddConstraint(
            model_name='knownanswer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('high', 0), ('low', 0), ('outcome', 'reject'), models.Q(('fault__in', ['seller']), _negated=True)), models.Q(('high', models.F('low')), ('low__gt', 0), ('outcome', 'approve')), models.Q(('high__gte', models.F('low')), ('low__gt', 0), ('outcome', 'part')), _connector='OR'), name='known_answer_amount_by_outcome'),
        ),
        migrations.AddConstraint(
            model_name='knownanswer',
            constraint=models.CheckConstraint(condition=models.Q(('fault__in', ['seller', 'platform', 'buyer', 'provider', 'none'])), name='known_answer_names_a_fault'),
        ),
        migrations.AddConstraint(
            model_name='knownanswer',
            constraint=models.CheckConstraint(condition=models.Q(('why', ''), _negated=True), name='known_answer_says_why'),
        ),
        migrations.AddConstraint(
            model_name='knownanswer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('withdrawn_at__isnull', True), ('withdrawn_by__isnull', True), ('withdrawn_why', '')), models.Q(('withdrawn_at__isnull', False), ('withdrawn_by__isnull', False), models.Q(('withdrawn_why', ''), _negated=True)), _connector='OR'), name='known_answer_withdrawn_with_reasons'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='knownanswer',
            trigger=pgtrigger.compiler.Trigger(name='closed_once', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF OLD.withdrawn_at IS NOT NULL OR (OLD.request_id, OLD.sequence, OLD.outcome, OLD.low, OLD.high, OLD.fault, OLD.why, OLD.marked_by_id, OLD.marked_at) IS DISTINCT FROM (NEW.request_id, NEW.sequence, NEW.outcome, NEW.low, NEW.high, NEW.fault, NEW.why, NEW.marked_by_id, NEW.marked_at) THEN RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME; END IF; RETURN NEW;", hash='11093a987b71bb98e60e5f5aa59cf9e51a4d96f5', operation='UPDATE', pgid='pgtrigger_closed_once_930d6', table='refunds_knownanswer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='knownanswer',
            trigger=pgtrigger.compiler.Trigger(name='never_removed', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='9affefb15e6f562db3435526932703ccdf13b276', operation='DELETE', pgid='pgtrigger_never_removed_6f4c6', table='refunds_knownanswer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='knownanswer',
            trigger=pgtrigger.compiler.Trigger(name='no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='d7253284356ea0aa5a6d7ead0cb8c8c247304c56', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_no_truncate_84e4e', table='refunds_knownanswer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='knownanswer',
            trigger=pgtrigger.compiler.Trigger(name='of_a_closed_case', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF NOT EXISTS (\n        SELECT 1 FROM refunds_refundrequest r WHERE r.id = NEW.request_id AND r.state IN ('refunded', 'rejected')\n           AND NEW.high <= r.amount AND (NEW.outcome <> 'approve' OR NEW.low = r.amount))\n    OR EXISTS (SELECT 1 FROM refunds_appeal a WHERE a.request_id = NEW.request_id AND a.decided_at IS NULL)\n    OR NOT EXISTS (\n        SELECT 1 FROM refunds_transition t WHERE t.request_id = NEW.request_id AND t.sequence = NEW.sequence\n           AND t.from_state = 'manual_review' AND t.event IN ('approve', 'reject', 'refer')) THEN\n        RAISE EXCEPTION 'a known answer is that of a closed case which a reviewer had in hand'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'known_of_a_closed_case';\n    END IF;\n    RETURN NEW;\n", hash='bcb988f11074c481f177b77b564b685ee4b36c66', operation='INSERT', pgid='pgtrigger_of_a_closed_case_c1345', table='refunds_knownanswer', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='trial',
            constraint=models.UniqueConstraint(fields=('user', 'known'), name='one_trial_a_reviewer'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='trial',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='1a29b45e739727af9578f5a95bd46fd89e6cc1a4', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_4ad78', table='refunds_trial', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='trial',
            trigger=pgtrigger.compiler.Trigger(name='no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='581bc726a62d641e21a9027243d6158c06fc68bf', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_no_truncate_28afa', table='refunds_trial', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='trial',
            trigger=pgtrigger.compiler.Trigger(name='is_blind', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE known record;', func="\n    SELECT request_id, marked_by_id, withdrawn_at INTO known FROM refunds_knownanswer WHERE id = NEW.known_id;\n    IF known.withdrawn_at IS NOT NULL OR known.marked_by_id = NEW.user_id\n       OR \n    EXISTS (SELECT 1 FROM refunds_transition x WHERE x.request_id = known.request_id AND x.user_id = NEW.user_id)\n    OR EXISTS (SELECT 1 FROM refunds_proposal x WHERE x.request_id = known.request_id AND x.by_id = NEW.user_id)\n    OR EXISTS (SELECT 1 FROM refunds_judgement x WHERE x.request_id = known.request_id AND x.by_id = NEW.user_id)\n    OR EXISTS (SELECT 1 FROM refunds_message x WHERE x.request_id = known.request_id AND x.user_id = NEW.user_id)\n    OR EXISTS (SELECT 1 FROM refunds_evidence x WHERE x.request_id = known.request_id AND x.user_id = NEW.user_id)\n    OR EXISTS (SELECT 1 FROM refunds_providercheck x\n               WHERE x.request_id = known.request_id AND NEW.user_id IN (x.asked_by_id, x.written_by_id))\n    OR EXISTS (SELECT 1 FROM refunds_flag x WHERE x.request_id = known.request_id AND x.cleared_by_id = NEW.user_id)\n    OR EXISTS (SELECT 1 FROM refunds_appeal x\n               WHERE x.request_id = known.request_id AND NEW.user_id IN (x.decided_by_id, x.proposed_by_id))\n    OR EXISTS (SELECT 1 FROM refunds_panelmember x\n               WHERE x.request_id = known.request_id AND NEW.user_id IN (x.arbiter_id, x.appointed_by_id))\n    OR EXISTS (SELECT 1 FROM refunds_deadline d JOIN refunds_extension x ON x.deadline_id = d.id\n               WHERE d.request_id = known.request_id AND x.user_id = NEW.user_id)\n THEN\n        RAISE EXCEPTION 'a trial is blind: its reviewer had no hand in the case'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'trial_is_blind';\n    END IF;\n    RETURN NEW;\n", hash='a5946d47fa393ac14e2865f0e5f0c9663783103d', operation='INSERT', pgid='pgtrigger_is_blind_7e0cb', table='refunds_trial', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='trialanswer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount', 0), ('fault', ''), ('outcome', 'passed')), models.Q(('amount', 0), ('fault__in', ['seller', 'platform', 'buyer', 'provider', 'none']), ('outcome', 'reject'), models.Q(('fault__in', ['seller']), _negated=True)), models.Q(('amount__gt', 0), ('fault__in', ['seller', 'platform', 'buyer', 'provider', 'none']), ('outcome__in', ['approve', 'part'])), _connector='OR'), name='trial_answered_like_a_judgement'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='trialanswer',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='994c5d4d19d16b7aa03dca845ef7a48128e7faf9', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_842bb', table='refunds_trialanswer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='trialanswer',
            trigger=pgtrigger.compiler.Trigger(name='no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;", hash='cfc0367047eb018fd357c4a687458eb2672f119d', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_no_truncate_10243', table='refunds_trialanswer', when='BEFORE')),
        ),
    ]
