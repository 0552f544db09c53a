"""The one door for state: every move of a refund request goes through here, one at a time or in bulk.

A move is an edge of machine.py, made by a party the edge names, written as one statement that changes the
request, inserts its transition, and stops and starts its clocks. The database refuses anything else (models.Transition, migration 0002).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, connection
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import NotPermitted, Refusal

from .clocks import NO_CLOCK, Due
from .machine import BY_MOVE, HOLDABLE, JUDGES, OPEN, STOPS_THE_CLOCK, TARGET, Edge, Party, State, moves_from
from .models import RefundItem, RefundRequest
from .permissions import STAFF_PARTIES, SYSTEM, Actor
from .telling import TOLD


class InvalidTransition(Refusal):
    code = "invalid_transition"
    title = _("The case is not in a state where this can be done.")

    def __init__(self, source: str, target: str, allowed: Iterable[str] = ()) -> None:
        super().__init__()
        self.extra = {"from": source, "to": target, "allowed": sorted(allowed)}


class OpenRequestExists(Refusal):
    code = "open_request_exists"
    title = _("There is an open request for this already. Follow or withdraw that one.")


class Approval(NamedTuple):
    """What an approving move records: minor units, and the two persons above the limit (F7)."""

    amount: int | None
    maker_id: int | None = None
    checker_id: int | None = None


NO_APPROVAL = Approval(None)  # of a move that takes an approval back


# One statement: compare-and-set on the request, and its history, one row for each step. {where} picks the rows and
# is code, not input. What a move says (clause, note, clock) belongs to its last step.
_MOVE = """
WITH moved AS (
    UPDATE refunds_refundrequest r
    SET state = %(target)s, sequence = r.sequence + %(steps)s, due_kind = %(due_kind)s::text,
        due_at = {due_at}{approval}{puts_back}
    WHERE r.state = %(source)s AND {where}
    RETURNING r.id, r.sequence - %(steps)s AS before, r.sequence, r.due_at
), closed AS (
    UPDATE refunds_deadline d SET closed_at = %(at)s FROM moved m
    WHERE d.request_id = m.id AND d.closed_at IS NULL AND (d.kind <> 'first_reply' OR %(answers)s)
){start}{tell}{let_go}
INSERT INTO refunds_transition
    (request_id, sequence, previous, event, from_state, to_state, at, actor, user_id, clause, note, due_at)
SELECT m.id, m.before + s.n, m.before + s.n - 1, s.event, s.source, s.target, %(at)s, %(actor)s, %(user_id)s::bigint,
    CASE WHEN s.n = %(steps)s THEN %(clause)s ELSE '' END, CASE WHEN s.n = %(steps)s THEN %(note)s ELSE '' END,
    CASE WHEN s.n = %(steps)s THEN m.due_at END
FROM moved m, unnest(%(events)s::text[], %(sources)s::text[], %(targets)s::text[])
    WITH ORDINALITY AS s(event, source, target, n)
RETURNING sequence, due_at
"""
_DUE = "%(due_at)s::timestamptz"
# The clock was stopped when the state to leave was entered: it goes on with what it had left then.
_GOES_ON = """(
    SELECT d.due_at + (%(at)s::timestamptz - d.closed_at) FROM refunds_deadline d
    WHERE d.request_id = r.id AND d.kind = %(due_kind)s::text ORDER BY d.sequence DESC LIMIT 1)"""
_START = """, started AS (
    INSERT INTO refunds_deadline (request_id, sequence, kind, started_at, due_at)
    SELECT id, sequence, %(due_kind)s::text, %(at)s, due_at FROM moved
)"""
_AWAIT_FIRST_REPLY = """, awaited AS (
    INSERT INTO refunds_deadline (request_id, sequence, kind, started_at, due_at)
    SELECT id, sequence, 'first_reply', %(at)s, %(reply_by)s::timestamptz FROM moved
    ON CONFLICT (request_id) WHERE kind = 'first_reply' DO NOTHING
)"""
# Those who are told hear of it through a job (operations/tell.py), which is taken with others: one for a move, few for many.
_TELL = """, told AS (
    INSERT INTO kernel_outboxjob (task, args)
    SELECT 'batch.tell', jsonb_build_array(jsonb_agg(jsonb_build_array(t.id, t.sequence)))
    FROM (SELECT m.id, m.before + s.n AS sequence, (row_number() OVER () - 1) / 500 AS job
          FROM moved m, unnest(%(told)s::int[]) AS s(n)) t
    GROUP BY t.job
)"""
# Leaving, a case is in nobody's hands: by the move, or because its holder's time had run out before another made it.
# The request is read as it was before this statement.
_PUTS_BACK = ", holder_id = NULL, held_at = NULL, held_until = NULL"
_LET_GO = """, let_go AS (
    INSERT INTO refunds_hold (request_id, user_id, held_at, ended_at, ending, by_id, note)
    SELECT r.id, r.holder_id, r.held_at, greatest(%(at)s, r.held_at),
        CASE WHEN late THEN 'idle' ELSE 'moved' END, CASE WHEN NOT late THEN %(judge_id)s::bigint END, ''
    FROM refunds_refundrequest r JOIN moved m ON m.id = r.id,
        LATERAL (SELECT r.held_until <= %(at)s AND r.holder_id IS DISTINCT FROM %(judge_id)s::bigint AS late) x
    WHERE r.holder_id IS NOT NULL
)"""
_APPROVAL = ", approved_amount = %(approved_amount)s, maker_id = %(maker_id)s::bigint, checker_id = %(checker_id)s::bigint"


def edge_for(state: str, event: str, party: Party) -> Edge:
    """The edge, or the refusal: InvalidTransition (no such move from here), NotPermitted (not this party's)."""
    edge = BY_MOVE.get((event, state))
    if edge is None:
        raise InvalidTransition(state, TARGET[event], {e.target for e in moves_from(state, party)})
    if party not in edge.by:
        raise NotPermitted()
    return edge


def apply_transition(
    request: RefundRequest,
    *events: str,
    actor: Actor,
    now: datetime,
    due: Due = NO_CLOCK,
    note: str = "",
    clause: str = "",
    approval: Approval | None = None,
) -> None:
    """Move `request` by one event, or several in a row, and bring the object up to date. The row is locked.

    Raises InvalidTransition, NotPermitted; also InvalidTransition when the row moved since it was read, and
    OpenRequestExists where a closed case is taken up again whose units another open one holds by now.
    """
    edges = _path(request.state, events, actor.party)
    if edges[0].source not in OPEN and edges[-1].target in OPEN:
        _check_units_are_free(request)
    parameters = _parameters(edges, actor, now, due, note, clause, approval)
    parameters |= {"id": request.pk, "sequence": request.sequence}
    sql = _sql("r.id = %(id)s AND r.sequence = %(sequence)s", parameters, approval=bool(approval))
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        if cursor.rowcount != len(edges):
            raise InvalidTransition(request.state, edges[0].target)
        sequence, due_at = max(cursor.fetchall())
    request.__dict__.update(state=edges[-1].target, sequence=sequence, due_kind=due.kind, due_at=due_at)
    if parameters["let_go"]:
        request.__dict__.update(holder_id=None, held_at=None, held_until=None)
    if approval:
        request.__dict__.update(
            approved_amount=approval.amount, maker_id=approval.maker_id, checker_id=approval.checker_id
        )


def _check_units_are_free(request: RefundRequest) -> None:
    """For the friendly answer; who comes between this and the move is stopped by one_open_request_per_unit."""
    mine = RefundItem.objects.filter(request=request).values("unit")
    holder = RefundItem.objects.filter(unit__in=mine, is_open=True).select_related("request").first()
    if holder is not None:
        raise OpenRequestExists(number=holder.request.number)


@contextmanager
def one_open_request_per_unit(**items: object) -> Iterator[None]:
    """Say as a refusal what the constraint of this name says: two wanted the same unit at the same time.

    Around the whole transaction, which is over by then; `items` says where the holder is looked for. Raises
    OpenRequestExists.
    """
    try:
        yield
    except IntegrityError as error:
        if "one_open_request_per_unit" not in str(error):
            raise
        holder = RefundItem.objects.filter(is_open=True, **items).select_related("request").first()
        raise OpenRequestExists(number=holder.request.number if holder else None) from error


def apply_transition_in_bulk(
    ids: Sequence[int], source: str, event: str, *, now: datetime, due: Due = NO_CLOCK, note: str = ""
) -> int:
    """The same door for many rows at once, made by SYSTEM; rows no longer in `source` are left. Returns how many."""
    edge = edge_for(source, event, Party.SYSTEM)
    parameters = _parameters([edge], SYSTEM, now, due, note, "", None) | {"ids": list(ids)}
    with connection.cursor() as cursor:
        cursor.execute(_sql("r.id = ANY(%(ids)s)", parameters), parameters)
        return int(cursor.rowcount)


def _sql(where: str, parameters: dict[str, Any], *, approval: bool = False) -> str:
    start = _START if parameters["due_at"] else ""
    if parameters["reply_by"] and not parameters["answers"]:
        start += _AWAIT_FIRST_REPLY
    return _MOVE.format(
        where=where,
        due_at=_GOES_ON if parameters["goes_on"] else _DUE,
        start=start,
        tell=_TELL if parameters["told"] else "",
        approval=_APPROVAL if approval else "",
        puts_back=_PUTS_BACK if parameters["let_go"] else "",
        let_go=_LET_GO if parameters["let_go"] else "",
    )


def _path(state: str, events: Sequence[str], party: Party) -> list[Edge]:
    edges = []
    for event in events:
        edges.append(edge_for(state, event, party))
        state = edges[-1].target
    return edges


def _parameters(
    edges: Sequence[Edge],
    actor: Actor,
    now: datetime,
    due: Due,
    note: str,
    clause: str,
    approval: Approval | None,
) -> dict[str, Any]:
    return {
        "steps": len(edges),
        "events": [edge.event for edge in edges],
        "sources": [str(edge.source) for edge in edges],
        "targets": [str(edge.target) for edge in edges],
        "told": [step for step, edge in enumerate(edges, start=1) if edge.event in TOLD],
        "let_go": edges[0].source in HOLDABLE and edges[-1].target != edges[0].source,
        "source": str(edges[0].source),
        "target": str(edges[-1].target),
        "at": now,
        "actor": actor.party.value,
        "user_id": actor.user_id,
        "judge_id": actor.user_id if actor.party in JUDGES else None,
        "due_kind": due.kind,
        "due_at": due.at,
        "reply_by": due.reply_by,
        "goes_on": edges[0].source in STOPS_THE_CLOCK and due.at is not None,
        # Whoever on the staff moves a case has answered; one that no reviewer has in hand awaits no answer.
        "answers": actor.party in STAFF_PARTIES or edges[-1].target != State.MANUAL_REVIEW,
        "note": note,
        "clause": clause,
        "approved_amount": approval.amount if approval else None,
        "maker_id": approval.maker_id if approval else None,
        "checker_id": approval.checker_id if approval else None,
    }
