"""What a recipient does with notices: read them, and say which ways they are not wanted."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.idempotency import Answer, Key, Outcome, keep, once

from ..models import Notice, Preference
from ..queries import notices_of
from ..topics import OPTIONAL_GROUPS, RecipientKind, Way


class NotOptional(Refusal):
    code = "not_optional"
    status = 422
    title = _("These notices cannot be turned off.")


def read_as_buyer(
    *, buyer_id: int, ids: Sequence[int] | None, up_to: int | None, key: Key, now: datetime
) -> Outcome:
    """Mark some of the buyer's notices as read, or all up to one; what was read before keeps its time.

    Raises NotFound, with nothing marked, where one of them is not this buyer's; and what `once` raises.
    """

    def effect() -> tuple[Answer, int]:
        mine = notices_of(RecipientKind.BUYER, buyer_id)
        answer = {"read": _mark(mine, ids, up_to, now), "unread": mine.filter(read_at=None).count()}
        keep(key, answer, 200)
        return answer, 200

    return once(key, effect)


def read_as_seller(*, seller_id: int, up_to: int, now: datetime) -> int:
    """All up to the one that the page showed last. Returns how many were unread."""
    with transaction.atomic(durable=True):
        return _mark(notices_of(RecipientKind.SELLER, seller_id), None, up_to, now)


def read_as_user(*, notice_id: int, user_id: int, now: datetime) -> None:
    """One of a member of staff's own. Raises NotFound for anybody else's."""
    with transaction.atomic(durable=True):
        _mark(notices_of(RecipientKind.USER, user_id), [notice_id], None, now)


def _mark(mine: QuerySet[Notice], ids: Sequence[int] | None, up_to: int | None, now: datetime) -> int:
    if ids is not None:
        mine = mine.filter(pk__in=ids)
        if mine.count() != len(set(ids)):
            raise NotFound(pointer="/ids")
    else:
        mine = mine.filter(pk__lte=up_to)
    return mine.filter(read_at=None).update(read_at=now)


def want(
    *, recipient_kind: RecipientKind, recipient_id: int, way: Way, group: str, wanted: bool, now: datetime
) -> None:
    """Turn one way on or off for a group of topics. Raises NotOptional where the law wants it told."""
    with transaction.atomic(durable=True):
        _want(recipient_kind, recipient_id, way, group, wanted, now)


def want_as_buyer(
    *,
    buyer_id: int,
    way: Way,
    group: str,
    wanted: bool,
    key: Key,
    present: Callable[[int], Answer],
    now: datetime,
) -> Outcome:
    """Raises NotOptional, and what `once` raises."""

    def effect() -> tuple[Answer, int]:
        _want(RecipientKind.BUYER, buyer_id, way, group, wanted, now)
        answer = present(buyer_id)
        keep(key, answer, 200)
        return answer, 200

    return once(key, effect)


def _want(kind: RecipientKind, who: int, way: Way, group: str, wanted: bool, now: datetime) -> None:
    if group not in OPTIONAL_GROUPS or way is Way.WEBHOOK:
        raise NotOptional(optional=sorted(OPTIONAL_GROUPS))
    one = Preference(recipient_kind=kind, recipient_id=who, way=way, group=group, set_at=now)
    if wanted:
        Preference.objects.filter(recipient_kind=kind, recipient_id=who, way=way, group=group).delete()
    else:
        Preference.objects.bulk_create([one], ignore_conflicts=True)
