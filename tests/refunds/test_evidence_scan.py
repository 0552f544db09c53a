"""The virus scanner has the word: found, silent or dead, the file is not taken and the case not lost (D3)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refunds.machine import State
from tests.cases import make_request
from tests.evidence import problem_of, send, state_of
from tests.people import Api, Cast
from tests.refunds import clamd
from tests.refunds.hostile.parts import png

pytestmark = pytest.mark.usefixtures("evidence_folder")


@pytest.fixture
def scanner(settings: Any) -> Iterator[clamd.Clamd]:
    with clamd.running() as server:
        settings.CLAMD_URL = server.url
        settings.CLAMD_TIMEOUT_SECONDS = 5
        yield server


@pytest.fixture
def case(cast: Cast) -> Any:
    return make_request(cast, state=State.AWAITING_EVIDENCE)


def test_clean_file_is_scanned_as_it_was_sent_and_taken(
    api: Api, cast: Cast, case: Any, scanner: clamd.Clamd
) -> None:
    original = png() + b"trailer"
    assert send(api.sign_in(cast.buyer), case, original).status_code == 201
    assert scanner.received == [original]


def test_scanner_on_a_unix_socket(api: Api, cast: Cast, case: Any, settings: Any, tmp_path: Path) -> None:
    with clamd.running(tmp_path / "s") as server:
        settings.CLAMD_URL = server.url
        assert send(api.sign_in(cast.buyer), case).status_code == 201
        assert problem_of(send(api.sign_in(cast.buyer), case, png(1) + clamd.EICAR)) == (422, "file_infected")


def test_eicar_in_a_picture_is_refused(api: Api, cast: Cast, case: Any, scanner: clamd.Clamd) -> None:
    before = state_of(case)
    response = send(api.sign_in(cast.buyer), case, png() + clamd.EICAR)
    assert problem_of(response) == (422, "file_infected")
    assert response.json()["found"] == "Win.Test.EICAR_HDB-1"
    assert state_of(case) == before


@pytest.mark.parametrize("behaviour", ["hangs", "dies", "errs", "gone", "nonsense"])
def test_scanner_that_gives_no_clear_answer_fails_closed(
    api: Api, cast: Cast, case: Any, scanner: clamd.Clamd, settings: Any, behaviour: str
) -> None:
    before = state_of(case)
    scanner.behaviour = behaviour
    if behaviour == "hangs":
        settings.CLAMD_TIMEOUT_SECONDS = 0.2
    elif behaviour == "gone":
        settings.CLAMD_URL = "tcp://127.0.0.1:1"
    elif behaviour == "nonsense":
        settings.CLAMD_URL = "clamd"
    response = send(api.sign_in(cast.buyer), case)
    assert problem_of(response) == (503, "scan_unavailable")
    assert state_of(case) == before


def test_the_same_call_succeeds_once_the_scanner_is_back(
    api: Api, cast: Cast, case: Any, scanner: clamd.Clamd
) -> None:
    buyer = api.sign_in(cast.buyer)
    scanner.behaviour = "errs"
    assert problem_of(send(buyer, case, key="one")) == (503, "scan_unavailable")
    scanner.behaviour = "answers"
    assert send(buyer, case, key="one").status_code == 201
