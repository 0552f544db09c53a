"""Signing in with a second factor (requirement K3): set up, asked for, spent once, locked, lost and reset."""

import io
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from marketplace.identity import totp
from marketplace.identity.models import AuditEntry, AuditKind, RecoveryCode, SecondFactor, StaffSession, User
from marketplace.identity.operations import prove as proving
from marketplace.identity.operations import second_factor
from marketplace.identity.operations.prove import TooManyTries, WrongProof, prove
from marketplace.kernel.errors import NotPermitted
from marketplace.kernel.http import NOWHERE, Origin
from tests.desk_people import PASSWORD, code, enrol, secret_of, whole_session, with_password
from tests.intake.races import after, together
from tests.people import Cast
from tests.refunds.test_races import locks_off

__all__ = ["locks_off"]
pytestmark = pytest.mark.django_db
QUEUE = "/admin/refunds/refundrequest/"
LOGIN, CODE, FACTOR = "/admin/login/", "/admin/login/code/", "/admin/account/second-factor/"
ENGLISH: Any = {"headers": {"accept-language": "en"}}


def kinds() -> list[str]:
    done = AuditEntry.objects.exclude(kind=AuditKind.ROLE_CHANGED).order_by("id")
    return list(done.values_list("kind", flat=True))


def give_password(user: User, client: Client | None = None, password: str = PASSWORD, to: str = "") -> Any:
    client = client or Client()
    where = f"{LOGIN}?next={to}" if to else LOGIN
    return client, client.post(where, {"username": user.username, "password": password})


# --- Setting it up ---


def test_app_is_set_up_by_its_first_code_and_recovery_codes_are_shown_once(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    client, _answer = give_password(user)
    assert client.post(FACTOR, {"move": "start"}).status_code == 302
    page = client.get(FACTOR)
    secret = secret_of(user)
    assert secret[:4] in page.content.decode()
    assert "<svg" in page.content.decode()
    assert not second_factor.is_enrolled(user)  # begun is not done
    done = client.post(FACTOR, {"move": "confirm", "code": code(user)})
    codes = done.context["codes"]
    assert (len(codes), len(set(codes))) == (10, 10)
    assert "no-store" in done["Cache-Control"]
    assert second_factor.is_enrolled(user)
    later = client.get(FACTOR).content.decode()
    assert not [each for each in codes if each in later]
    assert secret[:4] not in later
    assert client.get(QUEUE).status_code == 200  # the session that set it up goes on
    assert AuditKind.ENROLLED in kinds()


def test_wrong_first_code_sets_nothing_up(cast: Cast) -> None:
    second_factor.begin(user=cast.reviewer, now=timezone.now())
    client = whole_session(cast.reviewer)
    answer = client.post(FACTOR, {"move": "confirm", "code": "000000"})
    assert answer.status_code == 422
    assert not second_factor.is_enrolled(cast.reviewer)
    assert not RecoveryCode.objects.exists()


def test_secret_and_recovery_codes_lie_nowhere_in_clear(cast: Cast) -> None:
    codes = enrol(cast.reviewer)
    secret = secret_of(cast.reviewer)
    factor = SecondFactor.objects.get()
    assert secret.encode() not in bytes(factor.sealed_secret)
    kept = b"".join(bytes(digest) for digest in RecoveryCode.objects.values_list("digest", flat=True))
    assert not [each for each in codes if each.replace("-", "").encode() in kept]


# --- Signing in ---


def test_password_alone_signs_nobody_in_who_has_a_second_factor(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    enrol(user)
    client, answer = give_password(user, to=QUEUE)
    assert (answer.status_code, answer["Location"]) == (302, CODE)
    assert not StaffSession.objects.filter(user=user).exists()
    assert client.get(QUEUE)["Location"].startswith(LOGIN)
    signed = client.post(CODE, {"proof": code(user)})
    assert (signed.status_code, signed["Location"]) == (302, QUEUE)
    assert client.get(QUEUE).status_code == 200
    assert kinds()[-1] == AuditKind.SIGNED_IN


def test_code_page_opens_to_nobody_without_a_password(cast: Cast) -> None:
    enrol(cast.reviewer)
    answer = Client().post(CODE, {"proof": code(cast.reviewer)})
    assert (answer.status_code, answer["Location"]) == (302, LOGIN)


def test_password_counts_for_five_minutes(cast: Cast, time_machine: Any) -> None:
    user = with_password(cast.reviewer)
    enrol(user)
    client, _answer = give_password(user)
    time_machine.move_to(timezone.now() + timedelta(minutes=5, seconds=1))
    assert client.post(CODE, {"proof": code(user)})["Location"] == LOGIN


def test_code_leads_to_no_other_site(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    enrol(user)
    client, _answer = give_password(user, to="https://elsewhere.example.com/")
    assert client.post(CODE, {"proof": code(user)})["Location"] == "/admin/"


def test_code_opens_once(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    enrol(user)
    now, shown = timezone.now(), code(user)
    prove(user=user, typed=shown, origin=NOWHERE, now=now)
    with pytest.raises(WrongProof):
        prove(user=user, typed=shown, origin=NOWHERE, now=now)


def test_code_before_one_that_was_used_opens_nothing(cast: Cast) -> None:
    enrol(cast.reviewer)
    now = timezone.now()
    before = totp.code_at(secret_of(cast.reviewer), now - timedelta(seconds=totp.STEP))
    prove(user=cast.reviewer, typed=code(cast.reviewer, now), origin=NOWHERE, now=now)
    with pytest.raises(WrongProof):
        prove(user=cast.reviewer, typed=before, origin=NOWHERE, now=now)


@pytest.mark.parametrize(("seconds", "opens"), [(-61, False), (-30, True), (30, True), (61, False)])
def test_phone_may_be_half_a_minute_off_and_no_more(cast: Cast, seconds: int, opens: bool) -> None:
    secret, now = totp.new_secret(), timezone.now().replace(second=0, microsecond=0)
    typed = totp.code_at(secret, now + timedelta(seconds=seconds))
    assert (totp.step_of(secret, typed, now) is not None) is opens


def test_recovery_code_opens_once_however_it_is_written(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    codes = enrol(user)
    client, _answer = give_password(user)
    assert client.post(CODE, {"proof": codes[0].lower().replace("-", " ")}).status_code == 302
    entry = AuditEntry.objects.get(kind=AuditKind.RECOVERY_USED)
    assert (entry.user, entry.subject) == (user, "9/10")
    again, _answer = give_password(user)
    assert again.post(CODE, {"proof": codes[0]}).status_code == 422
    assert again.post(CODE, {"proof": codes[1]}).status_code == 302


def test_recovery_code_of_another_opens_nothing(cast: Cast) -> None:
    codes = enrol(cast.reviewer)
    enrol(cast.supervisor)
    with pytest.raises(WrongProof):
        prove(user=cast.supervisor, typed=codes[0], origin=NOWHERE, now=timezone.now())
    assert not RecoveryCode.objects.filter(used_at__isnull=False).exists()


def test_wrong_code_counts_and_locks_the_account_wherever_it_is_tried(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    enrol(user)
    client, _answer = give_password(user)
    for _try in range(proving.MOST_WRONG):
        assert client.post(CODE, {"proof": "000000"}).status_code == 422
    assert client.post(CODE, {"proof": code(user)}).status_code == 429
    elsewhere = Origin("203.0.113.9", "Another browser")
    with pytest.raises(TooManyTries):
        prove(user=user, typed=code(user), origin=elsewhere, now=timezone.now())
    later = timezone.now() + proving.LOCKED_FOR + timedelta(seconds=1)
    prove(user=user, typed=code(user, later), origin=elsewhere, now=later)


def test_giving_the_password_again_does_not_forgive_wrong_codes(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    enrol(user)
    for _try in range(proving.MOST_WRONG):
        client, answer = give_password(user)
        if answer.status_code == 302:
            client.post(CODE, {"proof": "000000"})
    client, answer = give_password(user)
    assert answer.status_code == 429  # by axes, which counts both pages


def test_locked_sign_in_says_so_on_its_own_page(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    for _try in range(8):
        client, answer = give_password(user, password="guessed")
    answer = client.post(LOGIN, {"username": user.username, "password": PASSWORD}, **ENGLISH)
    assert answer.status_code == 429
    assert "Too many attempts. Wait 15 minutes" in answer.content.decode()
    for _try in range(3):
        give_password(user, password="guessed")
    assert kinds().count(AuditKind.SIGN_IN_FAILED) == 8  # tries during the lock are not kept
    assert kinds().count(AuditKind.LOCKED) == 1


# --- Where it is required ---


def test_required_staff_without_one_reach_the_page_to_set_it_up_and_nothing_else(
    cast: Cast, settings: Any
) -> None:
    settings.STAFF_MFA = "required"
    client, _answer = give_password(with_password(cast.reviewer))
    for path in (
        "/admin/",
        QUEUE,
        "/admin/account/",
        "/admin/password_change/",
        "/portal/",
        "/admin/nowhere/",
    ):
        assert client.get(path)["Location"].startswith(FACTOR), path
    before = StaffSession.objects.get().second_factor_at
    assert client.post(QUEUE, {"move": "approve"})["Location"].startswith(FACTOR)
    assert client.get(FACTOR).status_code == 200
    client.post(FACTOR, {"move": "start"})
    client.post(FACTOR, {"move": "confirm", "code": code(cast.reviewer)})
    assert before is None
    assert client.get(QUEUE).status_code == 200


@pytest.mark.parametrize("word", ["", "requird", "none"])
def test_slip_of_the_pen_in_the_setting_opens_nothing(cast: Cast, settings: Any, word: str) -> None:
    settings.STAFF_MFA = word
    client, _answer = give_password(with_password(cast.reviewer))
    assert client.get(QUEUE).status_code == 302


def test_offered_staff_without_one_are_told_on_the_first_page(cast: Cast) -> None:
    client, _answer = give_password(with_password(cast.reviewer))
    assert FACTOR in client.get("/admin/").content.decode()
    enrol(cast.reviewer)
    assert FACTOR not in whole_session(cast.reviewer).get("/admin/").content.decode()


def test_session_that_came_through_the_portal_is_asked_at_the_desk(cast: Cast) -> None:
    """Who is staff and a seller's person too signs in there with a password."""
    user = with_password(cast.seller_user)
    User.objects.filter(pk=user.pk).update(is_staff=True, role="reviewer")
    enrol(user)
    client = Client()
    client.post("/portal/login/", {"username": user.username, "password": PASSWORD})
    assert client.get(QUEUE)["Location"].startswith(CODE)
    assert client.get("/portal/")["Location"].startswith(CODE)
    assert client.post(CODE, {"proof": code(user), "next": QUEUE})["Location"] == QUEUE
    assert client.get(QUEUE).status_code == 200


def test_sellers_people_sign_in_as_before(cast: Cast, settings: Any) -> None:
    settings.STAFF_MFA = "required"
    client = Client()
    client.force_login(cast.seller_user, backend="marketplace.identity.backends.RoleBackend")
    assert client.get("/portal/").status_code == 200
    assert not StaffSession.objects.exists()


# --- Renewed, removed, reset ---


@pytest.mark.parametrize("move", ["renew", "remove"])
def test_codes_are_renewed_and_the_factor_removed_for_a_code_alone(cast: Cast, move: str) -> None:
    old = enrol(cast.reviewer)
    client = whole_session(cast.reviewer)
    rows = list(RecoveryCode.objects.values_list("id", flat=True))
    for typed in ("", "000000", PASSWORD):
        assert client.post(FACTOR, {"move": move, "proof": typed}).status_code == 422
    assert list(RecoveryCode.objects.values_list("id", flat=True)) == rows
    answer = client.post(FACTOR, {"move": move, "proof": code(cast.reviewer)})
    if move == "renew":
        assert not set(answer.context["codes"]) & set(old)
        assert RecoveryCode.objects.count() == 10
    else:
        assert not SecondFactor.objects.exists()
        assert not RecoveryCode.objects.exists()


def test_supervisor_resets_anothers_and_never_their_own(cast: Cast) -> None:
    now = timezone.now()
    for person in (cast.reviewer, cast.supervisor):
        enrol(person)
    for person, user, error in (
        (cast.reviewer, cast.auditor, NotPermitted),
        (cast.supervisor, cast.supervisor, NotPermitted),
        (cast.reviewer, cast.supervisor, second_factor.ReasonNeeded),
    ):
        with pytest.raises(error):
            second_factor.reset(person=person, user=user, reason=" ", origin=NOWHERE, now=now)
    assert SecondFactor.objects.count() == 2
    second_factor.reset(
        person=cast.reviewer, user=cast.supervisor, reason="Phone lost.", origin=NOWHERE, now=now
    )
    assert not second_factor.is_enrolled(cast.reviewer)
    entry = AuditEntry.objects.get(kind=AuditKind.FACTOR_RESET)
    assert (entry.user, entry.about, entry.reason) == (cast.supervisor, cast.reviewer, "Phone lost.")


def test_operator_resets_from_the_command_line(cast: Cast) -> None:
    enrol(cast.reviewer)
    call_command("reset_second_factor", cast.reviewer.username, stdout=io.StringIO())
    assert not second_factor.is_enrolled(cast.reviewer)
    entry = AuditEntry.objects.get(kind=AuditKind.FACTOR_RESET)
    assert (entry.user, entry.about) == (None, cast.reviewer)
    for name in (cast.reviewer.username, "nobody"):
        with pytest.raises(CommandError):
            call_command("reset_second_factor", name)


# --- At the same moment ---


def _twice(user: User, typed: str) -> int:
    """How often one code opened, tried twice at once."""
    now = timezone.now()
    answers = together(*[lambda: prove(user=user, typed=typed, origin=NOWHERE, now=now)] * 2)
    return sum(each is None for each in answers)


@pytest.fixture
def both_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both know that the code is right before either has spent it, as far as a lock lets them."""
    monkeypatch.setattr(totp, "step_of", after(threading.Barrier(2, timeout=1), totp.step_of))


@pytest.mark.django_db(transaction=True)
def test_code_used_twice_at_once_opens_once(cast: Cast, both_read_it: None) -> None:
    enrol(cast.reviewer)
    assert _twice(cast.reviewer, code(cast.reviewer)) == 1


@pytest.mark.django_db(transaction=True)
def test_code_used_twice_at_once_opens_once_even_without_the_lock(
    cast: Cast, both_read_it: None, locks_off: None
) -> None:
    enrol(cast.reviewer)
    assert _twice(cast.reviewer, code(cast.reviewer)) == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_spent_step_a_code_opens_twice(
    cast: Cast, both_read_it: None, locks_off: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(cast.reviewer)
    monkeypatch.setattr(
        proving, "opens",
        lambda factor, typed, now: totp.step_of(secret_of(cast.reviewer), typed, now) is not None,
    )  # fmt: skip
    assert _twice(cast.reviewer, code(cast.reviewer)) == 2


def test_signing_in_takes_a_new_session(cast: Cast) -> None:
    user = with_password(cast.reviewer)
    enrol(user)
    client, _answer = give_password(user)
    before = client.session.session_key
    client.post(CODE, {"proof": code(user)})
    assert client.session.session_key != before
    assert not Session.objects.filter(pk=before).exists()
