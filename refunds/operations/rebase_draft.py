"""A draft's changes are carried over to a version published since it was begun."""

from datetime import datetime

from django.db import transaction

from marketplace.identity.models import User

from ..models import PolicyDraft
from ..policy.term_table import carry_over
from .drafting import MAY_EDIT, DraftFrozen, lock_draft, newest_version, require, require_terms


def rebase_draft(*, draft_id: int, user: User, now: datetime) -> PolicyDraft:
    """The newest version's terms, with those in their place that the draft had changed.

    Raises NotPermitted, NotFound, DraftFrozen, DraftClosed, TermsRefused (where the two do not go together).
    """
    require(user, MAY_EDIT)
    with transaction.atomic(durable=True):
        draft = lock_draft(draft_id)
        if draft.state != PolicyDraft.State.DRAFT:
            raise DraftFrozen()
        newest = newest_version(draft.goods_type)
        terms = carry_over(draft.based_on.terms, draft.terms, newest.terms)
        require_terms(draft.goods_type, terms)
        draft.terms, draft.based_on = terms, newest
        draft.changed_by, draft.changed_at = user, now
        draft.save(update_fields=["terms", "based_on", "changed_by", "changed_at"])
        return draft
