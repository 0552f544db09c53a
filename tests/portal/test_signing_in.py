"""Signing in: for sellers' people alone, with a lock after many tries; and how they are added."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from marketplace.identity.models import User
from sellers.models import Membership
from tests.people import Cast

from .tools import words

PASSWORD = "correct horse 12"


def signs_in(client: Client, username: str, password: str = PASSWORD, **more: str) -> Any:
    client.cookies["django_language"] = "en"
    return client.post("/portal/login/", {"username": username, "password": password, **more})


def give_password(user: User) -> User:
    user.set_password(PASSWORD)
    user.save()
    return user


def test_member_signs_in_and_out(client: Client, cast: Cast) -> None:
    give_password(cast.seller_user)
    answer = signs_in(client, cast.seller_user.username)
    assert (answer.status_code, answer["Location"]) == (302, "/portal/")
    assert client.get("/portal/").status_code == 200
    assert client.get("/portal/login/").status_code == 302
    assert client.post("/portal/logout/")["Location"] == "/portal/login/"
    assert client.get("/portal/").status_code == 302


def test_sign_in_leads_to_the_page_asked_for_and_never_outside(client: Client, cast: Cast) -> None:
    give_password(cast.seller_user)
    name = cast.seller_user.username
    assert signs_in(client, name, next="/portal/?tab=done")["Location"] == "/portal/?tab=done"
    client.logout()
    assert signs_in(client, name, next="https://evil.example/")["Location"] == "/portal/"


def test_staff_do_not_enter_by_the_sellers_door(client: Client, cast: Cast) -> None:
    give_password(cast.reviewer)
    answer = signs_in(client, cast.reviewer.username)
    assert answer.status_code == 403
    assert "This account acts for no seller" in words(answer)
    assert "_auth_user_id" not in client.session


def test_wrong_password_is_refused_in_words(client: Client, cast: Cast) -> None:
    answer = signs_in(client, cast.seller_user.username, "wrong")
    assert answer.status_code == 422
    assert "User name or password is not right." in words(answer)


def test_many_tries_lock_the_door_for_a_while(client: Client, cast: Cast, settings: Any) -> None:
    give_password(cast.seller_user)
    for _ in range(settings.AXES_FAILURE_LIMIT):
        answer = signs_in(client, cast.seller_user.username, "wrong")
    assert answer.status_code == 429
    locked = signs_in(client, cast.seller_user.username)
    assert locked.status_code == 429
    assert "Too many attempts. Wait 15 minutes, then try again." in words(locked)
    assert "_auth_user_id" not in client.session


def test_language_is_switched_and_kept(client: Client, db: None) -> None:
    assert '<html lang="zh-Hans">' in client.get("/portal/login/").content.decode()
    answer = client.post("/i18n/setlang/", {"language": "en", "next": "/portal/login/"})
    assert answer["Location"] == "/portal/login/"
    assert "Sellers: sign in" in words(client.get("/portal/login/"))


def add(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("add_seller_user", *arguments, stdout=out, stderr=err)
    return out.getvalue().strip(), err.getvalue().strip()


def test_command_adds_a_person_with_a_made_up_password(client: Client, cast: Cast) -> None:
    password, said = add("lena", "--seller", cast.seller.code)
    assert cast.seller.code in said
    assert Membership.objects.get(user__username="lena").seller == cast.seller
    assert not User.objects.get(username="lena").is_staff
    assert signs_in(client, "lena", password).status_code == 302


def test_command_takes_a_given_password_and_does_not_print_it(cast: Cast) -> None:
    out, err = add("lena", "--seller", cast.seller.code, "--password", PASSWORD)
    assert PASSWORD not in out + err
    assert User.objects.get(username="lena").check_password(PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lena", "--seller", "S-none"], "There is no seller S-none."),
        (["lena", "--seller", "{code}", "--password", "1234567890"], "entirely numeric"),
        (["le na", "--seller", "{code}"], "valid username"),
        (["{taken}", "--seller", "{code}"], "already"),
    ],
)
def test_command_refuses_with_the_remedy(cast: Cast, settings: Any, arguments: list[str], says: str) -> None:
    settings.LANGUAGE_CODE = "en"
    people = User.objects.count()
    names = {"code": cast.seller.code, "taken": cast.seller_user.username}
    with pytest.raises(CommandError, match=says):
        add(*(argument.format(**names) for argument in arguments))
    assert User.objects.count() == people
