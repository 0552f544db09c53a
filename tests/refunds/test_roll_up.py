"""Figures are kept up to date as if made from scratch, whatever comes late, back, twice, or not at all (K2)."""

import os
import random
import threading
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, connections, transaction

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.businesstime import SHANGHAI
from marketplace.payments.gateways.base import Result, Status
from marketplace.payments.models import Transfer
from marketplace.payments.operations import send
from refunds.figures.rollups import ROLLUPS, SOURCES
from refunds.invariants import INVARIANTS, breaks
from refunds.machine import State
from refunds.models import CaseFigure, FigureMark, MoneyFigure, RefundRequest
from refunds.models.figures import Flow
from refunds.operations import review
from refunds.operations import roll_up as rolling
from refunds.operations.roll_up import roll_up
from refunds.operations.say import say_as_staff
from refunds.permissions import BUYER
from refunds.transitions import apply_transition
from tests.cases import bring, make_request
from tests.contested import buyer_appeals, refunded
from tests.factories import StaffFactory, make_order
from tests.judged import approve, reject
from tests.people import Cast

from .test_races import together

MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
GOODS = ("card_code", "account", "membership")
ENDS = (State.MANUAL_REVIEW, State.AWAITING_SELLER, State.ARBITRATION, State.APPROVED, State.REJECTED,
        State.REFUNDED, State.REPLACED, State.WITHDRAWN)  # fmt: skip


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """All tables of figures, without their keys."""
    found = {}
    with connection.cursor() as cursor:
        for rollup in ROLLUPS:
            cursor.execute(f"SELECT {rollup.columns} FROM {rollup.table} ORDER BY {rollup.columns}")
            found[rollup.table] = cursor.fetchall()
    return found


def from_scratch() -> dict[str, list[tuple[Any, ...]]]:
    for rollup in ROLLUPS:
        rollup.model.objects.all().delete()
    FigureMark.objects.all().delete()
    assert roll_up(MONDAY)
    return rows()


def random_day(draw: random.Random) -> datetime:
    return MONDAY + timedelta(
        days=draw.randint(-20, 20), hours=draw.randint(0, 23), minutes=draw.randint(0, 59)
    )


class History:
    """Cases brought about at random, on days in no order: what happens may be entered long after it happened."""

    def __init__(self, seed: int, cast: Cast) -> None:
        self.draw, self.cast = random.Random(seed), cast
        self.hears: User = StaffFactory.create(role=Role.SUPERVISOR)
        self.judges: list[User] = [cast.reviewer, cast.second_reviewer, cast.supervisor]

    def file(self) -> None:
        make_request(self.cast, state=self.draw.choice(ENDS), now=random_day(self.draw),
                     goods_type=self.draw.choice(GOODS))  # fmt: skip

    def go_on(self) -> None:
        request = self._any(State.AWAITING_SELLER, State.APPROVED, State.REFUNDING)
        if request:
            ahead = {State.AWAITING_SELLER: State.MANUAL_REVIEW, State.ARBITRATION: State.REJECTED,
                     State.APPROVED: State.REFUNDING, State.REFUNDING: State.REFUNDED}[State(request.state)]  # fmt: skip
            bring(request, ahead, self.cast, now=self._later(request))

    def judge(self) -> None:
        request = self._any(State.MANUAL_REVIEW, State.ARBITRATION)
        if request:
            decide = self.draw.choice((approve, reject))
            judges = self.judges if request.state == State.MANUAL_REVIEW else [self.cast.supervisor]
            decide(request, self.draw.choice(judges), now=self._later(request), fault="none")

    def say(self) -> None:
        request = self._any(State.MANUAL_REVIEW, State.AWAITING_SELLER)
        if request:
            say_as_staff(
                number=request.number, user=self.cast.reviewer, text="At it.", now=self._later(request)
            )

    def appeal(self) -> None:
        judged = RefundRequest.objects.filter(
            appeals__isnull=True, judgements__isnull=False, state=State.REJECTED
        )
        request = judged.order_by("id").first()
        if request and not request.transitions.filter(event="rule_for_seller").exists():
            at = self._later(request)
            buyer_appeals(request, now=at)
            review.hear_appeal(number=request.number, user=self.hears, note="Again.", now=at)

    def pay(self) -> None:
        """Book a transfer; or have one come back."""
        transfer = Transfer.objects.filter(state=Transfer.State.QUEUED).order_by("id").first()
        if transfer:
            at = random_day(self.draw)
            Transfer.objects.filter(pk=transfer.pk).update(next_try_at=at)
            attempt = send.begin(transfer.pk, at)
            assert attempt
            with transaction.atomic():
                send.record(attempt, Result(Status.SUCCEEDED, f"CH{transfer.pk}"), at)
                if self.draw.random() < 0.4:
                    send.undo(attempt, Result(Status.REFUSED, error_code="returned"), random_day(self.draw))

    def buy(self) -> None:
        make_order(shop=self.cast.shop, buyer=self.cast.buyer, paid=random_day(self.draw),
                   seller=self.draw.choice((self.cast.seller, self.cast.other_seller)),
                   captures=self.draw.choice((1, 1, 2)))  # fmt: skip

    def bring_up_to_date(self) -> None:
        roll_up(random_day(self.draw))

    def _any(self, *states: State) -> RefundRequest | None:
        found = list(RefundRequest.objects.filter(state__in=states).order_by("id"))
        return self.draw.choice(found) if found else None

    def _later(self, request: RefundRequest) -> datetime:
        last = request.transitions.order_by("-sequence")[0].at
        return last + timedelta(hours=self.draw.randint(0, 90))


STEPS = {"file": 6, "go_on": 4, "judge": 5, "say": 2, "appeal": 3, "pay": 4, "buy": 2, "bring_up_to_date": 9}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's own transaction is always under way: without it the marks would stay, and each run make all anew."""
    monkeypatch.setattr(rolling, "_under_way", lambda: (1, 1))


@pytest.mark.parametrize("seed", range(6))
def test_kept_up_to_date_is_the_same_as_made_from_scratch(seed: int, cast: Cast, alone: None) -> None:
    history = History(seed, cast)
    steps = ["file"] * 8 + history.draw.choices(list(STEPS), list(STEPS.values()), k=60)
    for step in steps:
        getattr(history, step)()
    roll_up(MONDAY)
    told, marks = rows(), list(FigureMark.objects.order_by("source").values_list("done", flat=True))
    assert sum(map(len, told.values())) > 40
    assert marks[-1] > 0
    assert told == from_scratch()


def test_a_run_with_nothing_new_changes_nothing(cast: Cast) -> None:
    make_request(cast, state=State.REFUNDED, now=MONDAY)
    roll_up(MONDAY)
    told = rows()
    for _again in range(3):
        roll_up(MONDAY)
    assert rows() == told


def test_money_that_comes_back_counts_on_the_day_it_came_back(cast: Cast) -> None:
    request = make_request(cast, state=State.APPROVED, now=MONDAY)
    transfer = Transfer.objects.get(reference=request.number)
    Transfer.objects.filter(pk=transfer.pk).update(next_try_at=MONDAY)
    attempt = send.begin(transfer.pk, MONDAY)
    assert attempt
    later = MONDAY + timedelta(days=3)
    with transaction.atomic():
        send.record(attempt, Result(Status.SUCCEEDED, "CH1"), MONDAY)
    roll_up(MONDAY)
    with transaction.atomic():
        send.undo(attempt, Result(Status.REFUSED, error_code="returned"), later)
    roll_up(later)
    found = MoneyFigure.objects.order_by("day").values_list("day", "flow", "amount")
    assert list(found) == [(MONDAY.date(), Flow.CHANNEL, 9_900), (later.date(), Flow.CAME_BACK, 9_900)]


# --- what the marks are for: the rest needs transactions of its own ---


def closed() -> int:
    return sum(CaseFigure.objects.values_list("closed", flat=True))


def close_slowly(
    request: RefundRequest, written: threading.Event, go_on: threading.Event
) -> threading.Thread:
    """Withdraw the request in a transaction that has its id, and does not commit until it is told to."""

    def run() -> None:
        try:
            with transaction.atomic():
                mine = RefundRequest.objects.select_for_update().get(pk=request.pk)
                apply_transition(mine, "withdraw", actor=BUYER, now=MONDAY)
                written.set()
                assert go_on.wait(30)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    assert written.wait(30)
    return thread


def closed_in_the_end(cast: Cast) -> int:
    """One move commits after three runs have seen a later one, of another day; how many are counted in the end."""
    request, go_on = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY), threading.Event()
    thread = close_slowly(request, threading.Event(), go_on)
    make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY + timedelta(days=9))
    for _run in range(3):
        assert roll_up(MONDAY)
    go_on.set()
    thread.join(30)
    roll_up(MONDAY)
    return closed()


@pytest.mark.django_db(transaction=True)
def test_a_move_that_commits_late_is_counted(cast: Cast) -> None:
    assert closed_in_the_end(cast) == 1


@pytest.mark.django_db(transaction=True)
def test_without_waiting_for_what_is_under_way_it_is_lost(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: marks follow the highest id at once."""
    monkeypatch.setattr(rolling, "_under_way", lambda: (1, 1))
    assert closed_in_the_end(cast) == 0


def marks_follow(cast: Cast) -> None:
    make_request(cast, state=State.REFUNDED, now=MONDAY)
    for _run in range(3):
        roll_up(MONDAY)
    with connection.cursor() as cursor:
        for source, table in SOURCES.items():
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
            assert FigureMark.objects.get(source=source).done == cursor.fetchone()[0], source


@pytest.mark.django_db(transaction=True)
def test_marks_follow_when_nothing_is_under_way(cast: Cast) -> None:
    marks_follow(cast)


@pytest.mark.django_db(transaction=True)
def test_marks_wait_for_no_other_database_of_the_server(cast: Cast) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as elsewhere:
        elsewhere.execute("SELECT pg_current_xact_id()")  # it has its number, and does not end
        marks_follow(cast)


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_killed_half_way_leaves_what_was_there(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_request(cast, state=State.WITHDRAWN, now=MONDAY)
    roll_up(MONDAY)
    told = rows()
    make_request(cast, state=State.WITHDRAWN, now=MONDAY)
    whole = rolling.make_anew
    done: list[Any] = []

    def dies(rollup: Any, marks: Any) -> None:
        if len(done) == 3:
            raise ConnectionError
        done.append(whole(rollup, marks))

    with monkeypatch.context() as patched:
        patched.setattr(rolling, "make_anew", dies)
        with pytest.raises(ConnectionError):
            roll_up(MONDAY)
    assert (rows(), closed()) == (told, 1)
    roll_up(MONDAY)
    assert closed() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_runs_at_once_one_does_nothing(cast: Cast) -> None:
    make_request(cast, state=State.WITHDRAWN, now=MONDAY)
    roll_up(MONDAY)
    with transaction.atomic():
        assert len(FigureMark.objects.select_for_update()) == len(SOURCES)
        assert together([lambda: roll_up(MONDAY)]) == [False]
    assert together([lambda: roll_up(MONDAY)] * 4).count(True) >= 1
    assert closed() == 1


@pytest.mark.django_db(transaction=True)
def test_verify_finds_a_figure_that_the_history_does_not_give(cast: Cast) -> None:
    refunded(cast)
    for _run in range(3):
        roll_up(MONDAY)
    assert [each.name for each in INVARIANTS if breaks(each)] == []
    for rollup in ROLLUPS:
        row = rollup.model.objects.first()
        if row is not None:
            with transaction.atomic():
                rollup.model.objects.filter(pk=row.pk).update(day=MONDAY.date() - timedelta(days=1))
                names = [each.name for each in INVARIANTS if breaks(each)]
                transaction.set_rollback(True)
            assert names == [rollup.table.removeprefix("refunds_")]
    # What is newer than the last run is not held against it.
    make_request(cast, state=State.WITHDRAWN, now=MONDAY)
    assert [each.name for each in INVARIANTS if breaks(each)] == []
