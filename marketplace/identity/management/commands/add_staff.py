import secrets
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from marketplace.identity.models import User
from marketplace.identity.roles import Role


class Command(BaseCommand):
    help = "Add a member of staff in a role; prints a password where none is given."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--role", required=True, choices=Role.values, help="what they may do")
        parser.add_argument("--password", help="made up and printed once where left out")

    def handle(self, *args: Any, **options: Any) -> None:
        password = options["password"] or secrets.token_urlsafe(12)
        # Never a superuser: that would pass every permission check, and the role table would say nothing.
        user = User(username=options["username"].strip(), role=options["role"], is_staff=True)
        user.set_password(password)
        try:
            user.full_clean()
            validate_password(password, user)
            user.save()
        except ValidationError as error:
            raise CommandError("\n".join(error.messages)) from error
        except IntegrityError as error:
            raise CommandError(f"There is a user {user.username} already.") from error
        if options["password"]:
            self.stdout.write(f"{user.username} signs in at /admin/ as {user.role}.")
        else:
            self.stdout.write(password)
            self.stderr.write(
                f"{user.username} signs in at /admin/ as {user.role}; the password is not shown again."
            )
