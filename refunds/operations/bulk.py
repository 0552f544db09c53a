"""One move for many cases (requirement K1): looked at first, then run case by case, each result kept.

A case is decided by the same operation as alone, by the same person, in a transaction of its own that holds the result
too: a run that is killed goes on with the rows that have none. The preview is the operation itself, taken back.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.outbox import enqueue
from marketplace.kernel.transactions import around_operations

from ..models import BulkMove, BulkOutcome, BulkRow, BulkRun, RefundRequest, Transition
from ..models.bulk import ROWS_AT_MOST
from ..permissions import reach, require_deed
from ..telling import ASKED_OF_SELLER, BUYER, SELLER, TELLS
from . import review
from .ask_evidence import ask_evidence
from .extend import extend
from .locking import lock

DEED = "decide_together"
LOST_AFTER = timedelta(seconds=10)  # a run whose message was lost, or whose worker is gone
FORGOTTEN_AFTER = timedelta(hours=1)  # nobody waits any more for what would happen
LOOKED_AT_ONCE = 25  # cases, within the request; the worker looks at the rest

MOVES: dict[str, Callable[..., object]] = {
    BulkMove.APPROVE: partial(review.approve_request, amount=None),
    BulkMove.REJECT: review.reject,
    BulkMove.ASK_EVIDENCE: ask_evidence,
    BulkMove.RESUME: review.resume,
    BulkMove.TAKE_OVER: review.take_over,
    BulkMove.HEAR_APPEAL: review.hear_appeal,
    BulkMove.ESCALATE: review.escalate,
    BulkMove.REFER: review.refer,
    BulkMove.EXTEND: extend,
}
log = logging.getLogger(__name__)


class NothingTicked(Refusal):
    code = "nothing_ticked"
    status = 422
    title = _("No case is ticked. Go back to the list and tick some.")


class TooManyTicked(Refusal):
    code = "too_many_ticked"
    status = 422
    title = _("More than 200 cases are ticked, and a run takes 200 at most. Tick fewer, and run twice.")


class NothingToDo(Refusal):
    code = "nothing_to_do"
    title = _("None of these cases can be decided this way now.")


class StillLooking(Refusal):
    code = "still_looking"
    title = _("Not each case has been looked at yet. Wait for the rest.")


class CaseMoved(Refusal):
    code = "case_moved"
    title = _("The case has changed since it was looked at. Look at it again before you decide.")


class Tried(NamedTuple):
    """What became of one case, or would."""

    outcome: BulkOutcome
    code: str = ""
    text: str = ""
    to_state: str = ""
    amount: int | None = None
    due_at: datetime | None = None
    told: tuple[str, ...] = ()


def look(
    *, user: User, move: str, said: Mapping[str, Any], cases: Iterable[int], language: str, now: datetime
) -> BulkRun:
    """Say what `move` would do to each of `cases` (their keys) and keep it as a run to confirm; nothing else changes.

    `said` are the operation's further arguments. Raises NothingTicked, TooManyTicked, NotPermitted, NotFound.
    """
    require_deed(user, DEED)
    wanted = list(dict.fromkeys(cases))
    if not wanted:
        raise NothingTicked()
    if len(wanted) > ROWS_AT_MOST:
        raise TooManyTicked(ticked=len(wanted), at_most=ROWS_AT_MOST)
    if RefundRequest.objects.filter(reach(user), pk__in=wanted).count() < len(wanted):
        raise NotFound()
    with transaction.atomic(durable=True):
        run = BulkRun.objects.create(
            by=user, move=move, said=dict(said), language=language, cases=wanted, ticked=len(wanted), previewed_at=now
        )  # fmt: skip
        if len(wanted) > LOOKED_AT_ONCE:
            enqueue("refunds.look_bulk", run.pk)
    rehearse(run.pk, now, at_most=LOOKED_AT_ONCE)
    return run


def rehearse(run_id: int, now: datetime, at_most: int = ROWS_AT_MOST) -> None:
    """Look at the cases of a run that were not looked at yet, as far as `at_most`. Several at once do no harm."""
    run = BulkRun.objects.select_related("by").filter(pk=run_id, confirmed_at__isnull=True).first()
    if run is None:
        return
    seen = set(BulkRow.objects.filter(run=run).values_list("request", flat=True))
    left = [pk for pk in run.cases if pk not in seen][:at_most]
    numbers = dict(RefundRequest.objects.filter(pk__in=left).values_list("pk", "number"))
    with override(run.language):
        for pk in left:
            row = _rehearsed(run, run.by, numbers[pk], now)
            BulkRow.objects.bulk_create([row], ignore_conflicts=True)


def confirm(*, run_id: int, user: User, now: datetime) -> BulkRun:
    """Have the run done by the worker. What was refused when it was looked at stays refused; a second call does nothing.

    Raises NotPermitted, NotFound (also: another person's), StillLooking, NothingToDo.
    """
    require_deed(user, DEED)
    with transaction.atomic(durable=True):
        run = BulkRun.objects.select_for_update().filter(pk=run_id, by=user).first()
        if run is None:
            raise NotFound()
        if run.confirmed_at is not None:
            return run
        rows = BulkRow.objects.filter(run=run)
        if rows.count() < run.ticked:
            raise StillLooking()
        if not rows.exclude(foreseen=BulkOutcome.REFUSED).exists():
            raise NothingToDo()
        rows.filter(foreseen=BulkOutcome.REFUSED).update(outcome=F("foreseen"), at=now)
        run.confirmed_at = now
        run.save(update_fields=["confirmed_at"])
        enqueue("refunds.run_bulk", run.pk)
        return run


def run_bulk(run_id: int, now: datetime) -> None:
    """Do what is left of a confirmed run. Several at once share its rows; one more does nothing."""
    rows = BulkRow.objects.filter(run=run_id, run__confirmed_at__isnull=False, at__isnull=True)
    for row_id in rows.order_by("id").values_list("pk", flat=True):
        _take(row_id, now)
    left = BulkRow.objects.filter(run=OuterRef("pk"), at__isnull=True)
    BulkRun.objects.filter(
        ~Exists(left), pk=run_id, confirmed_at__isnull=False, finished_at__isnull=True
    ).update(finished_at=now)


def sweep_bulk(now: datetime) -> None:
    """Go on with runs that nobody works at, and with looking at them."""
    unseen = BulkRun.objects.filter(
        confirmed_at__isnull=True, previewed_at__gt=now - FORGOTTEN_AFTER, previewed_at__lt=now - LOST_AFTER
    ).annotate(seen=Count("rows"))
    for run_id in unseen.filter(seen__lt=F("ticked")).order_by("id").values_list("pk", flat=True):
        rehearse(run_id, now)
    unfinished = BulkRun.objects.filter(confirmed_at__lt=now - LOST_AFTER, finished_at__isnull=True)
    for run_id in unfinished.order_by("id").values_list("pk", flat=True):
        run_bulk(run_id, now)


def _take(row_id: int, now: datetime) -> None:
    """One case and its result, both or neither."""
    with around_operations():
        row = (
            BulkRow.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("request", "run__by")
            .filter(pk=row_id, at__isnull=True)
            .first()
        )
        if row is None:
            return  # another worker has it
        with override(row.run.language):
            tried = _try(row.run, row.run.by, row.request.number, now, seen=row)
        row.outcome, row.code, row.text, row.at = tried.outcome, tried.code, tried.text, now
        row.save(update_fields=["outcome", "code", "text", "at"])


def _rehearsed(run: BulkRun, user: User, number: str, now: datetime) -> BulkRow:
    with around_operations():
        seen = lock(number)
        tried = _try(run, user, number, now)
        transaction.set_rollback(True)
    found = tried._asdict() | {"told": list(tried.told)}
    return BulkRow(
        run=run,
        request=seen,
        sequence=seen.sequence,
        state=seen.state,
        foreseen=found.pop("outcome"),
        **found,
    )


def _try(run: BulkRun, user: User, number: str, now: datetime, seen: BulkRow | None = None) -> Tried:
    """The move, in a transaction around; where it is refused, what it had begun is taken back."""
    before = lock(number)
    try:
        with transaction.atomic():
            if seen is not None and seen.sequence != before.sequence:
                raise CaseMoved()
            MOVES[run.move](number=number, user=user, now=now, **arguments(run.said))
            # What is judged at the commit is judged here: it would leave the row without a result there.
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            done = _done(run, before)
            # A proposal that another person made meanwhile would be confirmed, with nobody having looked at it.
            if seen is not None and seen.foreseen != done.outcome:
                raise CaseMoved()
            return done
    except Refusal as refusal:
        return Tried(BulkOutcome.REFUSED, refusal.code, str(refusal.detail))
    except Exception:
        # One case that breaks must not keep the others; the next one meets the same database or ends the run too.
        log.exception("bulk run %s broke at %s", run.pk, number)
        text = gettext(
            "It broke at an error of the program. Nothing was changed; open the case and try there."
        )
        return Tried(BulkOutcome.REFUSED, "failed", text)


def _done(run: BulkRun, before: RefundRequest) -> Tried:
    after = lock(before.number)
    moved = after.sequence > before.sequence
    is_proposed = run.move == BulkMove.APPROVE and not moved
    return Tried(
        BulkOutcome.PROPOSED if is_proposed else BulkOutcome.DONE,
        to_state=after.state,
        amount=(before.amount if is_proposed else after.approved_amount)
        if run.move == BulkMove.APPROVE
        else None,
        due_at=after.due_at,
        told=_told(run, before) if not is_proposed else (),
    )


def _told(run: BulkRun, before: RefundRequest) -> tuple[str, ...]:
    """The sides that hear of it: by the moves made, and by what was written into the case."""
    if run.move == BulkMove.ASK_EVIDENCE and run.said.get("of") == SELLER:
        return tuple(str(kind) for kind, _topic in ASKED_OF_SELLER)
    events = Transition.objects.filter(request=before, sequence__gt=before.sequence)
    kinds = {kind for event in events.values_list("event", flat=True) for kind, _topic in TELLS[event]}
    if run.move == BulkMove.EXTEND:
        kinds |= {BUYER, SELLER}
    return tuple(str(kind) for kind in (BUYER, SELLER) if kind in kinds)


def arguments(said: Mapping[str, Any]) -> dict[str, Any]:
    """As the operation takes them: JSON has no instants."""
    until = said.get("until")
    return dict(said) | ({"until": parse_datetime(until)} if isinstance(until, str) else {})
