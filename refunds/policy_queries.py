"""Versions and drafts of the rules as the desk reads them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from marketplace.orders.goods import GoodsType

from .models import PolicyDraft, PolicyVersion
from .policy import Terms
from .policy.term_changes import Change, changes


class Shelf(NamedTuple):
    """One goods type's versions: what holds, what is announced, what is being written, and what held before."""

    goods_type: str
    name: str
    current: PolicyVersion | None
    coming: Sequence[PolicyVersion]
    draft: PolicyDraft | None
    earlier: Sequence[PolicyVersion]


def shelves(now: datetime) -> list[Shelf]:
    """Every goods type, in two queries."""
    versions = PolicyVersion.objects.select_related("draft").order_by("goods_type", "in_force_at", "version")
    drafts = PolicyDraft.objects.filter(state__in=PolicyDraft.OPEN).select_related("changed_by")
    of_type: dict[str, list[PolicyVersion]] = {}
    for version in versions:
        of_type.setdefault(version.goods_type, []).append(version)
    open_drafts = {draft.goods_type: draft for draft in drafts}
    return [
        _shelf(goods_type, str(name), of_type.get(goods_type, []), open_drafts.get(goods_type), now)
        for goods_type, name in GoodsType.choices
    ]


def _shelf(
    goods_type: str, name: str, versions: list[PolicyVersion], draft: PolicyDraft | None, now: datetime
) -> Shelf:
    held = [version for version in versions if version.in_force_at <= now]
    coming = [version for version in versions if version.in_force_at > now]
    return Shelf(goods_type, name, held[-1] if held else None, coming, draft, held[-2::-1])


def before(version: PolicyVersion) -> PolicyVersion | None:
    return PolicyVersion.objects.filter(goods_type=version.goods_type, version=version.version - 1).first()


def after(version: PolicyVersion) -> PolicyVersion | None:
    """What takes its place."""
    return PolicyVersion.objects.filter(goods_type=version.goods_type, version=version.version + 1).first()


def in_force_version(goods_type: str, now: datetime) -> PolicyVersion | None:
    versions = PolicyVersion.objects.filter(goods_type=goods_type, in_force_at__lte=now)
    return versions.order_by("-in_force_at", "-version").first()


def changes_between(old: Mapping[str, Any], new: Mapping[str, Any], language: str) -> list[Change]:
    """Of terms as stored, which may lack what nobody knew when they were published."""
    was, now = (Terms.model_validate(terms).model_dump(mode="json") for terms in (old, new))
    return changes(was, now, language)
