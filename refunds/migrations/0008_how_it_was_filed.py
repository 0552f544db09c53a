"""How each request was filed, and that a seller may file for their buyer (requirement C4)."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('identity', '0001_initial'),
        ('orders', '0001_initial'),
        ('refunds', '0007_deadlines'),
        ('sellers', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='transition',
            name='transition_is_an_edge',
        ),
        migrations.AddField(
            model_name='refundrequest',
            name='caller_check',
            field=models.TextField(blank=True, verbose_name='how the caller was identified'),
        ),
        migrations.AddField(
            model_name='refundrequest',
            name='channel',
            field=models.CharField(choices=[('api', "Buyer's API"), ('portal', 'Seller portal'), ('staff', 'Staff'), ('phone', 'Phone'), ('ticket', 'Ticket'), ('import', 'Import'), ('system', 'System')], default='api', max_length=16, verbose_name='filed by'),
        ),
        migrations.AddField(
            model_name='refundrequest',
            name='ticket',
            field=models.CharField(blank=True, max_length=64, verbose_name='ticket number'),
        ),
        # What there is was filed by buyers through the API, or found by the machine: payments taken twice.
        migrations.RunSQL(
            "UPDATE refunds_refundrequest r SET channel = 'system' FROM refunds_transition t"
            " WHERE t.request_id = r.id AND t.sequence = 1 AND t.actor = 'system'",
            migrations.RunSQL.noop,
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='refundrequest',
            trigger=pgtrigger.compiler.Trigger(name='filed_as_it_was', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF (OLD.channel, OLD.ticket, OLD.caller_check) IS DISTINCT FROM (NEW.channel, NEW.ticket, NEW.caller_check) THEN\n        RAISE EXCEPTION 'how request % was filed is history: it is never changed', OLD.number;\n    END IF;\n    RETURN NEW;\n", hash='27a77ddb7308f48ab2e768c51dba4d903898c812', operation='UPDATE OF "channel", "ticket", "caller_check"', pgid='pgtrigger_filed_as_it_was_eec71', table='refunds_refundrequest', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='refundrequest',
            constraint=models.CheckConstraint(condition=models.Q(('channel__in', ['api', 'portal', 'staff', 'phone', 'ticket', 'import', 'system'])), name='filed_by_a_known_channel'),
        ),
        migrations.AddConstraint(
            model_name='refundrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('channel__in', ('phone', 'ticket', 'staff')), _negated=True), models.Q(('caller_check', ''), _negated=True), _connector='OR'), name='caller_was_identified'),
        ),
        migrations.AddConstraint(
            model_name='refundrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('channel', 'ticket'), _negated=True), models.Q(('ticket', ''), _negated=True), _connector='OR'), name='ticket_has_its_number'),
        ),
        migrations.AddConstraint(
            model_name='transition',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('actor__in', ['buyer', 'reviewer', 'seller', 'supervisor', 'support', 'system']), ('event', 'file'), ('from_state', ''), ('to_state', 'submitted')), models.Q(('actor__in', ['system']), ('event', 'precheck'), ('from_state', 'submitted'), ('to_state', 'prechecking')), models.Q(('actor__in', ['system']), ('event', 'policy_approve'), ('from_state', 'prechecking'), ('to_state', 'approved')), models.Q(('actor__in', ['system']), ('event', 'policy_reject'), ('from_state', 'prechecking'), ('to_state', 'rejected')), models.Q(('actor__in', ['system']), ('event', 'policy_ask_seller'), ('from_state', 'prechecking'), ('to_state', 'awaiting_seller')), models.Q(('actor__in', ['system']), ('event', 'policy_review'), ('from_state', 'prechecking'), ('to_state', 'manual_review')), models.Q(('actor__in', ['seller']), ('event', 'agree'), ('from_state', 'awaiting_seller'), ('to_state', 'approved')), models.Q(('actor__in', ['seller']), ('event', 'agree_for_check'), ('from_state', 'awaiting_seller'), ('to_state', 'manual_review')), models.Q(('actor__in', ['seller']), ('event', 'refuse'), ('from_state', 'awaiting_seller'), ('to_state', 'manual_review')), models.Q(('actor__in', ['seller']), ('event', 'offer'), ('from_state', 'awaiting_seller'), ('to_state', 'awaiting_buyer')), models.Q(('actor__in', ['system']), ('event', 'seller_silent'), ('from_state', 'awaiting_seller'), ('to_state', 'manual_review')), models.Q(('actor__in', ['reviewer', 'supervisor']), ('event', 'take_over'), ('from_state', 'awaiting_seller'), ('to_state', 'manual_review')), models.Q(('actor__in', ['buyer']), ('event', 'accept_offer'), ('from_state', 'awaiting_buyer'), ('to_state', 'approved')), models.Q(('actor__in', ['buyer']), ('event', 'confirm_replacement'), ('from_state', 'awaiting_buyer'), ('to_state', 'replaced')), models.Q(('actor__in', ['buyer']), ('event', 'decline_offer'), ('from_state', 'awaiting_buyer'), ('to_state', 'manual_review')), models.Q(('actor__in', ['system']), ('event', 'buyer_silent'), ('from_state', 'awaiting_buyer'), ('to_state', 'manual_review')), models.Q(('actor__in', ['reviewer', 'supervisor']), ('event', 'approve'), ('from_state', 'manual_review'), ('to_state', 'approved')), models.Q(('actor__in', ['reviewer', 'supervisor']), ('event', 'reject'), ('from_state', 'manual_review'), ('to_state', 'rejected')), models.Q(('actor__in', ['reviewer', 'supervisor']), ('event', 'ask_evidence'), ('from_state', 'manual_review'), ('to_state', 'awaiting_evidence')), models.Q(('actor__in', ['reviewer', 'supervisor']), ('event', 'refer'), ('from_state', 'manual_review'), ('to_state', 'arbitration')), models.Q(('actor__in', ['buyer', 'seller']), ('event', 'give_evidence'), ('from_state', 'awaiting_evidence'), ('to_state', 'manual_review')), models.Q(('actor__in', ['reviewer', 'supervisor']), ('event', 'resume'), ('from_state', 'awaiting_evidence'), ('to_state', 'manual_review')), models.Q(('actor__in', ['system']), ('event', 'evidence_overdue'), ('from_state', 'awaiting_evidence'), ('to_state', 'manual_review')), models.Q(('actor__in', ['buyer']), ('event', 'reapply'), ('from_state', 'rejected'), ('to_state', 'submitted')), models.Q(('actor__in', ['buyer']), ('event', 'request_person'), ('from_state', 'rejected'), ('to_state', 'manual_review')), models.Q(('actor__in', ['supervisor']), ('event', 'hear_appeal'), ('from_state', 'rejected'), ('to_state', 'manual_review')), models.Q(('actor__in', ['supervisor']), ('event', 'escalate'), ('from_state', 'rejected'), ('to_state', 'arbitration')), models.Q(('actor__in', ['arbiter', 'supervisor']), ('event', 'rule_for_buyer'), ('from_state', 'arbitration'), ('to_state', 'approved')), models.Q(('actor__in', ['arbiter', 'supervisor']), ('event', 'rule_for_seller'), ('from_state', 'arbitration'), ('to_state', 'rejected')), models.Q(('actor__in', ['system']), ('event', 'pay'), ('from_state', 'approved'), ('to_state', 'refunding')), models.Q(('actor__in', ['system']), ('event', 'settle'), ('from_state', 'refunding'), ('to_state', 'refunded')), models.Q(('actor__in', ['system']), ('event', 'come_back'), ('from_state', 'refunded'), ('to_state', 'refunding')), models.Q(('actor__in', ['system']), ('event', 'freeze'), ('from_state', 'awaiting_seller'), ('to_state', 'manual_review')), models.Q(('actor__in', ['system']), ('event', 'freeze'), ('from_state', 'approved'), ('to_state', 'manual_review')), models.Q(('actor__in', ['buyer']), ('event', 'withdraw'), ('from_state', 'submitted'), ('to_state', 'withdrawn')), models.Q(('actor__in', ['buyer']), ('event', 'withdraw'), ('from_state', 'prechecking'), ('to_state', 'withdrawn')), models.Q(('actor__in', ['buyer']), ('event', 'withdraw'), ('from_state', 'awaiting_seller'), ('to_state', 'withdrawn')), models.Q(('actor__in', ['buyer']), ('event', 'withdraw'), ('from_state', 'awaiting_buyer'), ('to_state', 'withdrawn')), models.Q(('actor__in', ['buyer']), ('event', 'withdraw'), ('from_state', 'awaiting_evidence'), ('to_state', 'withdrawn')), models.Q(('actor__in', ['buyer']), ('event', 'withdraw'), ('from_state', 'manual_review'), ('to_state', 'withdrawn')), _connector='OR'), name='transition_is_an_edge'),
        ),
    ]
