"""A draft of the rules is written on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from marketplace.identity.models import User

from ..models import PolicyDraft
from .drafting import MAY_EDIT, DraftFrozen, DraftMovedOn, lock_draft, require, require_terms


def edit_draft(
    *,
    draft_id: int,
    user: User,
    terms: Mapping[str, Any],
    title: str,
    why: str,
    in_force_at: datetime,
    seen_at: datetime,
    now: datetime,
) -> PolicyDraft:
    """Keep what was written. `terms` are whole and sound; `seen_at` is the draft's `changed_at` as the writer saw it.

    Raises NotPermitted, NotFound, TermsRefused, DraftFrozen, DraftClosed, DraftMovedOn.
    """
    require(user, MAY_EDIT)
    with transaction.atomic(durable=True):
        draft = lock_draft(draft_id)
        if draft.state != PolicyDraft.State.DRAFT:
            raise DraftFrozen()
        if draft.changed_at != seen_at:
            who = {"who": draft.changed_by}
            raise DraftMovedOn(
                gettext("%(who)s has changed this draft meanwhile. Open it anew before you save.") % who
            )
        require_terms(draft.goods_type, terms)
        draft.terms = {**terms, "goods_type": draft.goods_type}
        draft.title, draft.why, draft.in_force_at = title.strip(), why.strip(), in_force_at
        draft.changed_by, draft.changed_at = user, now
        draft.save(update_fields=["terms", "title", "why", "in_force_at", "changed_by", "changed_at"])
        return draft
