"""Keep the Chinese catalogue in step with the sources (`make messages`; CI runs it with --check)."""

from typing import Any

from django.core.management import CommandError, CommandParser
from django.core.management.base import BaseCommand

from marketplace.kernel.management import catalogue


class Command(BaseCommand):
    help = "Bring locale/zh_Hans up to date with the sources; translations are kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail where something is missing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            catalogue.write(catalogue.merged())
        faults = catalogue.faults()
        for fault in faults:
            self.stderr.write(fault)
        if faults and options["check"]:
            raise CommandError(
                f"{len(faults)} faults in {catalogue.path()}. Run: make messages, and translate."
            )
        total = len(catalogue.messages(catalogue.current()))
        self.stdout.write(f"{total} texts, {len(faults)} to translate or correct")
