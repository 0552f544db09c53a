"""Every state x event x party, from the table; and what the database does to those who go around the door."""

import itertools
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from marketplace.kernel.errors import NotPermitted
from refunds.machine import BY_MOVE, EVENTS, NEW, OPEN, TARGET, Party, State
from refunds.models import Proposal, RefundItem, RefundRequest, Transition
from refunds.permissions import Actor
from refunds.transitions import Approval, InvalidTransition, apply_transition, apply_transition_in_bulk
from tests.cases import make_request
from tests.contested import leave_contest
from tests.evidence import leave_files
from tests.judged import leave_history
from tests.offers import leave_offers
from tests.people import Cast

MOVES = [(s, e, p) for s, e, p in itertools.product(State, EVENTS, Party) if e != "file"]


def actor_for(party: Party, cast: Cast) -> Actor:
    return Actor(party, None if party in (Party.SYSTEM, Party.BUYER) else cast.reviewer.pk)


def test_every_state_event_and_party_moves_or_is_refused(cast: Cast) -> None:
    """All the 5,000-odd combinations: an edge moves and writes one row, anything else changes nothing."""
    requests = {state: make_request(cast, state=state) for state in State}
    moved = 0
    for state, event, party in MOVES:
        request = RefundRequest.objects.get(pk=requests[state].pk)
        before = (request.state, request.sequence)
        edge = BY_MOVE.get((event, state))
        approval = Approval(request.amount) if TARGET[event] == State.APPROVED else None
        expected: Any = None if edge and party in edge.by else NotPermitted if edge else InvalidTransition
        point = transaction.savepoint()
        try:
            apply_transition(
                request, event, actor=actor_for(party, cast), now=timezone.now(), approval=approval
            )
            outcome: Any = None
            moved += 1
        except (InvalidTransition, NotPermitted) as refused:
            outcome = type(refused)
        assert outcome is expected, (state, event, party)
        fresh = RefundRequest.objects.get(pk=request.pk)
        if expected is None:
            assert (fresh.state, fresh.sequence) == (edge.target, before[1] + 1)
            assert Transition.objects.filter(request=fresh, sequence=fresh.sequence, event=event).count() == 1
            assert fresh.items.get().is_open == (fresh.state in OPEN)
        else:
            assert (fresh.state, fresh.sequence) == before
        transaction.savepoint_rollback(point)
    assert moved == sum(len(edge.by) for edge in BY_MOVE.values() if edge.source != NEW)


def test_refusal_names_from_to_and_the_moves_allowed(cast: Cast) -> None:
    request = make_request(cast, state=State.REFUNDED)
    with pytest.raises(InvalidTransition) as refused:
        apply_transition(
            request, "approve", actor=Actor(Party.REVIEWER, cast.reviewer.pk), now=timezone.now()
        )
    assert refused.value.extra == {"from": "refunded", "to": "approved", "allowed": []}


def test_stale_copy_of_a_request_moves_nothing(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    stale = RefundRequest.objects.get(pk=request.pk)
    apply_transition(request, "seller_silent", actor=Actor(Party.SYSTEM), now=timezone.now())
    with pytest.raises(InvalidTransition):
        apply_transition(stale, "seller_silent", actor=Actor(Party.SYSTEM), now=timezone.now())
    assert Transition.objects.filter(request=request, event="seller_silent").count() == 1


def test_bulk_door_moves_only_rows_still_in_the_source_state(cast: Cast) -> None:
    silent, gone = (
        make_request(cast, state=State.AWAITING_SELLER),
        make_request(cast, state=State.MANUAL_REVIEW),
    )
    moved = apply_transition_in_bulk(
        [silent.pk, gone.pk], State.AWAITING_SELLER, "seller_silent", now=timezone.now()
    )
    assert moved == 1
    gone.refresh_from_db()
    assert gone.sequence == RefundRequest.objects.get(pk=gone.pk).sequence


def _commit(sql: str, parameters: list[Any] | None = None) -> None:
    """Run in a savepoint with the deferred checks of a commit."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters or [])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_update_of_state_around_the_door_fails_at_commit(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    with pytest.raises(IntegrityError, match="state_is_last_transition"):
        _commit("UPDATE refunds_refundrequest SET state = 'rejected' WHERE id = %s", [request.pk])
    request.refresh_from_db()
    assert request.state == State.MANUAL_REVIEW


INSERT = (
    "INSERT INTO refunds_transition (request_id, sequence, previous, event, from_state, to_state, at, actor,"
    " user_id, clause, note) VALUES (%s, %s, %s, %s, %s, %s, now(), %s, %s, '', '')"
)


@pytest.mark.parametrize(
    ("row", "law"),
    [
        ((9, 8, "reject", "manual_review", "rejected", "reviewer"), "transition_continues"),
        ((3, 2, "approve", "submitted", "approved", "reviewer"), "transition_is_an_edge"),
        ((3, 2, "reject", "manual_review", "rejected", "buyer"), "transition_is_an_edge"),
        ((3, 1, "reject", "manual_review", "rejected", "reviewer"), "transition_follows_previous"),
        ((1, None, "reject", "manual_review", "rejected", "reviewer"), "transition"),
    ],
)
def test_history_that_does_not_follow_is_refused(cast: Cast, row: tuple[Any, ...], law: str) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    user = None if row[5] in ("buyer", "system") else cast.reviewer.pk
    with pytest.raises(IntegrityError, match=law):
        _commit(INSERT, [request.pk, *row, user])


# Tables of history beside those of money, which tests/payments/test_ledger.py tampers with.
HISTORY = (
    "refunds_transition",
    "refunds_decision",
    "refunds_message",
    "refunds_proposal",
    "refunds_hold",
    "refunds_policyversion",
    "refunds_judgement",
    "refunds_providercheck",
    "refunds_flag",
    "refunds_evidence",
    "refunds_deadline",
    "refunds_extension",
    "refunds_outage",
    "refunds_offer",
    "refunds_offeredunit",
    "refunds_sealedoffer",
    "refunds_appeal",
    "refunds_evidencedemand",
    "refunds_panelmember",
    "refunds_vote",
    "refunds_casefilemade",
    "orders_unitevent",
    "identity_auditentry",
)


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_history_is_never_changed_or_removed(cast: Cast, table: str, statement: str) -> None:
    from refunds.operations.say import say_as_staff

    request = make_request(cast, state=State.MANUAL_REVIEW, decided=True)
    say_as_staff(number=request.number, user=cast.reviewer, text="note", now=timezone.now())
    Proposal.objects.create(
        request=request, sequence=request.sequence, amount=1, note="n", by=cast.reviewer, at=timezone.now()
    )
    leave_history(cast, request)
    leave_files(cast, request)
    leave_offers(cast)
    leave_contest(cast)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(DatabaseError, match="history"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))


def test_open_flag_of_units_cannot_drift_from_the_state(cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    apply_transition(request, "withdraw", actor=Actor(Party.BUYER), now=timezone.now())
    assert RefundItem.objects.get(request=request).is_open is False


def test_two_persons_are_a_constraint(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, total=300_000)
    me = cast.reviewer.pk
    for maker, checker in ((None, None), (me, None), (me, me)):
        with pytest.raises(IntegrityError, match="two_persons_above_limit"), transaction.atomic():
            apply_transition(
                request,
                "approve",
                actor=Actor(Party.REVIEWER, me),
                now=timezone.now(),
                approval=Approval(300_000, maker, checker),
            )
