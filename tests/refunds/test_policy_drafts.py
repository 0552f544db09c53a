"""How a version of the rules comes about, and what each step asks. What the database refuses: test_policy_laws.py."""

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone, translation

from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotPermitted, Refusal, SecondPersonNeeded
from marketplace.notices.models import Notice
from refunds import policies
from refunds.models import PolicyDraft, PolicyVersion
from refunds.operations import drafting
from refunds.operations.draft_policy import DraftOpen, draft_policy
from refunds.operations.drop_draft import drop_draft
from refunds.operations.edit_draft import edit_draft
from refunds.operations.publish_draft import publish_draft
from refunds.operations.rebase_draft import rebase_draft
from refunds.operations.submit_draft import NothingChanged, submit_draft, take_back
from refunds.operations.tell import tell_waiting
from refunds.policy import DEFAULTS
from tests.factories import StaffFactory, days, hours
from tests.people import Cast
from tests.terms import draft, editor, publish, submitted, try_on_decided_cases

pytestmark = pytest.mark.django_db


def save(row: PolicyDraft, **fields: Any) -> PolicyDraft:
    as_it_is: dict[str, Any] = {
        "user": row.changed_by, "terms": row.terms, "title": row.title, "why": row.why,
        "in_force_at": row.in_force_at, "seen_at": row.changed_at, "now": timezone.now(),
    }  # fmt: skip
    return edit_draft(draft_id=row.pk, **as_it_is | fields)


def publish_now(row: PolicyDraft, **fields: Any) -> PolicyVersion:
    as_it_is: dict[str, Any] = {"user": editor(), "seen_at": row.submitted_at, "now": timezone.now()}
    return publish_draft(draft_id=row.pk, **as_it_is | fields)


def state(row: PolicyDraft) -> tuple[str, int, int]:
    """The draft's state, how many versions there are, and how many drafts."""
    row.refresh_from_db()
    return row.state, PolicyVersion.objects.count(), PolicyDraft.objects.count()


# --- the course of a draft ---


def test_a_draft_becomes_the_next_version_through_two_persons() -> None:
    row = submitted(small_below=10_000)
    version = publish_now(row)
    row.refresh_from_db()
    assert (str(version), version.terms, version.in_force_at) == ("card_code@2", row.terms, row.in_force_at)
    assert (row.state, row.version, row.published_at) == ("published", version, version.published_at)
    assert policies.in_force("card_code", row.in_force_at).terms.small_below == 10_000
    assert policies.in_force("card_code", timezone.now()).terms.small_below == 5_000


def test_a_draft_may_begin_with_older_terms_and_still_follows_the_newest() -> None:
    publish(at=days(1), small_below=10_000)
    first = PolicyVersion.objects.get(goods_type="card_code", version=1)
    back = draft_policy(goods_type="card_code", user=editor(), now=timezone.now(), terms_of=first)
    assert (back.terms, back.based_on.version) == (first.terms, 2)


def test_terms_nobody_knew_of_are_written_out_in_a_new_draft() -> None:
    clocks = {key: value for key, value in DEFAULTS["card_code"]["clocks"].items() if key != "appeal_days"}
    old = PolicyVersion(goods_type="card_code", version=1, terms={**DEFAULTS["card_code"], "clocks": clocks})
    begun = draft_policy(goods_type="card_code", user=editor(), now=timezone.now(), terms_of=old)
    assert begun.terms["clocks"]["appeal_days"] == 7


def test_sellers_are_told_of_coming_rules_once(cast: Cast) -> None:
    version = publish(at=days(9), small_below=10_000)
    tell_waiting(timezone.now())
    tell_waiting(timezone.now())
    notices = Notice.objects.filter(topic="rules_change", recipient_kind="seller")
    assert {notice.recipient_id for notice in notices} == {cast.seller.pk, cast.other_seller.pk}
    assert {notice.source for notice in notices} == {str(version)}


def test_dropped_draft_makes_room_for_another() -> None:
    row = draft()
    drop_draft(draft_id=row.pk, user=row.changed_by, now=timezone.now())
    assert state(row)[0] == "dropped"
    assert draft().pk != row.pk


def test_what_was_taken_back_is_written_on_and_submitted_anew() -> None:
    row = submitted(small_below=10_000)
    taken = take_back(draft_id=row.pk, user=StaffFactory.create(role=Role.SUPERVISOR))
    again = save(taken, terms={**taken.terms, "small_below": 9_000})
    submit_draft(draft_id=again.pk, user=again.changed_by, now=timezone.now())
    with pytest.raises(drafting.DraftMovedOn):
        publish_now(row)  # as it was read before
    row.refresh_from_db()
    try_on_decided_cases(row)
    assert publish_now(row, user=StaffFactory.create(role=Role.SUPERVISOR)).terms["small_below"] == 9_000


# --- refusals; each leaves everything as it was ---


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.POLICY_EDITOR}))
def test_only_policy_editors_write(role: str) -> None:
    row, user, now = draft(), StaffFactory.create(role=role), timezone.now()
    before = state(row)
    for write in (
        lambda: draft_policy(goods_type="account", user=user, now=now),
        lambda: save(row, user=user),
        lambda: submit_draft(draft_id=row.pk, user=user, now=now),
        lambda: rebase_draft(draft_id=row.pk, user=user, now=now),
        lambda: drop_draft(draft_id=row.pk, user=user, now=now),
    ):
        with pytest.raises(NotPermitted):
            write()
    assert state(row) == before


@pytest.mark.parametrize("role", ["", *sorted(set(Role) - {Role.POLICY_EDITOR, Role.SUPERVISOR})])
def test_only_policy_editors_and_supervisors_publish(role: str) -> None:
    row, user = submitted(small_below=10_000), StaffFactory.create(role=role)
    before = state(row)
    with pytest.raises(NotPermitted):
        publish_now(row, user=user)
    with pytest.raises(NotPermitted):
        take_back(draft_id=row.pk, user=user)
    assert state(row) == before


def test_person_switched_off_publishes_nothing() -> None:
    row, user = submitted(small_below=10_000), StaffFactory.create(role=Role.SUPERVISOR, is_active=False)
    with pytest.raises(NotPermitted):
        publish_now(row, user=user)
    assert state(row)[0] == "submitted"


def test_who_submitted_it_does_not_publish_it() -> None:
    row = draft(small_below=10_000)
    other = editor()
    row = submit_draft(draft_id=row.pk, user=other, now=timezone.now())
    before = state(row)
    with pytest.raises(SecondPersonNeeded):
        publish_now(row, user=other)
    assert state(row) == before


def test_nobody_who_ever_wrote_in_it_publishes_it() -> None:
    first, second = editor(), editor()
    row = draft(by=first, small_below=10_000)
    row = save(row, user=second, why="Said better.")
    row = submit_draft(draft_id=row.pk, user=second, now=timezone.now())
    for writer in (first, second):
        with pytest.raises(SecondPersonNeeded):
            publish_now(row, user=writer)
    try_on_decided_cases(row)
    assert publish_now(row).version == 2


def test_a_second_draft_for_the_same_goods_names_who_began_the_first() -> None:
    row = draft()
    with pytest.raises(DraftOpen) as refused:
        draft()
    assert str(row.created_by) in str(refused.value)
    assert refused.value.extra == {"draft": row.pk}
    assert draft("account").goods_type == "account"


def test_less_than_seven_days_ahead_is_refused_with_the_earliest_day() -> None:
    row = draft(in_force_at=days(7) - hours(1), small_below=10_000)
    before = state(row)
    with pytest.raises(drafting.NoticeTooShort) as refused:
        submit_draft(draft_id=row.pk, user=row.changed_by, now=timezone.now())
    assert refused.value.extra["earliest"][:10] in str(refused.value)
    assert set(refused.value.extra["errors"]) == {"in_force_at"}
    assert state(row) == before


def test_what_lay_too_long_is_not_published_any_more() -> None:
    row = submitted(small_below=10_000)
    before = state(row)
    with pytest.raises(drafting.NoticeTooShort):
        publish_now(row, now=row.in_force_at - days(7) + hours(1))
    assert state(row) == before


def test_version_does_not_come_into_force_before_the_one_it_follows() -> None:
    publish(at=days(30), small_below=10_000)
    row = draft(in_force_at=days(20), small_below=9_000)
    with pytest.raises(drafting.InForceBeforeItsBase, match="card_code@2"):
        submit_draft(draft_id=row.pk, user=row.changed_by, now=timezone.now())


@pytest.mark.parametrize("empty", ["title", "why"])
def test_without_a_title_or_a_reason_it_is_not_submitted(empty: str) -> None:
    row = save(draft(small_below=10_000), **{empty: "  "})
    with pytest.raises(drafting.ReasonsOfVersionNeeded) as refused:
        submit_draft(draft_id=row.pk, user=row.changed_by, now=timezone.now())
    assert set(refused.value.extra["errors"]) == {empty}
    assert state(row)[0] == "draft"


def test_terms_like_those_before_are_no_version() -> None:
    row = draft()
    with pytest.raises(NothingChanged):
        submit_draft(draft_id=row.pk, user=row.changed_by, now=timezone.now())


def test_wrong_terms_are_not_kept_and_named_in_the_readers_language() -> None:
    row = draft()
    with translation.override("en"), pytest.raises(drafting.TermsRefused) as refused:
        save(row, terms={**row.terms, "window_days": 40, "machine_limit": "12,3"})
    assert set(refused.value.extra["errors"]) == {"window_days", "machine_limit"}
    assert "7 to 15 days" in refused.value.extra["errors"]["window_days"]
    row.refresh_from_db()
    assert row.terms == DEFAULTS["card_code"]


def test_goods_type_of_a_draft_is_not_typed_away() -> None:
    assert save(draft(), terms={**DEFAULTS["account"]}).terms["goods_type"] == "card_code"


def test_two_editors_do_not_overwrite_each_other() -> None:
    row, other = draft(), editor()
    seen = row.changed_at
    save(row, user=other, why="Mine.")
    with pytest.raises(drafting.DraftMovedOn, match=str(other)):
        save(row, why="Mine!", seen_at=seen)
    row.refresh_from_db()
    assert row.why == "Mine."


@pytest.mark.parametrize("end", ["submitted", "published", "dropped"])
def test_what_is_no_draft_any_more_is_not_written_in(end: str) -> None:
    row = submitted(small_below=10_000)
    if end == "published":
        publish_now(row)
    elif end == "dropped":
        drop_draft(draft_id=row.pk, user=row.changed_by, now=timezone.now())
    before = state(row)
    with pytest.raises(drafting.DraftFrozen if end == "submitted" else drafting.DraftClosed):
        save(row, why="Other words.")
    if end != "submitted":
        with pytest.raises(drafting.DraftClosed):
            publish_now(row)
        with pytest.raises(drafting.DraftClosed):
            take_back(draft_id=row.pk, user=row.changed_by)
    assert state(row) == before


def test_what_is_not_submitted_is_not_published() -> None:
    row = draft(small_below=10_000)
    for call in (publish_now, lambda row: take_back(draft_id=row.pk, user=row.changed_by)):
        with pytest.raises(drafting.NotSubmitted):
            call(row)


# --- a base that is no longer the newest: only a hand on the database brings it about, with the triggers off ---


def supersede(row: PolicyDraft, **changes: Any) -> PolicyVersion:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    terms = {**row.based_on.terms, **changes}
    newer = PolicyVersion.objects.create(
        goods_type=row.goods_type,
        version=row.based_on.version + 1,
        terms=terms,
        published_at=timezone.now(),
        in_force_at=timezone.now() + days(8),
    )
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = origin")
    return newer


@pytest.mark.parametrize("step", ["submit", "publish"])
def test_stale_base_is_refused_by_name(step: str) -> None:
    row = submitted(small_below=10_000) if step == "publish" else draft(small_below=10_000)
    supersede(row)
    before = state(row)
    with (
        pytest.raises(drafting.BaseSuperseded, match="card_code@1, and card_code@2"),
        translation.override("en"),
    ):
        publish_now(row) if step == "publish" else submit_draft(
            draft_id=row.pk, user=row.changed_by, now=timezone.now()
        )
    assert state(row) == before


def test_changes_are_carried_over_to_the_newer_base() -> None:
    row = draft(small_below=10_000)
    newer = supersede(row, escrow_hold_days=9)
    carried = rebase_draft(draft_id=row.pk, user=row.changed_by, now=timezone.now())
    assert carried.based_on == newer
    assert carried.terms == {**DEFAULTS["card_code"], "small_below": 10_000, "escrow_hold_days": 9}


def test_changes_that_do_not_go_with_the_newer_base_are_not_carried_over() -> None:
    row = draft(small_below=10_000)
    supersede(row, machine_limit=6_000)
    with pytest.raises(drafting.TermsRefused) as refused:
        rebase_draft(draft_id=row.pk, user=row.changed_by, now=timezone.now())
    assert set(refused.value.extra["errors"]) == {"small_below"}
    row.refresh_from_db()
    assert row.based_on.version == 1


def test_every_refusal_says_what_and_is_translated() -> None:
    for refusal in (value for value in vars(drafting).values() if isinstance(value, type)):
        if issubclass(refusal, Refusal) and refusal.__module__ == drafting.__name__:
            with translation.override("zh-hans"):
                assert any("\u4e00" <= letter <= "\u9fff" for letter in str(refusal.title)), refusal
