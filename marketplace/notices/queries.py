"""Reads, scoped to the recipient."""

from django.db.models import QuerySet

from .models import Delivery, Endpoint, Notice, Preference
from .texts import WORDS
from .topics import GROUPS, OPTIONAL_GROUPS, TOPICS, Group, RecipientKind, Way

COUNT_TO = 99  # beyond it a bell shows "99+"


def notices_of(recipient_kind: RecipientKind, recipient_id: int) -> QuerySet[Notice]:
    rows = Notice.objects.filter(recipient_kind=recipient_kind, recipient_id=recipient_id)
    return rows.order_by("-id")


def unread_count(recipient_kind: RecipientKind, recipient_id: int) -> int:
    """Counted to COUNT_TO + 1 and no further."""
    unread = notices_of(recipient_kind, recipient_id).filter(read_at=None)
    return unread.order_by().values("pk")[: COUNT_TO + 1].count()


def endpoints_of_seller(seller_id: int) -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(seller_id=seller_id).order_by("id")


def log_of_seller(seller_id: int) -> QuerySet[Delivery]:
    """What was sent to the seller's receivers, newest first."""
    rows = Delivery.objects.filter(endpoint__seller_id=seller_id).select_related("notice", "endpoint")
    return rows.order_by("-id")


def unwanted(recipient_kind: RecipientKind, recipient_id: int, way: Way) -> set[str]:
    """The groups of topics this recipient has turned off for this way."""
    rows = Preference.objects.filter(recipient_kind=recipient_kind, recipient_id=recipient_id, way=way)
    return set(rows.values_list("group", flat=True)) & set(OPTIONAL_GROUPS)


def groups_told(kind: RecipientKind) -> dict[str, Group]:
    """Of which readers of this kind are told anything: the others are not theirs to choose."""
    found = {TOPICS[topic].group for topic, told in WORDS if told == kind.value}
    return {name: group for name, group in GROUPS.items() if name in found}
