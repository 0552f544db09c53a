"""Evidence as its readers are given it: who may see which file, links for them, and what is still missing."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from marketplace.identity.models import User
from marketplace.kernel.serializers import instant
from sellers.models import Membership

from .evidence.links import BUYER, USER, Viewer, link
from .machine import Party
from .models import Decision, Evidence, RefundRequest

MAY_READ_CASES = "refunds.view_refundrequest"
MAY_VERIFY = "identity.change_buyer"  # whose work is to look at identity documents
VERIFIERS_ONLY = frozenset({"identity"})  # beside the buyer whose it is


def staff_may_see(user: User, kind: str) -> bool:
    """Of a case within their reach (permissions.reach)."""
    if not (user.is_active and user.is_staff and user.has_perm(MAY_READ_CASES)):
        return False
    return kind not in VERIFIERS_ONLY or user.has_perm(MAY_VERIFY)


def seller_may_see(user: User, evidence: Evidence) -> bool:
    if not user.is_active or evidence.kind in VERIFIERS_ONLY:
        return False
    return Membership.objects.filter(user=user, seller_id=evidence.request.seller_id).exists()


def link_for_user(evidence: Evidence, user: User, now: datetime, *, is_small: bool = False) -> str:
    return link(evidence.pk, Viewer(USER, user.pk), now, is_small=is_small)


def represent_evidence(evidence: Evidence, viewer: Viewer | None, now: datetime | None) -> dict[str, Any]:
    """`url` is null where the answer is kept: it would be old when it is read."""
    return {
        "id": evidence.position,
        "kind": evidence.kind,
        "by": evidence.by,
        "name": evidence.name,
        "note": evidence.note,
        "media_type": evidence.media_type,
        "size": evidence.size,
        "sha256": bytes(evidence.sha256).hex(),
        "original_sha256": bytes(evidence.original_sha256).hex(),
        "at": instant(evidence.at),
        "url": link(evidence.pk, viewer, now) if viewer and now else None,
    }


def for_buyer(request: RefundRequest, now: datetime | None) -> list[dict[str, Any]]:
    """Of a request read by queries.whole_cases(); with links where `now` is given."""
    viewer = Viewer(BUYER, request.buyer_id)
    return [represent_evidence(evidence, viewer, now) for evidence in request.evidence.all()]


def kinds_present(evidence: Iterable[Evidence]) -> set[str]:
    """What speaks for the request: the seller's own files are no answer to what its buyer was asked for."""
    return {each.kind for each in evidence if each.by != Party.SELLER}


def needed(request: RefundRequest, decision: Decision | None) -> list[dict[str, Any]]:
    """What the terms it was judged by ask for, and whether it is there by now (D2); nothing before it was judged."""
    if decision is None or any(found["key"] == "evidence.not_asked" for found in decision.findings):
        return []
    present = kinds_present(request.evidence.all())
    kinds = decision.policy.terms["evidence"][request.reason]
    return [{"kind": kind, "satisfied": kind in present} for kind in kinds]
