"""A second person makes a submitted draft the next version of the rules (requirement J5)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel import outbox
from marketplace.kernel.errors import SecondPersonNeeded

from .. import policies
from ..models import PolicyDraft, PolicyVersion
from . import drafting
from .drafting import MAY_PUBLISH, DraftMovedOn, NotSubmitted, lock_draft, require
from .require_tested import require_tested


def publish_draft(
    *, draft_id: int, user: User, seen_at: datetime | None, now: datetime, override_note: str = ""
) -> PolicyVersion:
    """The version is announced at once and in force from its day on. It cannot be taken back, only followed by another.
    `seen_at` is the draft's `submitted_at` as its reader saw it: what was submitted anew since is not published unread.
    `override_note` is a supervisor's reason to publish a draft that drifts too far.

    Raises NotPermitted, NotFound, NotSubmitted, DraftClosed, DraftMovedOn, SecondPersonNeeded (for whoever had a hand in it),
    TermsRefused, NoticeTooShort, InForceBeforeItsBase, BaseSuperseded, and what require_tested raises.
    """
    require(user, MAY_PUBLISH)
    with transaction.atomic(durable=True):
        draft = lock_draft(draft_id)
        if draft.state != PolicyDraft.State.SUBMITTED:
            raise NotSubmitted()
        if draft.submitted_at != seen_at:
            raise DraftMovedOn()
        if user.pk in draft.writers:
            raise SecondPersonNeeded(_("You had a hand in this draft. Another person publishes it."))
        drafting.require_terms(draft.goods_type, draft.terms)
        base = drafting.require_newest_base(draft)
        drafting.require_notice(draft, now)
        drafting.require_order(draft, base)
        require_tested(draft, override_note, user, now)
        version = PolicyVersion.objects.create(
            goods_type=draft.goods_type,
            version=base.version + 1,
            terms=draft.terms,
            in_force_at=draft.in_force_at,
            published_at=now,
        )
        draft.state, draft.version = PolicyDraft.State.PUBLISHED, version
        draft.published_by, draft.published_at = user, now
        draft.save(update_fields=["state", "version", "published_by", "published_at"])
        outbox.enqueue("batch.tell_version", version.pk)
    policies.forget()
    return version
