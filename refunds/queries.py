"""Reads, scoped to the caller. Explicit order everywhere, and no query per row."""

from django.db.models import Prefetch, QuerySet

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound
from marketplace.payments.models import Transfer

from .casefile.offers import offers
from .models import (
    Appeal,
    Deadline,
    Decision,
    Evidence,
    EvidenceDemand,
    Judgement,
    Message,
    RefundItem,
    RefundRequest,
    Transition,
)


def whole_cases() -> QuerySet[RefundRequest]:
    """Requests with everything a reader of one case needs, in a fixed number of queries."""
    return RefundRequest.objects.select_related("order", "seller", "buyer").prefetch_related(
        Prefetch("items", RefundItem.objects.select_related("unit").order_by("id")),
        Prefetch("transitions", Transition.objects.select_related("user").order_by("sequence")),
        Prefetch("decisions", Decision.objects.select_related("policy").order_by("id")),
        Prefetch("judgements", Judgement.objects.order_by("sequence")),
        Prefetch("messages", Message.objects.select_related("user").order_by("id")),
        Prefetch("deadlines", Deadline.objects.filter(closed_at__isnull=True).order_by("due_at", "id")),
        Prefetch("evidence", Evidence.objects.select_related("user").order_by("position")),
        *offers(),
        Prefetch("evidence_demands", EvidenceDemand.objects.order_by("sequence")),
        Prefetch("appeals", Appeal.objects.order_by("id")),
    )


def of_buyer(buyer_id: int) -> QuerySet[RefundRequest]:
    return whole_cases().filter(buyer_id=buyer_id).order_by("-id")


def of_seller(user: User) -> QuerySet[RefundRequest]:
    """The cases of the seller this person acts for."""
    return RefundRequest.objects.filter(seller__members__user=user).select_related("order", "seller")


def buyers_request(buyer_id: int, number: str) -> RefundRequest:
    """Raises NotFound."""
    return _only(of_buyer(buyer_id).filter(number=number))


def sellers_request(user: User, number: str) -> RefundRequest:
    """Raises NotFound."""
    return _only(whole_cases().filter(seller__members__user=user, number=number))


def any_request(number: str) -> RefundRequest:
    """For staff. Raises NotFound."""
    return _only(whole_cases().filter(number=number))


def transfers_of(numbers: list[str]) -> dict[str, list[Transfer]]:
    """The transfers of these requests, by request number."""
    found: dict[str, list[Transfer]] = {number: [] for number in numbers}
    rows = Transfer.objects.filter(reference__in=numbers).select_related("claim__capture").order_by("id")
    for transfer in rows:
        found[transfer.reference].append(transfer)
    return found


def _only(requests: QuerySet[RefundRequest]) -> RefundRequest:
    request = requests.first()
    if request is None:
        raise NotFound()
    return request
