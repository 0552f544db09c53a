from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from refunds.machine import CLOCKS, EDGES, ON_OVERDUE, ON_OVERDUE_OF_CLOCK, State

PAGE = Path("docs/machine.md")


class Command(BaseCommand):
    help = "Write docs/machine.md from refunds/machine.py; --check fails when it is out of date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        path, page = settings.BASE_DIR / PAGE, draw()
        if options["check"]:
            if not path.exists() or path.read_text() != page:
                raise CommandError(f"{PAGE} is out of date: run `python manage.py draw_machine`.")
        else:
            path.write_text(page)
            self.stdout.write(f"{PAGE}: {len(State)} states, {len(EDGES)} edges")


def draw() -> str:
    lines = ["# The machine", "", "Drawn from `refunds/machine.py` by `python manage.py draw_machine`.", ""]
    lines += ["```mermaid", "stateDiagram-v2"]
    pairs: dict[tuple[str, str], list[str]] = {}
    for edge in EDGES:
        pairs.setdefault((edge.source or "[*]", edge.target), []).append(edge.event)
    lines += [f"    {source} --> {target}: {', '.join(events)}" for (source, target), events in pairs.items()]
    lines += ["```", "", "| from | event | to | by |", "|---|---|---|---|"]
    lines += [
        f"| {edge.source or '(new)'} | {edge.event} | {edge.target} | {', '.join(sorted(edge.by))} |"
        for edge in EDGES
    ]
    lines += ["", "| state | clock | when it runs out |", "|---|---|---|"]
    lines += [
        f"| {state} | {clock} | {ON_OVERDUE.get(state, 'shown as overdue')} |"
        for state, clock in CLOCKS.items()
    ]
    lines += [
        f"| {edge.source} | {clock} | {event} |"
        for clock, event in ON_OVERDUE_OF_CLOCK.items()
        for edge in EDGES
        if edge.event == event
    ]
    return "\n".join(lines) + "\n"
