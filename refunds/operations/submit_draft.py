"""A draft of the rules is handed to another person to publish, and taken back to be written on."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotPermitted, Refusal

from ..models import PolicyDraft
from ..policy import Terms
from . import drafting
from .drafting import MAY_EDIT, MAY_PUBLISH, DraftFrozen, NotSubmitted, lock_draft, require


class NothingChanged(Refusal):
    code = "nothing_changed"
    title = _("The terms are those of the version before. Change one, or drop the draft.")


def submit_draft(*, draft_id: int, user: User, now: datetime) -> PolicyDraft:
    """Its words, terms and day stay as they are from here on.

    Raises NotPermitted, NotFound, DraftFrozen, DraftClosed, ReasonsOfVersionNeeded, TermsRefused, NothingChanged,
    NoticeTooShort, InForceBeforeItsBase, BaseSuperseded.
    """
    require(user, MAY_EDIT)
    with transaction.atomic(durable=True):
        draft = lock_draft(draft_id)
        if draft.state != PolicyDraft.State.DRAFT:
            raise DraftFrozen()
        drafting.require_reasons(draft)
        drafting.require_terms(draft.goods_type, draft.terms)
        base = drafting.require_newest_base(draft)
        if Terms.model_validate(draft.terms) == Terms.model_validate(base.terms):
            raise NothingChanged()
        drafting.require_notice(draft, now)
        drafting.require_order(draft, base)
        draft.state = PolicyDraft.State.SUBMITTED
        draft.submitted_by, draft.submitted_at = user, now
        draft.save(update_fields=["state", "submitted_by", "submitted_at"])
        return draft


def take_back(*, draft_id: int, user: User) -> PolicyDraft:
    """A draft again, to be written on: by who writes drafts, or by who read it and would have it otherwise.

    Raises NotPermitted, NotFound, NotSubmitted, DraftClosed.
    """
    if not (user.has_perm(MAY_EDIT) or user.has_perm(MAY_PUBLISH)):
        raise NotPermitted()
    with transaction.atomic(durable=True):
        draft = lock_draft(draft_id)
        if draft.state != PolicyDraft.State.SUBMITTED:
            raise NotSubmitted()
        draft.state = PolicyDraft.State.DRAFT
        draft.submitted_by = draft.submitted_at = None
        draft.save(update_fields=["state", "submitted_by", "submitted_at"])
        return draft
