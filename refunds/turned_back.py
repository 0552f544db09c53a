"""A closed case as it stood just before a reviewer decided it, told as if it were now (requirement K4).

Three steps, all in memory: what came later is taken out, instants are moved to the present, and numbers that would
lead to the real case are replaced by others of the same form (stand_ins.py). Nothing of it can be saved by an
operation: those find a request by its number, and this one has none of ours.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import OuterRef, Q, Subquery, Sum

from marketplace.payments.models import Claim
from marketplace.risk.models import Dispute

from .desk_queries import Case
from .machine import Clock, State
from .models import (
    Appeal,
    Deadline,
    Flag,
    Offer,
    OfferAnswer,
    Proposal,
    ProviderCheck,
    RefundRequest,
    Transition,
    Trial,
)
from .review_queries import Reviewing


class Moment(NamedTuple):
    """Just before the move `sequence`, or before it was proposed; `at` by the case's time, `now` by the trial's."""

    sequence: int
    at: datetime
    now: datetime

    @property
    def by(self) -> timedelta:
        return self.now - self.at


def moment_of(trial: Trial) -> Moment:
    known = trial.known
    decided = Transition.objects.get(request=known.request_id, sequence=known.sequence)
    proposed = Proposal.objects.filter(request=known.request_id, sequence=known.sequence - 1)
    first = proposed.order_by("id").values_list("at", flat=True).first()
    return Moment(known.sequence, min(decided.at, first or decided.at), trial.started_at)


def without_what_came_later(case: Case, moment: Moment) -> Case:
    """The case as of `moment`; its request reads its own history no further than that (RefundRequest.as_of)."""
    request, at = case.request, moment.at
    offered_later = [offer for offer in request.offers.all() if offer.sequence >= moment.sequence]
    _keep(request, "transitions", lambda row: row.sequence < moment.sequence)
    _keep(request, "evidence_demands", lambda row: row.sequence < moment.sequence)
    _keep(request, "offers", lambda row: row.sequence < moment.sequence)
    for name in ("messages", "evidence", "sealed_offers"):
        _keep(request, name, lambda row: row.at < at)
    for offer in request.offers.all():
        if _is_later(offer.answered_at, at):
            _set(offer, answer="", answered_at=None)
    for item in request.items.all():
        _set(item, approved_amount=0)
    clocks = [_clock(row, case, at) for row in case.clocks if row.started_at < at]
    review = next((row for row in clocks if row.kind == Clock.REVIEW and row.closed_at is None), None)
    _set(
        request,
        as_of=at,
        state=State.MANUAL_REVIEW,
        sequence=moment.sequence - 1,
        due_kind=Clock.REVIEW if review else "",
        due_at=review.due_at if review else None,
        approved_amount=None,
        maker=None,
        checker=None,
        broken_promises=_broken_promises(request, at),
    )
    decisions = request.decisions.select_related("policy").filter(at__lt=at)
    return case._replace(
        units=_units(case, offered_later, at),
        captures=_captures(case, at),
        transfers=[row for row in case.transfers if row.created_at < at],
        decision=decisions.order_by("-id").first(),
        proposal=None,
        signals=list(_signals(request, at)),
        disputes=[_dispute(row, at) for row in case.disputes if row.opened_at < at],
        clocks=clocks,
        put_off=[each for each in case.put_off if each.extension.at < at],
        others=_others(request, at),
        seats=[],
        votes=[],
        appeals=[_appeal(row, at) for row in case.appeals if row.at < at],
    )


def known_by_then(known: Reviewing, moment: Moment) -> Reviewing:
    return known._replace(
        judgements={
            sequence: row for sequence, row in known.judgements.items() if sequence < moment.sequence
        },
        checks=[_check(row, moment.at) for row in known.checks if row.asked_at < moment.at],
        flags=[_flag(row, moment.at) for row in known.flags if row.at < moment.at],
    )


def _keep(row: Any, name: str, wanted: Callable[[Any], bool]) -> None:
    """Narrow what was prefetched; Django has no public way to."""
    found = row._prefetched_objects_cache[name]
    found._result_cache = [each for each in found if wanted(each)]


def _set(row: Any, **values: Any) -> None:
    """In memory alone."""
    for name, value in values.items():
        setattr(row, name, value)


def _is_later(when: datetime | None, at: datetime) -> bool:
    return when is not None and when >= at


def _clock(row: Deadline, case: Case, at: datetime) -> Deadline:
    later = [
        each.extension.was_due_at
        for each in case.put_off
        if each.clock.pk == row.pk and each.extension.at >= at
    ]
    _set(row, due_at=min([row.due_at, *later]))
    if _is_later(row.closed_at, at):
        _set(row, closed_at=None)
    return row


def _units(case: Case, offered_later: Iterable[Offer], at: datetime) -> list[Any]:
    pairs = [pair for offer in offered_later for pair in offer.units.all()]
    new, old = {pair.new_id for pair in pairs}, {pair.old_id for pair in pairs}
    units = [unit for unit in case.units if unit.pk not in new]
    for unit in units:
        _keep(unit, "events", lambda event: event.at < at)
        if unit.pk in old:
            _set(unit, place="in_place")
    return units


def _captures(case: Case, at: datetime) -> list[Any]:
    """What was claimed of each by then."""
    captures = [row for row in case.captures if row.captured_at < at]
    held = Claim.objects.filter(
        Q(released_at__isnull=True) | Q(released_at__gte=at), capture__in=captures, created_at__lt=at
    )
    claimed = dict(held.order_by().values_list("capture").annotate(Sum("amount")))
    for row in captures:
        _set(row, claimed=claimed.get(row.pk, 0))
    return captures


def _dispute(row: Dispute, at: datetime) -> Dispute:
    if _is_later(row.closed_at, at):
        _set(row, state=Dispute.State.OPEN, closed_at=None)
    return row


def _appeal(row: Appeal, at: datetime) -> Appeal:
    if _is_later(row.decided_at, at):
        _set(row, decided_at=None, decided_by=None, outcome="", amount=0, note="", proposed_by=None)
    return row


def _check(row: ProviderCheck, at: datetime) -> ProviderCheck:
    if _is_later(row.answered_at, at):
        _set(row, answered_at=None, answer="", credited_at=None, reference="", words="", written_by=None)
        _set(row, next_try_at=row.asked_at, error="")
    return row


def _flag(row: Flag, at: datetime) -> Flag:
    if _is_later(row.cleared_at, at):
        _set(row, cleared_at=None, cleared_by=None, note="")
    return row


def _signals(request: RefundRequest, at: datetime) -> Any:
    standing = Q(cleared_at__isnull=True) | Q(cleared_at__gte=at)
    return request.buyer.signals.filter(standing, raised_at__lt=at).order_by("-id")[:10]


def _others(request: RefundRequest, at: datetime) -> list[RefundRequest]:
    """Each in the state it had."""
    moves = Transition.objects.filter(request=OuterRef("pk"), at__lt=at).order_by("-sequence")
    rows = RefundRequest.objects.filter(buyer=request.buyer_id, filed_at__lt=at).exclude(pk=request.pk)
    found = rows.annotate(then=Subquery(moves.values("to_state")[:1])).order_by("-id")[:5]
    for row in found:
        _set(row, state=row.then or row.state)
    return [*found]


def _broken_promises(request: RefundRequest, at: datetime) -> int:
    broken = Offer.objects.filter(request__seller=request.seller_id, answer=OfferAnswer.BROKEN)
    return broken.filter(answered_at__lt=at).count()
