"""What the models cannot declare: composite foreign keys, and shares that make a hundred.

A request's (id, sequence, state) is a transition's target, and each transition continues from the one before it; the
clock a request shows is one of its deadlines, and follows it when it is put off. The keys are checked at commit.
"""

from django.db import migrations

PARTIES = ("seller", "platform", "buyer", "provider")
SHARES = "shares IS NULL OR jsonb_typeof(shares) = 'object' AND shares - ARRAY[{names}] = '{{}}' AND {sum} = 100".format(
    names=", ".join(f"'{party}'" for party in PARTIES),
    sum=" + ".join(f"coalesce((shares ->> '{party}')::int, 0)" for party in PARTIES),
) + "".join(f" AND coalesce((shares ->> '{party}')::int, 1) BETWEEN 1 AND 99" for party in PARTIES)


def constraint(table, name, rule):
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule}", f"ALTER TABLE {table} DROP CONSTRAINT {name}"
    )


def key(table, name, columns, target, target_columns, on_update=""):
    rule = f"FOREIGN KEY ({columns}) REFERENCES {target} ({target_columns}) {on_update} DEFERRABLE INITIALLY DEFERRED"
    return constraint(table, name, rule)


def belongs_to(table, name, column, target):
    """The row is of one move of its request, or of one judgement in it."""
    return key(table, name, f"request_id, {column}", target, "request_id, sequence")


def shares_are_whole(table):
    return constraint(table, f"{table.removeprefix('refunds_')}_shares_make_a_hundred", f"CHECK ({SHARES})")


class Migration(migrations.Migration):
    dependencies = [("refunds", "0001_initial")]
    operations = [
        key(
            "refunds_refundrequest", "state_is_last_transition", "id, sequence, state",
            "refunds_transition", "request_id, sequence, to_state",
        ),
        key(
            "refunds_transition", "transition_continues", "request_id, previous, from_state",
            "refunds_transition", "request_id, sequence, to_state",
        ),
        key(
            "refunds_refundrequest", "clock_is_a_deadline", "id, sequence, due_kind, due_at",
            "refunds_deadline", "request_id, sequence, kind, due_at", "ON UPDATE CASCADE",
        ),
        belongs_to("refunds_judgement", "judgement_of_a_transition", "sequence", "refunds_transition"),
        belongs_to("refunds_appeal", "appeal_of_a_judgement", "against_sequence", "refunds_judgement"),
        belongs_to("refunds_evidencedemand", "demand_of_a_transition", "sequence", "refunds_transition"),
        shares_are_whole("refunds_judgement"),
        shares_are_whole("refunds_proposal"),
        shares_are_whole("refunds_vote"),
    ]
