from typing import Any

from django.core.management.base import BaseCommand, CommandError

from refunds.invariants import INVARIANTS, breaks


class Command(BaseCommand):
    help = "Check every invariant of the books and the cases; exit 1 with the list of breaks."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for invariant in INVARIANTS:
            found = breaks(invariant)
            self.stdout.write(f"{'ok    ' if not found else 'BROKEN'}  {invariant.name}: {invariant.law}")
            for row in found:
                self.stdout.write("          " + " ".join(str(value) for value in row))
            broken += len(found)
        if broken:
            raise CommandError(f"invariants={len(INVARIANTS)} breaks={broken}")
        self.stdout.write(f"invariants={len(INVARIANTS)} breaks=0")
