"""A case as its file needs it: every row of it, in a fixed number of queries, and never a code."""

from typing import Any, NamedTuple

from django.db.models import Prefetch

from marketplace.kernel.errors import NotFound
from marketplace.orders.models import Unit, UnitEvent
from marketplace.payments.models import Capture, Transfer
from marketplace.payments.operations.payout import is_paid_by_hand
from marketplace.risk.models import Dispute

from ..extensions import PutOff, put_off
from ..models import (
    Appeal,
    Decision,
    Evidence,
    EvidenceDemand,
    Flag,
    Judgement,
    Message,
    ProviderCheck,
    RefundItem,
    RefundRequest,
    Transition,
)
from .offers import offers
from .timeline import Facts


class Record(NamedTuple):
    """`fingerprints` are those of the order's codes: by them a code is found in a text without being known."""

    request: RefundRequest
    items: list[RefundItem]  # with their units and events
    captures: list[Capture]
    transfers: list[Transfer]
    decisions: list[Decision]
    judgements: list[Judgement]
    disputes: list[Dispute]
    checks: list[ProviderCheck]
    flags: list[Flag]
    appeals: list[Appeal]
    put_off: list[PutOff]
    fingerprints: frozenset[bytes]

    def facts(self) -> Facts:
        return Facts(
            request=self.request,
            units=[item.unit for item in self.items],
            captures=self.captures,
            transfers=self.transfers,
            judgements={judgement.sequence: judgement for judgement in self.judgements},
            disputes=self.disputes,
            checks=self.checks,
            flags=self.flags,
            appeals=self.appeals,
            put_off=self.put_off,
        )


def read(number: str, **scope: Any) -> Record:
    """The case of this number, if it lies in `scope` (a filter on requests). Raises NotFound."""
    events = Prefetch("unit__events", UnitEvent.objects.order_by("at", "id"))
    items = RefundItem.objects.select_related("unit").defer("unit__sealed_secret", "unit__secret_fingerprint")
    request = (
        RefundRequest.objects.select_related("order__shop", "buyer", "seller")
        .prefetch_related(
            Prefetch("items", items.prefetch_related(events).order_by("id")),
            Prefetch("transitions", Transition.objects.select_related("user").order_by("sequence")),
            Prefetch("messages", Message.objects.select_related("user").order_by("id")),
            Prefetch("evidence", Evidence.objects.select_related("user").order_by("position")),
            Prefetch("evidence_demands", EvidenceDemand.objects.order_by("sequence")),
            *offers(),
        )
        .filter(number=number, **scope)
        .first()
    )
    if request is None:
        raise NotFound()
    checks = request.provider_checks.select_related("asked_by", "written_by", "unit")
    return Record(
        request=request,
        items=list(request.items.all()),
        captures=list(request.order.captures.order_by("captured_at", "id")),
        transfers=list(_transfers(number)),
        decisions=list(request.decisions.select_related("policy").order_by("id")),
        judgements=list(request.judgements.select_related("by").order_by("sequence")),
        disputes=disputes_of(request.order_id),
        checks=list(checks.defer("unit__sealed_secret", "unit__secret_fingerprint").order_by("id")),
        flags=list(request.flags.select_related("cleared_by").order_by("id")),
        appeals=list(request.appeals.select_related("user", "decided_by").order_by("id")),
        put_off=put_off(request),
        fingerprints=_fingerprints(request.order_id),
    )


def disputes_of(order_id: int) -> list[Dispute]:
    rows = Dispute.objects.filter(capture__order_id=order_id).select_related("claim", "capture")
    return list(rows.order_by("id"))


def _transfers(number: str) -> Any:
    rows = Transfer.objects.filter(reference=number).select_related("claim__capture").order_by("id")
    return rows.annotate(by_hand=is_paid_by_hand())


def _fingerprints(order_id: int) -> frozenset[bytes]:
    rows = Unit.objects.filter(order_id=order_id, secret_fingerprint__isnull=False).order_by("id")
    return frozenset(bytes(found) for found in rows.values_list("secret_fingerprint", flat=True) if found)
