"""One process's share of a back-test; run_backtests starts as many as there are cores."""

import gc
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from refunds.operations.judge_parts import judge_parts


class Command(BaseCommand):
    help = "Judge parts of a running back-test until none is left."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int, help="number of the back-test")

    def handle(self, *args: Any, run: int, **options: Any) -> None:
        # What is made from here on holds no cycles; the collector would go through all of it, over and over.
        gc.disable()
        judge_parts(run_id=run, clock=timezone.now)
