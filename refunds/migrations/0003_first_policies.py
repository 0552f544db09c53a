"""Version 1 of every goods type's terms, in force since before the first order."""

from datetime import UTC, datetime

from django.db import migrations

from refunds.policy.defaults import DEFAULTS

SINCE = datetime(2000, 1, 1, tzinfo=UTC)


def publish(apps, schema_editor):
    PolicyVersion = apps.get_model("refunds", "PolicyVersion")
    PolicyVersion.objects.bulk_create(
        PolicyVersion(goods_type=goods_type, version=1, terms=terms, in_force_at=SINCE, published_at=SINCE)
        for goods_type, terms in DEFAULTS.items()
    )


class Migration(migrations.Migration):
    dependencies = [("refunds", "0002_laws_by_hand")]
    operations = [migrations.RunPython(publish, migrations.RunPython.noop)]
