"""Write the .mo files that Django reads from the .po files that people write."""

from typing import Any

from django.core.management.base import BaseCommand

from marketplace.kernel.management import catalogue


class Command(BaseCommand):
    help = "Compile locale/*/LC_MESSAGES/*.po."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        written = catalogue.compile_all()
        if options["verbosity"]:
            self.stdout.write(f"{len(written)} catalogues compiled")
