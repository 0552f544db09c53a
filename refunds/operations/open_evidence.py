"""A file is opened by its link (requirement D3); an identity document by staff who say why (K3)."""

import logging
from datetime import datetime
from typing import IO, Any, NamedTuple

from django.db import transaction

from marketplace.identity.models import AuditKind, User
from marketplace.identity.operations.keep import keep
from marketplace.identity.operations.second_factor import reason_of
from marketplace.kernel.errors import NotFound
from marketplace.kernel.http import Origin

from ..evidence import links, storage
from ..evidence_shown import VERIFIERS_ONLY, seller_may_see, staff_may_see
from ..models import Evidence
from ..permissions import reaches

log = logging.getLogger(__name__)


class Opened(NamedTuple):
    evidence: Evidence
    file: IO[Any]
    is_small: bool


def open_evidence(*, token: str, user: User | None, now: datetime) -> Opened:
    """`user` is who is signed in to a screen. A link is no more than a ticket: the right to see is asked again.

    No screen's link opens an identity document: that is `open_identity`. Raises NotFound, whatever is wrong.
    """
    try:
        link = links.read(token, now)
    except links.BadLink as bad:
        raise NotFound() from bad
    evidence = Evidence.objects.select_related("request").filter(pk=link.evidence_id).first()
    if evidence is None or not _may_see(evidence, link.viewer, user):
        raise NotFound()
    return _opened(evidence, is_small=link.is_small and evidence.is_image)


def open_identity(
    *, number: str, position: int, reason: str, user: User, origin: Origin, now: datetime
) -> Opened:
    """Each call is one view, kept for good with its reason. Raises NotFound, ReasonNeeded."""
    evidence = identity_of(number=number, position=position, user=user)
    reason = reason_of(reason)
    with transaction.atomic(durable=True):
        subject = f"{number}/{position}"
        keep(
            AuditKind.IDENTITY_OPENED, user=user, subject=subject, number=number, reason=reason, origin=origin,
            now=now,
        )  # fmt: skip
    return _opened(evidence, is_small=False)


def identity_of(*, number: str, position: int, user: User) -> Evidence:
    """The document, not opened yet. Raises NotFound, also for who may not see it."""
    rows = Evidence.objects.select_related("request").filter(kind__in=VERIFIERS_ONLY)
    evidence = rows.filter(request__number=number, position=position).first()
    if evidence is None or not (staff_may_see(user, evidence.kind) and reaches(user, evidence.request_id)):
        raise NotFound()
    return evidence


def _opened(evidence: Evidence, *, is_small: bool) -> Opened:
    key = storage.small_key(evidence.key) if is_small else evidence.key
    try:
        return Opened(evidence, storage.files().open(key), is_small)
    except FileNotFoundError as lost:
        log.exception("evidence %s is not in the storage: %s", evidence, key)
        raise NotFound() from lost


def _may_see(evidence: Evidence, viewer: links.Viewer, user: User | None) -> bool:
    """A buyer's link is the buyer's own; a screen's link works for the person it was made for, signed in."""
    if viewer.kind == links.BUYER:
        return evidence.request.buyer_id == viewer.id
    if user is None or user.pk != viewer.id or evidence.kind in VERIFIERS_ONLY:
        return False
    as_staff = staff_may_see(user, evidence.kind) and reaches(user, evidence.request_id)
    return as_staff or seller_may_see(user, evidence)
