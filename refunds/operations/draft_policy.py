"""A draft of the next version of one goods type's rules is begun (requirement B11)."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal

from ..models import PolicyDraft, PolicyVersion
from ..policy.term_table import completed
from .drafting import MAY_EDIT, earliest, newest_version, require

LEISURE = timedelta(days=7)  # to write it in and to have it read, before its notice begins


class DraftOpen(Refusal):
    """`extra["draft"]` is the open one."""

    code = "draft_open"
    title = _("A draft for these goods is open already. Go on with it, or drop it.")


def draft_policy(
    *, goods_type: str, user: User, now: datetime, terms_of: PolicyVersion | None = None
) -> PolicyDraft:
    """Begin with the terms of the newest version, or of an older one to go back to.

    Raises NotPermitted, NotFound, DraftOpen.
    """
    require(user, MAY_EDIT)
    newest = newest_version(goods_type)
    begin_with = terms_of or newest
    if begin_with.goods_type != goods_type:
        raise NotFound()
    try:
        with transaction.atomic(durable=True):
            return PolicyDraft.objects.create(
                goods_type=goods_type,
                terms=completed(begin_with.terms),
                based_on=newest,
                in_force_at=max(earliest(now + LEISURE), newest.in_force_at),
                created_by=user,
                created_at=now,
                changed_by=user,
                changed_at=now,
            )
    except IntegrityError as error:
        if "one_open_draft_per_goods_type" not in str(error):
            raise
        raise _open(goods_type) from error


def _open(goods_type: str) -> DraftOpen:
    """Names who began the one in the way, where it still is."""
    standing = (
        PolicyDraft.objects.filter(goods_type=goods_type, state__in=PolicyDraft.OPEN)
        .select_related("created_by")
        .first()
    )
    if standing is None:
        return DraftOpen()
    detail = gettext("%(who)s has begun a draft for these goods already. Go on with it, or drop it.")
    return DraftOpen(detail % {"who": standing.created_by}, draft=standing.pk)
