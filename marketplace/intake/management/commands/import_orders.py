import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.intake import shops
from marketplace.intake.importers.base import Options, names_file
from marketplace.intake.importers.files import CannotRead
from marketplace.intake.importers.run import FORMATS, import_file
from marketplace.kernel.management.progress import progress
from marketplace.orders.goods import GoodsType


class Command(BaseCommand):
    help = "Import orders from a file. Good rows go in, bad rows go to FILE.bad.csv; a second run changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", required=True, choices=sorted(FORMATS))
        parser.add_argument("--seller", required=True, help="code of the seller of all rows that name none")
        parser.add_argument("--shop", default="import", help="code of the shop the orders belong to")
        parser.add_argument("--goods-type", default=GoodsType.CARD_CODE, choices=GoodsType.values)
        parser.add_argument("--goods", type=Path, help="the shop's goods table as CSV: names for goods ids")
        parser.add_argument(
            "--pays", type=Path, help="the shop's payment methods as CSV: channels for their ids"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("seller", "shop"):
            if not 1 <= len(options[name].strip()) <= 64:
                raise CommandError(_("--%(name)s takes a code of 1 to 64 characters.") % {"name": name})
        started = time.monotonic()
        path: Path = options["file"]
        show, close = progress(path.name)
        try:
            with_names = Options(
                seller=options["seller"].strip(),
                now=timezone.now(),
                goods_type=options["goods_type"],
                goods=names_file(options["goods"], ("gd_name", "name", "title")) if options["goods"] else {},
                pays=names_file(options["pays"], ("pay_check", "code", "handle", "pay_name", "name"))
                if options["pays"]
                else {},
            )
            summary = import_file(
                path, options["format"], shops.get_or_add(options["shop"].strip()), with_names, progress=show
            )
        except CannotRead as error:
            raise CommandError(str(error)) from error
        finally:
            close()
        if summary.bad:
            self.stdout.write(_("Bad rows and their reasons: %(path)s") % {"path": f"{path}.bad.csv"})
        if summary.skipped:
            self.stdout.write(
                "skipped: " + " ".join(f"{why}={n}" for why, n in sorted(summary.skipped.items()))
            )
        seconds = time.monotonic() - started
        self.stdout.write(
            f"imported={summary.imported} known={summary.known} bad={summary.bad} seconds={seconds:.1f}"
        )
