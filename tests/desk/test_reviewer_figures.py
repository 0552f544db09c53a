"""Figures of reviewers (K4): what each is, who sees whose, how small numbers are said, and that reading is bounded."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketplace.identity.models import User
from refunds.models import TrialAnswer
from refunds.operations import decide_appeal, hold, review
from refunds.operations.mark_known import withdraw_known
from refunds.reviewer_figures import COLUMNS, Figures, Share, decisions, figures, team, wilson
from refunds.trials import Agrees, Leaning
from tests.cases import make_request
from tests.contested import buyer_appeals, refunded, rejected, seller_appeals
from tests.judged import approve, reject
from tests.known import answer, draw, known, trial
from tests.people import Cast

SignIn = Callable[[User], Client]
PAGE = "/admin/refunds/judgement/"
ENGLISH = {"accept-language": "en"}
MINUTE = timedelta(minutes=1)


def found(user: User) -> Figures:
    now = timezone.now()
    return {each.user_id: each for each in figures(now - timedelta(days=90), now + timedelta(days=90))}[
        user.pk
    ]


def decided_after(cast: Cast, minutes: int, *, hold_after: int | None = None) -> None:
    now = timezone.now()
    request = make_request(cast, state="manual_review", now=now)
    if hold_after is not None:
        hold.claim(number=request.number, user=cast.reviewer, now=now + hold_after * MINUTE)
    reject(request, cast.reviewer, now=now + minutes * MINUTE)


def test_minutes_run_from_the_hold_else_from_the_start_of_the_review(cast: Cast) -> None:
    decided_after(cast, 100, hold_after=90)
    decided_after(cast, 30)
    decided_after(cast, 21, hold_after=1)
    each = found(cast.reviewer)
    assert each.decided == 3
    assert each.median_minutes == pytest.approx(20)
    assert each.p90_minutes == pytest.approx(28)


def test_an_overturned_decision_is_one_that_fell_on_appeal(cast: Cast) -> None:
    now = timezone.now()
    taken_up, dismissed, waiting = (rejected(cast) for _ in range(3))
    for request in (taken_up, dismissed, waiting):
        buyer_appeals(request)
    review.hear_appeal(number=taken_up.number, user=cast.supervisor, note="Heard.", now=now)
    assert found(cast.reviewer).contested == 0  # nothing is concluded yet
    approve(taken_up, cast.second_reviewer, fault="platform")
    decide_appeal.dismiss(number=dismissed.number, user=cast.supervisor, note="No.", now=now)
    of_seller = refunded(cast)
    seller_appeals(of_seller, cast.seller_user)
    decide_appeal.overturn(number=of_seller.number, user=cast.supervisor, amount=100, note="Right.", now=now)
    each = found(cast.reviewer)
    assert (each.decided, each.contested, each.overturned) == (4, 3, 2)
    listed = {
        row.number: row
        for row in decisions(cast.reviewer.pk, now - timedelta(days=1), now + timedelta(days=1))
    }
    assert [listed[r.number].overturned for r in (taken_up, of_seller)] == [True, True]
    assert not listed[dismissed.number].overturned
    assert not found(cast.second_reviewer).overturned


def test_approvals_and_departures_are_shares_of_the_decisions(cast: Cast) -> None:
    rejected(cast)
    request = make_request(cast, state="manual_review")
    approve(request, cast.reviewer, fault="none", deviation="Another kind.")
    values = {column.key: column.of(found(cast.reviewer)) for column in COLUMNS}
    assert (values["approved"], values["deviated"]) == (Share(1, 2), Share(1, 2))


def test_trials_count_by_their_known_answer_until_it_is_withdrawn(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(trial(cast, monkeypatch))
    known(cast)
    wrong = draw(cast.second_reviewer, monkeypatch)
    assert wrong is not None
    answer(wrong, amount=None, fault="none")
    each = found(cast.second_reviewer)
    assert (each.decided, each.right) == (0, Share(1, 2))
    assert (each.trials(Agrees.WRONG), each.leaning(Leaning.GENEROUS)) == (1, Share(1, 2))
    withdraw_known(known_id=wrong.known_id, user=cast.supervisor, why="Wrong.", now=timezone.now())
    assert found(cast.second_reviewer).right == Share(1, 1)
    assert TrialAnswer.objects.count() == 2


def test_three_of_three_is_not_a_hundred_percent() -> None:
    low, high = wilson(3, 3) or (0, 0)
    assert (round(low), round(high)) == (44, 100)
    low, high = wilson(90, 100) or (0, 0)
    assert (round(low), round(high)) == (83, 94)
    assert wilson(0, 0) is None


def test_each_is_compared_with_the_median_of_the_team() -> None:
    decided = next(column for column in COLUMNS if column.key == "decided")
    approved = next(column for column in COLUMNS if column.key == "approved")
    people = [Figures(n, "x", decided=n, approved=1) for n in (1, 2, 10)]
    assert team(people, decided) == 2
    assert team(people, approved) == 50
    assert team([], decided) is None


def test_reading_takes_three_queries_whoever_there_is(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        answer(trial(cast, monkeypatch))
        refunded(cast)
    now = timezone.now()
    with CaptureQueriesContext(connection) as queries:
        assert len(figures(now - timedelta(days=1), now + timedelta(days=1))) == 2
    assert len(queries) == 3


# --- The page --------------------------------------------------------------------------------------------------


def text(client: Client, url: str, status: int = 200) -> str:
    got = client.get(url, headers=ENGLISH)
    assert got.status_code == status
    return got.content.decode()


def test_a_supervisor_sees_all_with_their_cases(cast: Cast, signed_in: SignIn) -> None:
    request = rejected(cast)
    shown = text(signed_in(cast.supervisor), PAGE)
    assert cast.reviewer.username in shown
    assert "0 of 1" in shown
    assert "few" in shown
    assert "no median to compare with" in shown
    behind = text(signed_in(cast.supervisor), f"{PAGE}{cast.reviewer.pk}/")
    assert request.number in behind


def test_the_median_of_the_team_stands_below(cast: Cast, signed_in: SignIn) -> None:
    for user in (cast.reviewer, cast.second_reviewer, cast.supervisor):
        reject(make_request(cast, state="manual_review"), user, deviation="x")
    assert "Median of the team" in text(signed_in(cast.auditor), PAGE)


def test_a_reviewer_sees_their_own_and_nobody_elses(cast: Cast, signed_in: SignIn) -> None:
    rejected(cast)
    reject(make_request(cast, state="manual_review"), cast.second_reviewer)
    shown = text(signed_in(cast.second_reviewer), PAGE)
    assert f"{PAGE}{cast.second_reviewer.pk}/" in shown
    assert f"{PAGE}{cast.reviewer.pk}/" not in shown
    text(signed_in(cast.second_reviewer), f"{PAGE}{cast.second_reviewer.pk}/")
    text(signed_in(cast.second_reviewer), f"{PAGE}{cast.reviewer.pk}/", 403)


def test_figures_come_as_a_file_in_which_shares_are_two_numbers(cast: Cast, signed_in: SignIn) -> None:
    refunded(cast)
    today = timezone.localdate()
    got = signed_in(cast.supervisor).get(f"{PAGE}?since={today}&until={today}&csv=1", headers=ENGLISH)
    header, line = list(csv.reader(io.StringIO(got.content.decode("utf-8-sig"))))
    of = dict(zip(header, line, strict=True))
    assert of["Reviewer"] == cast.reviewer.username
    assert (of["Approved"], of["Approved, of"], of["Decided"]) == ("1", "1", "1")
    behind = signed_in(cast.supervisor).get(
        f"{PAGE}{cast.reviewer.pk}/?since={today}&until={today}&csv=1", headers=ENGLISH
    )
    header, line = list(csv.reader(io.StringIO(behind.content.decode("utf-8-sig"))))
    assert dict(zip(header, line, strict=True))["Outcome"] == "Approved in full"


def test_days_that_lie_backwards_are_refused(cast: Cast, signed_in: SignIn) -> None:
    assert "choose a later day" in text(
        signed_in(cast.auditor), f"{PAGE}?since=2026-03-02&until=2026-03-01", 422
    )


def test_an_empty_time_says_so(cast: Cast, signed_in: SignIn) -> None:
    assert "Nobody decided a case in these days" in text(signed_in(cast.auditor), PAGE)
    assert "No case was decided in these days" in text(signed_in(cast.auditor), f"{PAGE}{cast.reviewer.pk}/")
