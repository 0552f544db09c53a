"""A posting is in its account's currency: a composite foreign key, which Django cannot declare."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE ledger_posting ADD CONSTRAINT posting_in_account_currency"
            " FOREIGN KEY (account_id, currency) REFERENCES ledger_account (id, currency)",
            "ALTER TABLE ledger_posting DROP CONSTRAINT posting_in_account_currency",
        )
    ]
