"""Sessions at the desk (requirements K3, H9): listed, ended by oneself or a supervisor, by idleness and by the day."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from marketplace.identity.desk.devices import device_in_words
from marketplace.identity.models import AuditEntry, AuditKind, SecondFactor, StaffSession
from marketplace.identity.operations import second_factor, staff_sessions
from marketplace.identity.operations.clean_up import clean_up_sign_ins
from marketplace.kernel.errors import NotFound, NotPermitted
from marketplace.kernel.http import NOWHERE
from tests.desk_people import PASSWORD, whole_session, with_password
from tests.people import Cast

pytestmark = pytest.mark.django_db
ACCOUNT, QUEUE = "/admin/account/", "/admin/refunds/refundrequest/"
ENGLISH: Any = {"headers": {"accept-language": "en"}}
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def sign_in(user: Any, **headers: str) -> Client:
    client = Client()
    body = {"username": user.username, "password": PASSWORD}
    assert client.post("/admin/login/", body, headers=headers).status_code == 302
    return client


def test_person_sees_where_they_are_signed_in(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    whole_session(cast.supervisor)
    sign_in(user, user_agent=CHROME)
    client = sign_in(user)
    page = client.get(ACCOUNT, **ENGLISH)
    shown = page.context["sessions"]
    assert [(each.device, each.is_this, each.row.ip) for each in shown] == [
        ("Unknown device", True, "127.0.0.1"),
        ("Chrome on Windows", False, "127.0.0.1"),
    ]
    assert "Chrome on Windows" in page.content.decode()


def test_ended_session_opens_nothing_and_is_gone(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    other, client = sign_in(user), sign_in(user)
    other.get(QUEUE)
    row = StaffSession.objects.order_by("id")[0]
    client.post(ACCOUNT, {"session": row.pk})
    row.refresh_from_db()
    assert row.end == StaffSession.End.ENDED
    assert not Session.objects.filter(pk=row.session_key).exists()
    assert other.get(QUEUE)["Location"].startswith("/admin/login/")
    assert client.get(QUEUE).status_code == 200
    assert AuditEntry.objects.get(kind=AuditKind.SESSION_ENDED).user == user


def test_all_others_are_ended_and_this_one_goes_on(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    others, client = [sign_in(user), sign_in(user)], sign_in(user)
    client.post(ACCOUNT, {"session": "others"})
    assert [each.get(QUEUE).status_code for each in others] == [302, 302]
    assert client.get(QUEUE).status_code == 200


def test_nobody_ends_a_session_that_is_not_theirs(cast: Cast) -> None:
    theirs = whole_session(cast.reviewer)
    row, now = StaffSession.objects.get(), timezone.now()
    client = whole_session(cast.supervisor)
    client.post(ACCOUNT, {"session": row.pk})
    for user, error in ((cast.auditor, NotPermitted), (cast.reviewer, NotPermitted)):
        with pytest.raises(error):
            staff_sessions.end_all_of(person=cast.reviewer, user=user, reason="x", origin=NOWHERE, now=now)
    with pytest.raises(NotFound):
        staff_sessions.end_one(session_id=row.pk, user=cast.supervisor, origin=NOWHERE, now=now)
    assert theirs.get(QUEUE).status_code == 200


def test_supervisor_ends_anothers_with_a_reason(cast: Cast) -> None:
    theirs, client = whole_session(cast.reviewer), whole_session(cast.supervisor)
    url = f"/admin/identity/user/{cast.reviewer.pk}/change/"
    assert client.post(url, {"move": "end_sessions", "reason": " "}).status_code == 422
    assert theirs.get(QUEUE).status_code == 200
    assert client.post(url, {"move": "end_sessions", "reason": "Laptop stolen."}).status_code == 302
    assert theirs.get(QUEUE).status_code == 302
    entry = AuditEntry.objects.get(kind=AuditKind.SESSION_ENDED)
    assert (entry.user, entry.about, entry.reason) == (cast.supervisor, cast.reviewer, "Laptop stolen.")


def test_changed_password_ends_the_others(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    other, client = sign_in(user), sign_in(user)
    new = {"new_password1": "another-long-one-8", "new_password2": "another-long-one-8"}
    assert client.post("/admin/password_change/", {"old_password": PASSWORD, **new}).status_code == 302
    assert client.get(QUEUE).status_code == 200
    assert other.get(QUEUE).status_code == 302
    assert set(StaffSession.objects.values_list("end", flat=True)) == {"", "password"}
    assert AuditEntry.objects.filter(kind=AuditKind.PASSWORD_CHANGED, user=user).count() == 1


def test_refused_password_change_ends_nothing(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    other, client = sign_in(user), sign_in(user)
    wrong = {"old_password": "guessed", "new_password1": "x", "new_password2": "y"}
    assert client.post("/admin/password_change/", wrong).status_code == 200
    assert other.get(QUEUE).status_code == 200


@pytest.mark.parametrize(
    ("field", "ago", "end"),
    [
        ("seen_at", timedelta(minutes=60), "idle"),
        ("seen_at", timedelta(minutes=59), ""),
        ("started_at", timedelta(hours=12), "day"),
        ("started_at", timedelta(hours=11, minutes=59), ""),
    ],
)
def test_session_ends_after_an_idle_hour_and_after_a_working_day(
    cast: Cast, field: str, ago: timedelta, end: str
) -> None:
    client = whole_session(cast.reviewer)
    StaffSession.objects.update(**{field: timezone.now() - ago})
    answer = client.get(QUEUE, **ENGLISH)
    assert answer.status_code == (302 if end else 200)
    assert StaffSession.objects.get().end == end
    if end:
        assert answer["Location"] == f"/admin/login/?next={QUEUE}"
        page = client.get(answer["Location"], **ENGLISH).content.decode()
        assert "You were signed out" in page


def test_staff_session_without_a_row_opens_nothing(cast: Cast) -> None:
    client = whole_session(cast.reviewer)
    StaffSession.objects.all().delete()
    assert client.get(QUEUE).status_code == 302
    assert not Session.objects.exists()


def test_signing_out_ends_the_row(cast: Cast) -> None:
    client = whole_session(cast.reviewer)
    client.post("/admin/logout/")
    assert StaffSession.objects.get().end == StaffSession.End.SIGNED_OUT
    assert AuditEntry.objects.filter(kind=AuditKind.SIGNED_OUT, user=cast.reviewer).exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (CHROME, "Chrome on Windows"),
        (CHROME + " Edg/140.0", "Edge on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile MicroMessenger/8.0", "WeChat on Android"),
        ("curl/8.0", "curl/8.0"),
        ("", "Unknown device"),
    ],
)
def test_browser_is_said_in_a_few_words(said: str, words: str) -> None:
    from django.utils import translation

    with translation.override("en"):
        assert device_in_words(said) == words


def test_what_nobody_can_use_any_more_is_cleaned_up_and_nothing_else(cast: Cast) -> None:
    now = timezone.now()
    whole_session(cast.reviewer)
    client = whole_session(cast.supervisor)
    StaffSession.objects.filter(user=cast.reviewer).update(seen_at=now - timedelta(days=91))
    Session.objects.exclude(pk=client.session.session_key).update(expire_date=now - timedelta(hours=1))
    second_factor.begin(user=cast.reviewer, now=now - timedelta(days=2))
    second_factor.begin(user=cast.supervisor, now=now)
    for name, at in (("old", now - timedelta(days=2)), ("new", now)):
        made = AccessAttempt.objects.create(
            username=name, failures_since_start=1, http_accept="", path_info=""
        )
        AccessAttempt.objects.filter(pk=made.pk).update(attempt_time=at)
    entries = AuditEntry.objects.count()
    clean_up_sign_ins(now)
    assert [row.user for row in StaffSession.objects.select_related("user")] == [cast.supervisor]
    assert Session.objects.count() == 1
    assert SecondFactor.objects.get().user == cast.supervisor
    assert AccessAttempt.objects.get().username == "new"
    assert AuditEntry.objects.count() == entries
