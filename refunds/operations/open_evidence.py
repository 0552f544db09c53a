"""A file is opened by its link (requirement D3); staff who open an identity document leave a trace (K3)."""

import logging
from datetime import datetime
from typing import IO, Any, NamedTuple

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound

from ..evidence import links, storage
from ..evidence_shown import VERIFIERS_ONLY, seller_may_see, staff_may_see
from ..models import Evidence, EvidenceView
from ..permissions import reaches

log = logging.getLogger(__name__)


class Opened(NamedTuple):
    evidence: Evidence
    file: IO[Any]
    is_small: bool


def open_evidence(*, token: str, user: User | None, ip: str, now: datetime) -> Opened:
    """`user` is who is signed in to a screen. A link is no more than a ticket: the right to see is asked again.

    Raises NotFound, whatever is wrong.
    """
    try:
        link = links.read(token, now)
    except links.BadLink as bad:
        raise NotFound() from bad
    evidence = Evidence.objects.select_related("request").filter(pk=link.evidence_id).first()
    if evidence is None or not _may_see(evidence, link.viewer, user):
        raise NotFound()
    if link.viewer.kind == links.USER and evidence.kind in VERIFIERS_ONLY:
        EvidenceView.objects.create(evidence=evidence, user_id=link.viewer.id, ip=ip or None, at=now)
    is_small = link.is_small and evidence.is_image
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
    if user is None or user.pk != viewer.id:
        return False
    as_staff = staff_may_see(user, evidence.kind) and reaches(user, evidence.request_id)
    return as_staff or seller_may_see(user, evidence)
