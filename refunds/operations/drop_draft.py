"""A draft of the rules comes to nothing. It stays to be read."""

from datetime import datetime

from django.db import transaction

from marketplace.identity.models import User

from ..models import PolicyDraft
from .drafting import MAY_EDIT, lock_draft, require


def drop_draft(*, draft_id: int, user: User, now: datetime) -> PolicyDraft:
    """Raises NotPermitted, NotFound, DraftClosed."""
    require(user, MAY_EDIT)
    with transaction.atomic(durable=True):
        draft = lock_draft(draft_id)
        draft.state = PolicyDraft.State.DROPPED
        draft.dropped_by, draft.dropped_at = user, now
        draft.save(update_fields=["state", "dropped_by", "dropped_at"])
        return draft
