"""Publishing needs a draft that was tried (J6): on its very terms, on enough cases, and not too far from what was decided."""

from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from marketplace.identity.models import User
from refunds.models import DraftTested, PolicyDraft, PolicyVersion
from refunds.operations import publish_draft as publishing
from refunds.operations import require_tested
from refunds.operations.backtest import cancel_backtest
from refunds.operations.edit_draft import edit_draft
from refunds.operations.publish_draft import publish_draft
from refunds.operations.require_tested import DriftTooLarge, NotTested, TooFewCases
from refunds.operations.submit_draft import submit_draft, take_back
from tests.factories import days
from tests.people import Cast
from tests.terms import editor as another_editor
from tests.terms import submitted

from .drafts import ask, decided, run, spoil

DRIFTS = {"small_below": 10_000}  # pays what the seller was asked about


def publish(made: PolicyDraft, user: User, **fields: Any) -> PolicyVersion:
    return publish_draft(draft_id=made.pk, user=user, seen_at=made.submitted_at, now=timezone.now(), **fields)


def refused(made: PolicyDraft, user: User, refusal: type[Exception], **fields: Any) -> None:
    before = PolicyVersion.objects.count()
    with pytest.raises(refusal):
        publish(made, user, **fields)
    made.refresh_from_db()
    assert (made.state, PolicyVersion.objects.count()) == ("submitted", before)
    assert not DraftTested.objects.exists()


def test_untried_draft_is_not_published(cast: Cast, editor: User) -> None:
    refused(submitted(by=editor, tried=False, window_days=14), cast.supervisor, NotTested)


def test_draft_tried_without_drift_is_published_upon_its_run(cast: Cast, editor: User) -> None:
    decided(cast)
    made = submitted(by=editor, tried=False, window_days=14)
    done = run(made, editor)
    version = publish(made, another_editor())
    kept = DraftTested.objects.get()
    assert (kept.draft.version, kept.run, kept.is_over, kept.note) == (version, done, False, "")


def test_terms_changed_after_the_run_are_not_published(cast: Cast, editor: User) -> None:
    decided(cast)
    made = submitted(by=editor, tried=False, window_days=14)
    run(made, editor)
    take_back(draft_id=made.pk, user=editor)
    made.refresh_from_db()
    edit_draft(
        draft_id=made.pk, user=editor, terms={**made.terms, "window_days": 13}, title=made.title, why=made.why,
        in_force_at=made.in_force_at, seen_at=made.changed_at, now=timezone.now(),
    )  # fmt: skip
    made = submit_draft(draft_id=made.pk, user=editor, now=timezone.now())
    refused(made, cast.supervisor, NotTested)


def test_a_run_that_was_cancelled_or_is_on_counts_for_nothing(cast: Cast, editor: User) -> None:
    decided(cast)
    made = submitted(by=editor, tried=False, window_days=14)
    asked = ask(made, editor)
    refused(made, cast.supervisor, NotTested)
    cancel_backtest(run_id=asked.pk, user=editor, now=timezone.now())
    refused(made, cast.supervisor, NotTested)


def test_drift_above_the_limit_needs_a_supervisor_and_a_reason(
    cast: Cast, editor: User, settings: Any
) -> None:
    settings.POLICY_DRIFT_PERCENT = 5
    decided(cast, 9900)
    made = submitted(by=editor, tried=False, **DRIFTS)
    done = run(made, editor)
    assert done.drift == 100
    refused(made, another_editor(), DriftTooLarge, override_note="Because.")
    refused(made, cast.supervisor, DriftTooLarge)
    refused(made, cast.supervisor, DriftTooLarge, override_note="  ")
    publish(made, cast.supervisor, override_note=" Decided by the board. ")
    kept = DraftTested.objects.get()
    assert (kept.is_over, kept.note, kept.by, kept.limit_percent) == (
        True, "Decided by the board.", cast.supervisor, 5,
    )  # fmt: skip


def test_drift_at_the_limit_is_within_it(cast: Cast, editor: User, settings: Any) -> None:
    settings.POLICY_DRIFT_PERCENT = 50
    decided(cast, 9900), decided(cast, 4900)
    made = submitted(by=editor, tried=False, **DRIFTS)
    assert run(made, editor).drift == 50
    publish(made, another_editor())


def test_a_run_over_fewer_cases_than_there_are_does_not_count(cast: Cast, editor: User) -> None:
    for _each in range(3):
        decided(cast)
    made, now = submitted(by=editor, tried=False, window_days=14), timezone.now()
    run(made, editor, sample=2)
    refused(made, cast.supervisor, TooFewCases)
    run(made, editor, since=now - days(60), until=now - days(50))
    refused(made, cast.supervisor, TooFewCases)
    run(made, editor)
    publish(made, cast.supervisor)


def test_enough_cases_are_enough(cast: Cast, editor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(require_tested, "LEAST", 2)
    for _each in range(3):
        decided(cast)
    made = submitted(by=editor, tried=False, window_days=14)
    run(made, editor, sample=2)
    publish(made, cast.supervisor)


def test_of_several_runs_the_one_over_the_most_cases_speaks(
    cast: Cast, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who draws samples until one is kind has won nothing."""
    monkeypatch.setattr(require_tested, "LEAST", 1)
    decided(cast, 4900), decided(cast, 9900), decided(cast, 4900)
    made = submitted(by=editor, tried=False, **DRIFTS)
    run(made, editor)
    kind = next(done for seed in range(20) if (done := run(made, editor, sample=1, seed=seed)).drift == 0)
    assert kind.drift == 0
    refused(made, another_editor(), DriftTooLarge)


def test_what_cannot_be_read_counts_as_drift(cast: Cast, editor: User) -> None:
    spoil(decided(cast), "facts - 'units'")
    made = submitted(by=editor, tried=False, window_days=14)
    done = run(made, editor)
    assert (done.cases, done.drift, done.drift_at_most) == (0, 0, 100)
    refused(made, another_editor(), DriftTooLarge)


def test_where_nothing_was_decided_a_run_over_nothing_counts(cast: Cast, editor: User) -> None:
    made = submitted(by=editor, tried=False, **DRIFTS)
    assert run(made, editor).cases == 0
    publish(made, another_editor())


def test_the_database_publishes_no_untried_draft(
    cast: Cast, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = submitted(by=editor, tried=False, window_days=14)
    monkeypatch.setattr(publishing, "require_tested", lambda *_args: None)
    with pytest.raises(IntegrityError, match="tried on decided cases"):
        publish(made, cast.supervisor)
