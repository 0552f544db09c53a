"""What the operations on drafts of the rules share: who may, the row under lock, and what each asks of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, NotPermitted, Refusal
from marketplace.kernel.language import language

from ..models import PolicyDraft, PolicyVersion
from ..models.policies import NOTICE
from ..policy.term_errors import errors_in

MAY_EDIT = "refunds.change_policydraft"
MAY_PUBLISH = "refunds.publish_policydraft"


class TermsRefused(Refusal):
    """`extra["errors"]` says what is wrong by the path of the term, in the reader's language."""

    code = "terms_refused"
    status = 422
    title = _("Some terms cannot be so. Each says below what it can be.")


class NoticeTooShort(Refusal):
    code = "notice_too_short"
    status = 422
    title = _("A version is published at least 7 days before it comes into force.")


class InForceBeforeItsBase(Refusal):
    code = "in_force_before_its_base"
    status = 422
    title = _("A version comes into force no earlier than the one before it.")


class ReasonsOfVersionNeeded(Refusal):
    """`extra["errors"]` names the fields left empty."""

    code = "reasons_of_version_needed"
    status = 422
    title = _("Say in a title and in words why the rules change: everybody reads it once it is published.")


class DraftFrozen(Refusal):
    code = "draft_frozen"
    title = _("This draft is submitted. Take it back to change it.")


class DraftClosed(Refusal):
    code = "draft_closed"
    title = _("This draft is published or dropped already. Begin another one.")


class DraftMovedOn(Refusal):
    code = "draft_moved_on"
    title = _("Somebody else has changed this draft meanwhile. Open it anew, and read it.")


class NotSubmitted(Refusal):
    code = "draft_not_submitted"
    title = _("This draft is not submitted. Submit it first.")


class BaseSuperseded(Refusal):
    code = "base_superseded"
    title = _("Another version was published since this draft was begun. Carry its changes over to that one.")


def require(user: User, permission: str) -> None:
    """Raises NotPermitted."""
    if not (user.is_active and user.is_staff and user.has_perm(permission)):
        raise NotPermitted()


def lock_draft(draft_id: int) -> PolicyDraft:
    """An open draft, locked until the end of the transaction. Raises NotFound, DraftClosed."""
    draft = PolicyDraft.objects.select_for_update().filter(pk=draft_id).first()
    if draft is None:
        raise NotFound()
    if not draft.is_open:
        raise DraftClosed()
    return draft


def require_terms(goods_type: str, terms: Mapping[str, Any]) -> None:
    """Raises TermsRefused."""
    if found := errors_in({**terms, "goods_type": goods_type}, language()):
        raise TermsRefused(errors=found)


def require_reasons(draft: PolicyDraft) -> None:
    """Raises ReasonsOfVersionNeeded."""
    empty = [name for name in ("title", "why") if not getattr(draft, name).strip()]
    if empty:
        raise ReasonsOfVersionNeeded(
            errors={name: gettext("Write it: nothing stands here.") for name in empty}
        )


def require_notice(draft: PolicyDraft, now: datetime) -> None:
    """Raises NoticeTooShort."""
    if draft.in_force_at < now + NOTICE:
        known = {"day": day(draft.in_force_at), "earliest": day(earliest(now))}
        detail = gettext(
            "In force from %(day)s: that is less than 7 days ahead. Choose %(earliest)s or a later day."
        )
        text = detail % known
        raise NoticeTooShort(text, errors={"in_force_at": text}, earliest=earliest(now).isoformat())


def require_order(draft: PolicyDraft, base: PolicyVersion) -> None:
    """Versions come into force in the order of their numbers. Raises InForceBeforeItsBase."""
    if draft.in_force_at < base.in_force_at:
        known = {"day": day(draft.in_force_at), "base": base, "since": day(base.in_force_at)}
        detail = gettext(
            "In force from %(day)s: %(base)s comes into force on %(since)s only. Choose that day or a later one."
        )
        text = detail % known
        raise InForceBeforeItsBase(text, errors={"in_force_at": text})


def require_newest_base(draft: PolicyDraft) -> PolicyVersion:
    """The version the draft is based on. Raises BaseSuperseded."""
    newest = newest_version(draft.goods_type)
    if newest.pk != draft.based_on_id:
        known = {"base": draft.based_on, "newest": newest}
        detail = gettext(
            "This draft was made from %(base)s, and %(newest)s has been published since. Carry its changes over to that"
            " one, then read it again."
        )
        raise BaseSuperseded(detail % known)
    return newest


def newest_version(goods_type: str) -> PolicyVersion:
    """Raises NotFound."""
    newest = PolicyVersion.objects.filter(goods_type=goods_type).order_by("-version").first()
    if newest is None:
        raise NotFound()
    return newest


def earliest(now: datetime) -> datetime:
    """The first midnight in Beijing that gives everybody the notice due, if published within the hour."""
    after = timezone.localtime(now + NOTICE + timedelta(hours=1))
    return after.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def day(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d}"
