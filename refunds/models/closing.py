"""Triggers for rows that are asked once and answered once: what was asked stays, and so does the answer."""

from collections.abc import Sequence

import pgtrigger

_REFUSE = "RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;"


def closed_once(closing: str, fixed: Sequence[str]) -> list[pgtrigger.Trigger]:
    """A row whose `closing` column is set never changes again; its `fixed` columns never change at all."""
    old, new = (", ".join(f"{row}.{column}" for column in fixed) for row in ("OLD", "NEW"))
    return [
        pgtrigger.Trigger(
            name="closed_once",
            operation=pgtrigger.Update,
            when=pgtrigger.Before,
            func=f"IF OLD.{closing} IS NOT NULL OR ({old}) IS DISTINCT FROM ({new}) THEN {_REFUSE} END IF; RETURN NEW;",
        ),
        *never_removed(),
    ]


def never_removed() -> list[pgtrigger.Trigger]:
    """Rows change, and stay."""
    return [
        pgtrigger.Trigger(
            name="never_removed", operation=pgtrigger.Delete, when=pgtrigger.Before, func=_REFUSE
        ),
        pgtrigger.Trigger(
            name="no_truncate",
            level=pgtrigger.Statement,
            operation=pgtrigger.Truncate,
            when=pgtrigger.Before,
            func=_REFUSE,
        ),
    ]
