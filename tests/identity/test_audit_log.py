"""The audit log (requirement K3): who did what, in one order, by person, kind and days; never changed."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import IntegrityError, transaction
from django.utils import timezone

from marketplace.identity.audit_log import CHANGED, GROUPS, Wanted, every, page
from marketplace.identity.models import AuditEntry, AuditKind, User
from marketplace.identity.operations.keep import keep
from tests.desk_people import whole_session
from tests.factories import StaffFactory
from tests.people import Cast

pytestmark = pytest.mark.django_db
LOG = "/admin/identity/auditentry/"


def wanted(**more: Any) -> Wanted:
    now = timezone.now()
    return Wanted(now - timedelta(days=1), now + timedelta(days=1), **more)


def change(user: User, at: Any) -> None:
    LogEntry.objects.create(
        user=user, object_repr="Row 1", action_flag=CHANGE, change_message="Seen.", action_time=at
    )


def test_every_kind_is_in_one_group() -> None:
    grouped = [kind for _word, kinds in GROUPS.values() for kind in kinds]
    assert sorted(grouped) == sorted(AuditKind.values)


def test_pages_hold_every_line_once_and_in_order(cast: Cast) -> None:
    """Of several at the same instant too, from both tables."""
    at = timezone.now() - timedelta(hours=1)
    for step in range(6):
        for _twice in range(2):
            keep(AuditKind.PROVED, user=cast.reviewer, subject="code", now=at + timedelta(minutes=step // 2))
            change(cast.supervisor, at + timedelta(minutes=step // 2))
    whole = [line.place for line in page(wanted(), None, 1000)]
    assert whole == sorted(whole, reverse=True)
    for size in (1, 2, 5):
        assert [line.place for line in every(wanted(), 1000, size)] == whole


def test_lines_are_found_by_person_and_group(cast: Cast) -> None:
    now = timezone.now()
    keep(AuditKind.PROVED, user=cast.reviewer, subject="code", now=now)
    keep(AuditKind.SESSION_ENDED, user=cast.supervisor, about=cast.reviewer, subject="1", now=now)
    keep(AuditKind.SIGN_IN_FAILED, name="ghost", now=now)
    change(cast.supervisor, now)

    def found(**more: Any) -> list[str]:
        return [line.kind for line in page(wanted(**more), None, 100) if line.kind != AuditKind.ROLE_CHANGED]

    assert set(found(who=cast.reviewer.username)) == {AuditKind.PROVED, AuditKind.SESSION_ENDED}
    assert found(who="ghost") == [AuditKind.SIGN_IN_FAILED]
    assert found(group="proofs") == [AuditKind.PROVED]
    assert found(group=CHANGED, who=cast.supervisor.username) == [CHANGED]
    assert found(group=CHANGED, who="ghost") == []


def test_role_given_or_taken_is_on_record_however_it_is_done(cast: Cast) -> None:
    user = StaffFactory.create(role="reviewer")
    User.objects.filter(pk=user.pk).update(role="supervisor")
    User.objects.filter(pk=user.pk).update(is_active=False)
    User.objects.filter(pk=user.pk).update(first_name="Anna")
    rows = AuditEntry.objects.filter(kind=AuditKind.ROLE_CHANGED, about=user).order_by("id")
    assert list(rows.values_list("subject", flat=True)) == [
        "– → reviewer",
        "reviewer → supervisor",
        "supervisor → –",
    ]
    before = AuditEntry.objects.count()
    User.objects.create(username="seller's person")
    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize("kind", [AuditKind.CODE_SHOWN, AuditKind.IDENTITY_OPENED])
@pytest.mark.parametrize("lacking", ["user", "reason", "subject", "number"])
def test_sensitive_view_without_person_or_reason_is_refused_by_the_database(
    cast: Cast, kind: AuditKind, lacking: str
) -> None:
    said: dict[str, Any] = {"user": cast.reviewer, "reason": "To see.", "subject": "1", "number": "RF1"}
    keep(kind, now=timezone.now(), **said)
    said[lacking] = None if lacking == "user" else ""
    with pytest.raises(IntegrityError, match="audit_sensitive_view_has_its_reason"), transaction.atomic():
        keep(kind, now=timezone.now(), **said)


def test_page_shows_filters_and_turns(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    from marketplace.identity.desk import audit

    monkeypatch.setattr(audit, "ROWS", 2)
    for step in range(5):
        keep(AuditKind.PROVED, user=cast.reviewer, subject=f"step {step}", now=timezone.now())
    client = whole_session(cast.auditor)
    seen: list[str] = []
    query = f"?who={cast.reviewer.username}&group=proofs&since=2020-01-01&until=2099-01-01"
    while query:
        answer = client.get(LOG + query)
        assert answer.status_code == 200
        seen += [shown["line"].subject for shown in answer.context["lines"]]
        query = f"?{answer.context['older']}" if answer.context["older"] else ""
    assert seen == [f"step {step}" for step in reversed(range(5))]
    assert client.get(f"{LOG}?since=2026-02-02&until=2026-02-01").status_code == 422
    assert client.get(f"{LOG}?before=nonsense").status_code == 200


def test_file_holds_what_the_page_shows_and_no_formula(cast: Cast) -> None:
    keep(AuditKind.SIGN_IN_FAILED, name="=HYPERLINK(1)", now=timezone.now())
    client = whole_session(StaffFactory.create(role="risk"))
    file = client.get(f"{LOG}?group=sign_ins&since=2020-01-01&until=2099-01-01&csv=1")
    assert file["Content-Type"].startswith("text/csv")
    text = file.content.decode()
    assert "'=HYPERLINK(1)" in text
    assert text.count("\n") == AuditEntry.objects.filter(kind__in=GROUPS["sign_ins"][1]).count() + 1
