import secrets
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

from marketplace.identity.models import User
from sellers.models import Membership, Seller


class Command(BaseCommand):
    help = "Let a person act for a seller in the portal; prints a password where none is given."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--seller", required=True, help="the seller's code, such as S-0001")
        parser.add_argument("--password", help="made up and printed once where left out")

    def handle(self, *args: Any, **options: Any) -> None:
        seller = _seller(options["seller"])
        password = options["password"] or secrets.token_urlsafe(12)
        user = User(username=options["username"].strip())
        if User.objects.filter(username=user.username).exists():
            raise CommandError(_taken(user.username))
        user.set_password(password)
        try:
            user.full_clean()
            validate_password(password, user)
            with transaction.atomic():
                user.save()
                Membership.objects.create(user=user, seller=seller)
        except ValidationError as error:
            raise CommandError("\n".join(error.messages)) from error
        except IntegrityError as error:  # added by somebody else a moment ago
            raise CommandError(_taken(user.username)) from error
        if options["password"]:
            self.stdout.write(f"{user.username} signs in at /portal/ for {seller}.")
        else:
            self.stdout.write(password)
            self.stderr.write(
                f"{user.username} signs in at /portal/ for {seller}; the password is not shown again."
            )


def _seller(code: str) -> Seller:
    seller = Seller.objects.filter(code=code.strip()).first()
    if seller is None:
        known = ", ".join(Seller.objects.order_by("-id").values_list("code", flat=True)[:5])
        raise CommandError(
            f"There is no seller {code}. A seller is known once a shop has sent an order that names it; "
            + (f"the newest are: {known}." if known else "none is known yet: send or import an order first.")
        )
    return seller


def _taken(username: str) -> str:
    return f"There is a user {username} already, and a person acts for one seller. Choose another user name."
