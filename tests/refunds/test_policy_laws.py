"""What the database refuses of drafts and versions of the rules, whoever asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from refunds.invariants import INVARIANTS, breaks
from refunds.models import PolicyDraft, PolicyVersion
from refunds.operations.drop_draft import drop_draft
from refunds.policy import DEFAULTS
from tests.terms import draft, editor, submitted

from .test_policy_drafts import publish_now, state, supersede

pytestmark = pytest.mark.django_db


Write = Callable[[PolicyDraft], object]


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    """By a constraint or trigger of that name, or with these words."""
    with pytest.raises(DatabaseError) as refused:
        yield
    diagnosis = cast(psycopg.Error, refused.value.__cause__).diag
    assert constraint == diagnosis.constraint_name or constraint in str(refused.value)


def sql(statement: str) -> Write:
    """Raw, with %(id)s the draft's and %(other)s a person who had no part in it; deferred triggers are asked too."""

    def run(row: PolicyDraft) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            known = {"id": row.pk, "writer": row.changed_by_id, "other": editor().pk, "base": row.based_on_id}
            for each in f"SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; {statement}".split(
                "; "
            ):
                cursor.execute(each, known)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    return run


_VERSION = (
    "INSERT INTO refunds_policyversion (goods_type, version, terms, in_force_at, published_at)"
    " SELECT goods_type, {version}, {terms}, {in_force_at}, now() FROM refunds_policydraft WHERE id = %(id)s"
)
_GOOD = {"version": "2", "terms": "terms", "in_force_at": "in_force_at"}
_UPDATE = "UPDATE refunds_policydraft SET {} WHERE id = %(id)s"


def published_by_sql(by: str = "%(other)s", **changes: str) -> str:
    """Several statements, because a trigger sees no row that a part of its own statement has just made."""
    tested = (
        "INSERT INTO refunds_drafttested (draft_id, run_id, limit_percent, is_over, note, by_id, at)"
        " SELECT draft_id, id, 5, false, '', %(other)s, now() FROM refunds_backtestrun WHERE draft_id = %(id)s"
    )
    insert = _VERSION.format(**_GOOD | changes)
    update = (
        "UPDATE refunds_policydraft d SET state = 'published', published_at = v.published_at, version_id = v.id,"
        f" published_by_id = {by} FROM refunds_policyversion v WHERE d.id = %(id)s AND v.goods_type = d.goods_type"
        " AND v.version > 1"
    )
    return f"{tested}; {insert}; {update}"


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("policy_draft_published_by_another", published_by_sql(by="%(writer)s")),
        ("policy_draft_as_published", published_by_sql(terms="terms || '{\"window_days\": 9}'")),
        ("policy_draft_as_published", published_by_sql(in_force_at="in_force_at + interval '1 day'")),
        ("policy_published_ahead", published_by_sql(in_force_at="now() + interval '6 days 23 hours'")),
        ("policy_versions_without_gap", published_by_sql(version="3")),
        ("policy_versions_without_gap", published_by_sql(version="1")),
        ("policy_versions_in_order", published_by_sql(in_force_at="'1999-01-01'")),
        ("policy_version_from_a_draft", _VERSION.format(**_GOOD)),
        ("policy_draft_frozen", _UPDATE.format("terms = terms || '{\"window_days\": 9}'")),
        ("policy_draft_frozen", _UPDATE.format("why = 'Otherwise.'")),
        ("policy_draft_frozen", _UPDATE.format("state = 'draft', submitted_by_id = NULL, submitted_at = NULL, title = 'T'")),
        ("policy_draft_frozen", _UPDATE.format("in_force_at = in_force_at + interval '1 day'")),
        ("policy_draft_step", _UPDATE.format("submitted_by_id = NULL")),
        ("policy_draft_submitted_by_somebody", _UPDATE.format("state = 'draft'")),
        ("policy_draft_published_by_somebody", _UPDATE.format("state = 'dropped', dropped_by_id = %(other)s, dropped_at = now(), published_by_id = %(other)s")),
        ("policy_draft_dropped_by_somebody", _UPDATE.format("state = 'dropped'")),
        ("policy_draft_as_published", _UPDATE.format("state = 'published', published_by_id = %(other)s, published_at = now(), version_id = %(base)s")),
        ("history", _UPDATE.format("created_by_id = %(other)s")),
        ("history", _UPDATE.format("goods_type = 'account'")),
        ("history", "DELETE FROM refunds_policydraft WHERE id = %(id)s"),
        ("history", "TRUNCATE refunds_policydraft CASCADE"),
        ("one_open_draft_per_goods_type",
         "INSERT INTO refunds_policydraft (goods_type, terms, based_on_id, title, why, in_force_at, state, created_by_id,"
         " created_at, changed_by_id, changed_at, writers) SELECT goods_type, terms, based_on_id, title, why, in_force_at,"
         " 'draft', created_by_id, created_at, changed_by_id, changed_at, '{}' FROM refunds_policydraft WHERE id = %(id)s"),
        ("policy_draft_step",
         "INSERT INTO refunds_policydraft (goods_type, terms, based_on_id, title, why, in_force_at, state, created_by_id,"
         " created_at, changed_by_id, changed_at, writers, submitted_by_id, submitted_at) SELECT 'account', terms, based_on_id,"
         " title, why, in_force_at, state, created_by_id, created_at, changed_by_id, changed_at, '{}', submitted_by_id,"
         " submitted_at FROM refunds_policydraft WHERE id = %(id)s"),
    ],
)  # fmt: skip
def test_database_refuses_on_a_submitted_draft(constraint: str, statement: str) -> None:
    row = submitted(small_below=10_000)
    before = state(row)
    with refused_by(constraint):
        sql(statement)(row)
    assert state(row) == before


def test_database_publishes_what_is_in_order() -> None:
    """The control of the test above: the same statements, with nothing wrong."""
    row = submitted(small_below=10_000)
    sql(published_by_sql())(row)
    assert state(row)[0] == "published"


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("policy_draft_says_why", _UPDATE.format("state = 'submitted', submitted_by_id = %(other)s, submitted_at = now(), why = ''")),
        ("policy_draft_step", published_by_sql()),
    ],
)  # fmt: skip
def test_database_refuses_on_a_draft(constraint: str, statement: str) -> None:
    row = draft(small_below=10_000)
    with refused_by(constraint):
        sql(statement)(row)
    assert state(row)[0] == "draft"


@pytest.mark.parametrize("end", ["published", "dropped"])
def test_database_keeps_what_is_over(end: str) -> None:
    row = submitted(small_below=10_000)
    publish_now(row) if end == "published" else drop_draft(
        draft_id=row.pk, user=row.changed_by, now=timezone.now()
    )
    for change in ("why = 'x'", "state = 'draft'", "changed_at = now()", "terms = '{}'"):
        with refused_by("history"):
            sql(_UPDATE.format(change))(row)
    assert state(row)[0] == end


def test_writers_are_counted_by_the_row_itself() -> None:
    row, other = draft(small_below=10_000), editor()
    sql(_UPDATE.format("writers = '{}'"))(row)
    PolicyDraft.objects.filter(pk=row.pk).update(changed_by=other)
    row.refresh_from_db()
    assert row.writers == [row.created_by_id, other.pk]


def test_the_first_version_of_goods_needs_neither_notice_nor_draft() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM refunds_policyversion WHERE goods_type = 'account'")
        cursor.execute("SET session_replication_role = origin")
    now = timezone.now()
    PolicyVersion.objects.create(
        goods_type="account", version=1, terms=DEFAULTS["account"], in_force_at=now, published_at=now
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with refused_by("policy_published_ahead"), transaction.atomic():
        PolicyVersion.objects.create(
            goods_type="account", version=2, terms=DEFAULTS["account"], in_force_at=now, published_at=now
        )


def test_verify_finds_a_version_nobody_published_and_one_that_came_unannounced() -> None:
    row = draft()
    supersede(row)
    found = {invariant.name for invariant in INVARIANTS if breaks(invariant)}
    assert found == {"version_from_a_draft"}
