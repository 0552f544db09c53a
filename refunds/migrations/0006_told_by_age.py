"""What was said or done lately is found by its age, to be told: by block ranges, which cost next to nothing to keep."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("refunds", "0005_evidence")]

    operations = [
        migrations.AddIndex("message", BrinIndex(autosummarize=True, fields=["at"], name="message_by_age")),
        migrations.AddIndex("transition", BrinIndex(autosummarize=True, fields=["at"], name="transition_by_age")),
    ]
