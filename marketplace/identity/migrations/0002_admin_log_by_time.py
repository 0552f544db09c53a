"""The page of the audit log reads the admin's own log beside ours, by time: an index on a table that is not ours."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("identity", "0001_initial"), ("admin", "0003_logentry_add_action_flag_choices")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX admin_log_by_time ON django_admin_log (action_time DESC, id DESC)",
            "DROP INDEX admin_log_by_time",
        )
    ]
