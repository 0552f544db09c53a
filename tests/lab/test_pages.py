"""The lab at the desk (J6): from a draft's page to a run's, its flipped cases and their file."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import User
from refunds import backtests
from refunds.models import BacktestRun, PolicyDraft
from refunds.operations.run_backtests import run_backtests
from tests.cases import bring
from tests.judged import reject
from tests.people import Cast
from tests.terms import draft

from .drafts import ask, decided, run, spoil

SignIn = Callable[[User], Client]
ENGLISH = {"accept-language": "en"}


def page_of(row: PolicyDraft | BacktestRun) -> str:
    return f"/admin/refunds/{row._meta.model_name}/{row.pk}/change/"


def text(response: Any) -> str:
    return str(response.content.decode())


def post(client: Client, made: PolicyDraft, **fields: Any) -> Any:
    today = timezone.localdate()
    scope = {"since": today - timedelta(days=30), "until": today, "sample": "", "seed": 1}
    return client.post(page_of(made), {"move": "backtest", **scope, **fields}, headers=ENGLISH)


def test_draft_is_tried_from_its_page_and_the_page_says_what_came_of_it(
    cast: Cast, editor: User, desk: Client
) -> None:
    reject(bring(decided(cast, 9900), "manual_review", cast), cast.reviewer)
    decided(cast, 4900)
    made = draft(by=editor, small_below=10_000)
    before = text(desk.get(page_of(made), headers=ENGLISH))
    assert "Nobody has tried this draft" in before and "have not been tried yet" in before
    assert post(desk, made).status_code == 302
    asked = made.backtests.get()
    waiting = text(desk.get(page_of(made), headers=ENGLISH))
    assert "Waits for the worker." in waiting and "<progress" in waiting
    assert 'value="backtest"' not in waiting  # one at a time
    run_backtests(timezone.now)
    after = text(desk.get(page_of(made), headers=ENGLISH))
    assert "Of 2 decided cases 1 (50.0 %) would have ended otherwise." in after
    assert "More would have been paid back: CNY 99.00 (1 case)." in after
    assert "50.0 % of the cases would have ended otherwise, more than 5 %" in after
    assert page_of(asked) in after


def test_fields_that_cannot_be_are_named_and_kept(cast: Cast, editor: User, desk: Client) -> None:
    made = draft(by=editor)
    response = post(desk, made, until=timezone.localdate() - timedelta(days=40), sample="0")
    assert response.status_code == 422 and not BacktestRun.objects.exists()
    assert "choose a later day" in text(response) and "greater than or equal to 1" in text(response)


def test_progress_is_told_until_the_run_is_over(cast: Cast, editor: User, desk: Client) -> None:
    asked = ask(draft(by=editor), editor)
    url = f"/admin/refunds/backtestrun/{asked.pk}/progress/"
    assert "HX-Refresh" not in desk.get(url).headers
    run_backtests(timezone.now)
    assert desk.get(url).headers["HX-Refresh"] == "true"


def test_run_is_cancelled_on_its_page(cast: Cast, editor: User, desk: Client) -> None:
    asked = ask(draft(by=editor), editor)
    assert desk.post(page_of(asked), {"move": "cancel"}).status_code == 302
    asked.refresh_from_db()
    assert asked.state == "cancelled"
    assert "Cancelled before it came to its end." in text(desk.get(page_of(asked), headers=ENGLISH))


def test_auditor_reads_and_runs_nothing(cast: Cast, editor: User, signed_in: SignIn) -> None:
    made = draft(by=editor)
    asked = ask(made, editor)
    auditor = signed_in(cast.auditor)
    assert auditor.get(page_of(asked)).status_code == 200
    assert auditor.post(page_of(asked), {"move": "cancel"}).status_code == 403
    assert post(auditor, made).status_code == 403
    asked.refresh_from_db()
    assert asked.state == "queued" and BacktestRun.objects.count() == 1


def test_page_of_a_run_has_all_that_it_found(cast: Cast, editor: User, signed_in: SignIn) -> None:
    flipped, other = decided(cast, 9900), decided(cast, 9900, reason="invalid_code")
    reject(bring(flipped, "manual_review", cast), cast.reviewer)
    done = run(draft(by=editor, small_below=10_000), editor)
    found = text(signed_in(cast.supervisor).get(page_of(done), headers=ENGLISH))
    for words in (
        "Ask the seller", "Approve", "By reason", "By seller", cast.seller.name, flipped.number, other.number,
        "No rule settled it: the seller is asked.", "0.0 % (0 of 1)", "nothing to compare", "too few decisions",
        f"/admin/refunds/refundrequest/case/{flipped.number}/",
    ):  # fmt: skip
        assert words in found, words
    # A policy editor sees no cases: the number is no link.
    assert "/refundrequest/case/" not in text(signed_in(editor).get(page_of(done)))


def test_flipped_cases_are_filtered_and_paged_by_the_key(
    cast: Cast, editor: User, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtests, "PAGE", 2)
    numbers = [decided(cast, 9900).number for _each in range(3)] + [
        decided(cast, 9900, reason="other").number
    ]
    done = run(draft(by=editor, small_below=10_000), editor)

    def shown(**asked: Any) -> list[str]:
        found = text(desk.get(page_of(done), asked, headers=ENGLISH))
        return [number for number in numbers if number in found]

    first = done.flips.order_by("id")[1].pk
    assert shown() == numbers[:2] and shown(after=first) == numbers[2:3]
    assert shown(reason="not_activated", after=first) == numbers[2:3]
    assert shown(would_be="reject") == [] and shown(was="ask_seller") == numbers[:2]
    assert shown(was="nonsense", after="-1") == numbers[:2]


def test_flipped_cases_come_as_a_file(cast: Cast, editor: User, desk: Client) -> None:
    request = decided(cast, 9900)
    reject(bring(request, "manual_review", cast), cast.reviewer)
    done = run(draft(by=editor, small_below=10_000), editor)
    response = desk.get(f"/admin/refunds/backtestrun/{done.pk}/flips.csv", headers=ENGLISH)
    header, line = csv.reader(io.StringIO(response.content.decode("utf-8-sig")))
    assert (header[0], line[0], line[6:]) == (
        "Refund number",
        request.number,
        ["CNY", "0.00", "99.00", "99.00"],
    )


def test_a_run_over_nothing_says_so(cast: Cast, editor: User, desk: Client) -> None:
    done = run(draft(by=editor), editor)
    found = text(desk.get(page_of(done), headers=ENGLISH))
    assert "there was nothing to try the draft on" in found


def test_unreadable_cases_are_named_on_the_page(cast: Cast, editor: User, desk: Client) -> None:
    request = decided(cast)
    spoil(request, "facts - 'units'")
    done = run(draft(by=editor), editor)
    found = text(desk.get(page_of(done), headers=ENGLISH))
    assert "1 case could not be read" in found and request.number in found
