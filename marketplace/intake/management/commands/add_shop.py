from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from marketplace.intake import shops
from marketplace.orders.models import Shop


class Command(BaseCommand):
    help = "Add a shop that pushes orders, and print its signing secret once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="what the shop sends as X-Shop")
        parser.add_argument("--name", help="shown to people; the code where left out")
        parser.add_argument(
            "--rotate", action="store_true", help="replace the secret of a shop that is there"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        code = options["code"].strip()
        if not code or len(code) > 64 or not all("!" <= c <= "~" for c in code):
            raise CommandError(
                _("CODE is sent in a header: 1 to 64 visible ASCII characters without spaces.")
            )
        try:
            secret = (
                shops.rotate(code) if options["rotate"] else shops.add(code, name=options["name"] or code)
            )
        except shops.ShopExists as error:
            text = _(
                "Shop %(code)s is there already, and its secret is not shown again."
                " To replace the secret: python manage.py add_shop %(code)s --rotate"
            )
            raise CommandError(text % {"code": code}) from error
        except Shop.DoesNotExist as error:
            text = _("There is no shop %(code)s. Without --rotate it is added.")
            raise CommandError(text % {"code": code}) from error
        self.stdout.write(secret)
