"""Two uploads at once: one effect per key, one file per place, and nothing left in the storage."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db.models import QuerySet

from refunds.machine import State
from refunds.models import Evidence, PendingFile
from refunds.operations import give_evidence as giving
from tests.cases import make_request
from tests.evidence import send, stored_files
from tests.people import Api, Cast
from tests.refunds.hostile.parts import png

from .test_races import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("evidence_folder")]
FEW = 6


def test_one_key_sent_many_times_at_once_gives_one_file(api: Api, cast: Cast) -> None:
    case = make_request(cast, state=State.AWAITING_EVIDENCE)
    buyer = api.sign_in(cast.buyer)
    answers = together([lambda: send(buyer, case, key="one") for _each in range(FEW)])
    assert [answer.status_code for answer in answers] == [201] * FEW
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sum("Idempotent-Replayed" in answer for answer in answers) == FEW - 1
    assert Evidence.objects.count() == 1
    assert case.transitions.filter(event="give_evidence").count() == 1
    assert len(stored_files()) == 2
    assert not PendingFile.objects.exists()


def test_call_overtaken_by_its_first_is_answered_and_not_refused(
    api: Api, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first call with the key commits after the second has looked for its answer, and before it looks ahead."""
    case, buyer = make_request(cast, state=State.AWAITING_EVIDENCE), api.sign_in(cast.buyer)
    look_ahead = giving._look_ahead
    first: list[Any] = []

    def overtaken(*args: Any, **scope: Any) -> None:
        if not first:
            first.append(None)
            first.append(send(buyer, case, key="one"))
        look_ahead(*args, **scope)

    monkeypatch.setattr(giving, "_look_ahead", overtaken)
    second = send(buyer, case, key="one")
    assert (second.status_code, second.json()) == (201, first[1].json())
    assert second["Idempotent-Replayed"] == "true"
    assert Evidence.objects.count() == 1


def test_the_last_place_is_given_once(api: Api, cast: Cast, settings: Any) -> None:
    settings.EVIDENCE_MAX_FILES = 1
    case, buyer = make_request(cast, state=State.MANUAL_REVIEW), api.sign_in(cast.buyer)
    answers = together([lambda seed=seed: send(buyer, case, png(seed)) for seed in range(FEW)])
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * (FEW - 1)
    assert Evidence.objects.count() == 1
    assert len(stored_files()) == 2


def test_without_the_lock_the_database_still_numbers_each_file_once(
    api: Api, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the race is run, and would have given two files one number."""
    case, buyer = make_request(cast, state=State.MANUAL_REVIEW), api.sign_in(cast.buyer)
    with _unlocked(monkeypatch):
        answers = together([lambda seed=seed: send(buyer, case, png(seed)) for seed in range(FEW)])
    failed = [answer for answer in answers if answer.status_code != 201]
    assert failed, "the race was not run"
    positions = list(Evidence.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(1, len(positions) + 1))
    assert len(stored_files()) == 2 * len(positions)


@contextmanager
def _unlocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No row is locked, and all look before any writes."""
    import threading

    everybody = threading.Barrier(FEW)
    room = giving._room

    def waits(*args: Any) -> int:
        position = room(*args)
        if len(args) == 4 and getattr(looked, "once", False):
            everybody.wait(30)
        looked.once = True
        return position

    looked = threading.local()
    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "select_for_update", lambda self, **kwargs: self)
        patch.setattr(giving, "_room", waits)
        yield
