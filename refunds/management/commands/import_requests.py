import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.identity.models import User
from marketplace.intake.importers.files import CannotRead
from marketplace.kernel.management.progress import progress
from refunds.importing import import_file
from refunds.permissions import may_file


class Command(BaseCommand):
    help = "File refund requests from a file. Bad rows go to FILE.bad.csv; a second run files nothing twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="look at each row, and file nothing")
        parser.add_argument(
            "--by", default="", help="user name of the member of staff who answers for the file"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        path, dry_run = options["file"], options["dry_run"]
        user = _person(options["by"]) if options["by"] else None
        show, close = progress(path.name)
        try:
            summary = import_file(path, user=user, dry_run=dry_run, now=timezone.now(), progress=show)
        except CannotRead as error:
            raise CommandError(str(error)) from error
        finally:
            close()
        if summary.bad:
            self.stdout.write(_("Bad rows and their reasons: %(path)s") % {"path": f"{path}.bad.csv"})
        filed = "would_file" if dry_run else "filed"
        seconds = time.monotonic() - started
        self.stdout.write(
            f"{filed}={summary.filed} known={summary.known} bad={summary.bad} seconds={seconds:.1f}"
        )


def _person(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None or not may_file(user):
        raise CommandError(
            _("%(name)s is nobody who may file for a buyer: support, a reviewer or a supervisor may.")
            % {"name": username}
        )
    return user
