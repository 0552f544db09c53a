from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.operations.second_factor import NotEnrolled, reset_by_operator


class Command(BaseCommand):
    help = "Remove the second factor of somebody who lost the phone and the recovery codes; it is kept in the audit log."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"].strip()
        person = User.objects.filter(username=username).first()
        if person is None:
            raise CommandError(f"There is no user {username}.")
        try:
            reset_by_operator(person=person, now=timezone.now())
        except NotEnrolled as refusal:
            raise CommandError(f"{username} has no second factor.") from refusal
        self.stdout.write(
            f"{username} signs in with the password alone, and can set a second factor up anew."
        )
