"""Triggers for tables whose rows are history: never updated, deleted or truncated."""

import pgtrigger

_REFUSE = "RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;"


def append_only() -> list[pgtrigger.Trigger]:
    return [
        pgtrigger.Trigger(
            name="append_only",
            operation=pgtrigger.Update | pgtrigger.Delete,
            when=pgtrigger.Before,
            func=_REFUSE,
        ),
        pgtrigger.Trigger(
            name="no_truncate",
            level=pgtrigger.Statement,
            operation=pgtrigger.Truncate,
            when=pgtrigger.Before,
            func=_REFUSE,
        ),
    ]
