"""Two composite foreign keys that hold a request's state to its history (Django cannot declare them).

The first: the request's (id, sequence, state) is a transition's target. The second: each transition continues
from the one before it. Both are checked at commit.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("refunds", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE refunds_refundrequest ADD CONSTRAINT state_is_last_transition"
            " FOREIGN KEY (id, sequence, state) REFERENCES refunds_transition (request_id, sequence, to_state)"
            " DEFERRABLE INITIALLY DEFERRED",
            "ALTER TABLE refunds_refundrequest DROP CONSTRAINT state_is_last_transition",
        ),
        migrations.RunSQL(
            "ALTER TABLE refunds_transition ADD CONSTRAINT transition_continues"
            " FOREIGN KEY (request_id, previous, from_state)"
            " REFERENCES refunds_transition (request_id, sequence, to_state) DEFERRABLE INITIALLY DEFERRED",
            "ALTER TABLE refunds_transition DROP CONSTRAINT transition_continues",
        ),
    ]
