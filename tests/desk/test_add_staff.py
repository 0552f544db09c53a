import io

import pytest
from django.core.management import CommandError, call_command

from marketplace.identity.models import User

pytestmark = pytest.mark.django_db


def test_staff_is_added_in_a_role_and_never_as_superuser() -> None:
    call_command("add_staff", "anna", role="reviewer", password="a-long-password-7", stdout=io.StringIO())
    user = User.objects.get(username="anna")
    assert (user.role, user.is_staff, user.is_superuser) == ("reviewer", True, False)
    assert user.check_password("a-long-password-7")


def test_password_is_made_up_and_printed_alone() -> None:
    out = io.StringIO()
    call_command("add_staff", "anna", role="auditor", stdout=out, stderr=io.StringIO())
    password = out.getvalue().strip()
    assert len(password) >= 16
    assert User.objects.get(username="anna").check_password(password)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["anna", "--role", "boss"], "invalid choice"),
        (["anna"], "--role"),
        (["an na", "--role", "reviewer"], "."),
        (["anna", "--role", "reviewer", "--password", "short"], "10"),
    ],
)
def test_bad_arguments_are_refused_and_add_nobody(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("add_staff", *arguments)
    assert not User.objects.exists()


def test_name_in_use_is_refused() -> None:
    call_command("add_staff", "anna", role="reviewer", stdout=io.StringIO(), stderr=io.StringIO())
    with pytest.raises(CommandError):
        call_command("add_staff", "anna", role="auditor")
    assert User.objects.get().role == "reviewer"
