from django.db import migrations

# Views from before reasons were asked for say so.
MOVE_THE_VIEWS = """
    INSERT INTO identity_auditentry (kind, user_id, about_id, name, subject, number, reason, ip, device, at)
    SELECT 'identity_opened', v.user_id, NULL, '', r.number || '/' || e.position, r.number, '–', v.ip, '', v.at
    FROM refunds_evidenceview v
    JOIN refunds_evidence e ON e.id = v.evidence_id
    JOIN refunds_refundrequest r ON r.id = e.request_id
    ORDER BY v.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0002_who_is_at_the_desk"),
        ("refunds", "0005_policy_drafts"),
    ]

    operations = [
        migrations.RunSQL(MOVE_THE_VIEWS, migrations.RunSQL.noop),
        migrations.DeleteModel(name="EvidenceView"),
    ]
