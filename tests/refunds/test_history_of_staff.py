"""What staff did at the desk stays as it was: back-tests, bulk runs, imports, trials, exports. A row of each is tampered with."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from marketplace.identity.models import ListExport
from refunds.models import FileImport
from refunds.models.backtests import BacktestFlip
from refunds.operations.mark_known import withdraw_known
from tests.cases import make_request
from tests.known import answer, trial
from tests.lab.drafts import decided
from tests.people import Cast
from tests.terms import publish

from .test_bulk import ran

Leave = Callable[[Cast, pytest.MonkeyPatch], object]


def leave_a_published_draft(cast: Cast, _patched: pytest.MonkeyPatch) -> None:
    """With its back-test, in which a case ends otherwise."""
    decided(cast, total=7_900)
    publish(small_below=10_000)
    assert BacktestFlip.objects.exists()


def leave_a_bulk_run(cast: Cast, _patched: pytest.MonkeyPatch) -> None:
    assert ran(cast.reviewer, "approve", make_request(cast, state="manual_review")).finished_at


def leave_an_import(cast: Cast, _patched: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    FileImport.objects.create(
        kind="days", name="days.csv", body=b"", size=0, by=cast.supervisor, language="en", uploaded_at=now,
        checked_at=now, confirmed_at=now, finished_at=now,
    )  # fmt: skip


def leave_a_trial(cast: Cast, patched: pytest.MonkeyPatch) -> None:
    """Answered; its known answer was withdrawn after."""
    given = answer(trial(cast, patched)).trial
    withdraw_known(known_id=given.known_id, user=cast.supervisor, why="It was wrong.", now=timezone.now())


def leave_an_export(cast: Cast, _patched: pytest.MonkeyPatch) -> None:
    ListExport.objects.create(
        by=cast.supervisor, list="refunds.refundrequest", form="csv", rows=1, at=timezone.now()
    )


# Tables of history beside those of cases (test_machine.py) and of money (tests/payments/test_ledger.py).
HISTORY: dict[str, Leave] = {
    "refunds_backtestrun": leave_a_published_draft,
    "refunds_backtestflip": leave_a_published_draft,
    "refunds_drafttested": leave_a_published_draft,
    "refunds_bulkrun": leave_a_bulk_run,
    "refunds_bulkrow": leave_a_bulk_run,
    "refunds_fileimport": leave_an_import,
    "refunds_knownanswer": leave_a_trial,
    "refunds_trial": leave_a_trial,
    "refunds_trialanswer": leave_a_trial,
    "identity_listexport": leave_an_export,
}


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_what_staff_did_is_never_changed_or_removed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, table: str, statement: str
) -> None:
    HISTORY[table](cast, monkeypatch)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(DatabaseError, match="history"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
