"""Known-answer cases at the desk (K4): given in place of a case, looking like one, told of afterwards; and the marking."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import User
from refunds.models import Hold, KnownAnswer, RefundRequest, Trial, TrialAnswer
from refunds.operations import draw_trial
from tests.cases import make_request
from tests.contested import rejected
from tests.judged import reject, to_judge
from tests.known import AFTER_APPEALS, answer, draw, known, mark, trial
from tests.people import Cast

from .conftest import QUEUE

SignIn = Callable[[User], Client]
ENGLISH = {"accept-language": "en"}
TOLD = "This was a known-answer case"
KNOWN = "/admin/refunds/knownanswer/"


def url_of(of: Trial) -> str:
    return f"{QUEUE}case/{of.number}/"


def text(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url, headers=ENGLISH)
    assert answer.status_code == status, url
    return answer.content.decode()


@pytest.fixture
def second(cast: Cast, signed_in: SignIn) -> Client:
    """The browser of the reviewer who gets the trial."""
    return signed_in(cast.second_reviewer)


def test_next_case_is_now_and_then_a_trial(
    cast: Cast, second: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked, waiting = known(cast), make_request(cast, state="manual_review")
    monkeypatch.setattr(draw_trial, "APART", 0)
    monkeypatch.setattr(draw_trial.trial_instead, "__kwdefaults__", {"chance": lambda: 0.0})
    for queue in ("high", "overdue", "legal"):  # of a kind that the trial may not be of
        second.post(f"{QUEUE}claim-next/", {"queue": queue})
    assert not Trial.objects.exists()
    led = second.post(f"{QUEUE}claim-next/", {"queue": "unassigned"})
    came_from = "?_changelist_filters=queue%3Dunassigned"
    assert led["Location"] == url_of(Trial.objects.get(known=marked)) + came_from
    waiting.refresh_from_db()
    assert (
        waiting.holder,
        Hold.objects.filter(request=marked.request, user=cast.second_reviewer).count(),
    ) == (None, 0)
    led = second.post(f"{QUEUE}claim-next/", {"queue": "unassigned"})
    assert led["Location"] == f"{QUEUE}case/{waiting.number}/{came_from}"


def test_a_trial_looks_like_any_case(cast: Cast, second: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same page, part for part, as of the same case before it was decided; but for numbers, times and tokens."""
    request = to_judge(cast, "兑换码无效")
    second.post(f"{QUEUE}case/{request.number}/hold/", {"do": "claim"})
    before = text(second, f"{QUEUE}case/{request.number}/")
    second.post(f"{QUEUE}case/{request.number}/hold/", {"do": "release"})
    reject(request, cast.reviewer)
    mark(request, cast.supervisor)
    make_request(cast, state="manual_review")
    drawn = draw(cast.second_reviewer, monkeypatch)
    assert drawn is not None
    after = text(second, url_of(drawn))
    assert "known-answer" not in after
    assert "Rejected" not in after
    assert alike(before) == alike(after)
    letter = second.post(
        f"{url_of(drawn)}letter/", {"move": "reject", "clause": "B3", "note": "No."}, headers=ENGLISH
    )
    assert letter.status_code == 200
    assert drawn.number in letter.content.decode()


def alike(page: str) -> list[str]:
    """What a page is made of: its tags with their classes and names, and its words, without what differs anyway."""
    page = page[page.index("desk-head-main") : page.rindex("</section>")]
    page = re.sub(r"(Other requests of this buyer).*?</ul>", "", page, flags=re.DOTALL)
    page = re.sub(r'value="[\w-]{40,}"|href="[^"]*"|action="[^"]*"|datetime="[^"]*"', "", page)
    page = re.sub(r"[A-Z]{2}\d{6}[A-Z2-9]{8}|\d{4}-\d\d-\d\d|\d\d-\d\d|\d\d:\d\d(:\d\d)?|\d+", "#", page)
    return re.sub(r"\b(in|under|an?|minutes?|hours?|days?|#|h|m|d)\b", "", page).split()


def test_a_trial_is_told_of_once_it_is_answered(
    cast: Cast, second: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = trial(cast, monkeypatch)
    real = drawn.known.request
    assert TOLD not in text(second, url_of(drawn))
    assert real.number not in text(second, url_of(drawn))
    decided = second.post(
        url_of(drawn), {"move": "approve", "note": "Not used.", "fault": "none"}, headers=ENGLISH
    )
    assert (decided.status_code, decided["Location"]) == (302, url_of(drawn))
    told = text(second, url_of(drawn))
    for words in (TOLD, "Other than agreed", "B3: the log shows its use.", "Not used.", real.number):
        assert words in told
    real.refresh_from_db()
    assert (real.state, real.judgements.count()) == ("rejected", 1)


def test_what_is_refused_stays_as_typed(cast: Cast, second: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = trial(cast, monkeypatch)
    data = {"move": "reject", "note": "By the log.", "clause": "", "fault": "buyer"}
    refused = second.post(url_of(drawn), data, headers=ENGLISH)
    assert refused.status_code == 422
    assert "By the log." in refused.content.decode()
    assert TOLD not in refused.content.decode()
    assert not TrialAnswer.objects.exists()


@pytest.mark.parametrize(
    "data",
    [
        {"move": "say", "text": "Which log?"},
        {"move": "refer", "note": "Too hard."},
        {"move": "ask_evidence", "note": "A log."},
    ],
)
def test_whatever_else_is_done_ends_a_trial_undecided(
    cast: Cast, second: Client, monkeypatch: pytest.MonkeyPatch, data: dict[str, str]
) -> None:
    drawn = trial(cast, monkeypatch)
    second.post(url_of(drawn), data)
    assert TrialAnswer.objects.get().outcome == "passed"
    assert TOLD in text(second, url_of(drawn))


@pytest.mark.parametrize("do", ["release", "hand_over"])
def test_a_trial_put_back_ends(cast: Cast, second: Client, monkeypatch: pytest.MonkeyPatch, do: str) -> None:
    drawn = trial(cast, monkeypatch)
    led = second.post(f"{url_of(drawn)}hold/", {"do": do, "to": str(cast.reviewer.pk), "note": "Please."})
    assert led["Location"] == url_of(drawn)
    assert TrialAnswer.objects.get().outcome == "passed"


def test_a_trial_is_there_for_its_reviewer_alone(
    cast: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = trial(cast, monkeypatch)
    for user in (cast.reviewer, cast.supervisor, cast.auditor):
        client = signed_in(user)
        assert text(client, url_of(drawn), 302) == text(client, f"{QUEUE}case/RF000000NOWHERE9/", 302)
        client.post(url_of(drawn), {"move": "approve", "note": "x", "fault": "none"})
    assert not TrialAnswer.objects.exists()


def test_a_supervisor_marks_and_withdraws(cast: Cast, signed_in: SignIn) -> None:
    recent, client, then = rejected(cast), signed_in(cast.supervisor), timezone.now() - AFTER_APPEALS
    request = make_request(cast, state="manual_review", now=then)
    reject(request, cast.reviewer, now=then)
    assert "No case has a known answer yet." in text(client, KNOWN)
    assert request.number in text(client, f"{KNOWN}add/?number={request.number}")
    data = {"number": request.number.lower(), "outcome": "reject", "fault": "buyer", "why": "B3."}
    early = client.post(f"{KNOWN}add/", {**data, "number": recent.number}, headers=ENGLISH)
    assert early.status_code == 409
    assert "may still be appealed" in early.content.decode()
    wrong = client.post(f"{KNOWN}add/", {**data, "number": "RF1", "low": "x"}, headers=ENGLISH)
    assert wrong.status_code == 422
    assert "There is no case RF1." in wrong.content.decode()
    assert not KnownAnswer.objects.exists()
    made = client.post(f"{KNOWN}add/", data)
    row = KnownAnswer.objects.get()
    assert made["Location"] == f"{KNOWN}{row.pk}/change/"
    assert "No reviewer has met it yet." in text(client, made["Location"])
    empty = client.post(made["Location"], {"move": "withdraw", "note": " "}, headers=ENGLISH)
    assert empty.status_code == 422
    client.post(made["Location"], {"move": "withdraw", "note": "It was the seller."})
    row.refresh_from_db()
    assert row.withdrawn_why == "It was the seller."
    assert "It was the seller." in text(client, made["Location"])


def test_a_closed_case_leads_its_supervisor_to_the_marking(cast: Cast, signed_in: SignIn) -> None:
    request = rejected(cast)
    link = f"{KNOWN}add/?number={request.number}"
    where = f"{QUEUE}case/{request.number}/"
    assert link in text(signed_in(cast.supervisor), where)
    for user in (cast.reviewer, cast.auditor):
        assert link not in text(signed_in(user), where)
    open_one = make_request(cast, state="manual_review")
    assert "knownanswer/add" not in text(signed_in(cast.supervisor), f"{QUEUE}case/{open_one.number}/")


def test_known_answers_list_how_reviewers_answered(
    cast: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = answer(trial(cast, monkeypatch))
    page = f"{KNOWN}{given.trial.known_id}/change/"
    for user in (cast.supervisor, cast.auditor):
        shown = text(signed_in(user), page)
        assert cast.second_reviewer.username in shown
        assert "As agreed" in shown
    refused: Any = signed_in(cast.auditor).post(page, {"move": "withdraw", "note": "x"})
    assert refused.status_code == 403
    assert KnownAnswer.objects.get().is_standing
    assert RefundRequest.objects.get(pk=given.trial.known.request_id).state == "rejected"
