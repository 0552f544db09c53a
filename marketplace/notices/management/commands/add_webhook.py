from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.kernel.errors import Refusal
from marketplace.notices.operations import endpoints
from marketplace.orders.models import Shop


class Command(BaseCommand):
    help = "Send a shop what its buyers are told, as signed webhooks; print the signing secret once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("shop", help="the shop's code")
        parser.add_argument("url", help="https://… on the public internet")

    def handle(self, *args: Any, **options: Any) -> None:
        shop = Shop.objects.filter(code=options["shop"]).first()
        if shop is None:
            raise CommandError(_("There is no shop %(code)s.") % {"code": options["shop"]})
        try:
            made = endpoints.add(url=options["url"], shop_id=shop.pk, now=timezone.now())
        except Refusal as refusal:
            raise CommandError(str(refusal.detail)) from refusal
        self.stdout.write(made.secret)
