import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from marketplace.kernel.money import Money
from marketplace.orders.models import Order
from refunds.operations.settle import settle_due


class Command(BaseCommand):
    help = "Settle to the sellers what they have earned: orders completed, hold passed, nothing contested."

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        with tqdm(
            desc="orders", total=Order.objects.count(), disable=None
        ) as bar:  # none where nobody watches
            summary = settle_due(timezone.now(), progress=bar.update)
        sums = " + ".join(str(Money(amount, currency)) for currency, amount in sorted(summary.sums.items()))
        line = (
            f"looked_at={summary.looked_at} settled={summary.settled} failed={summary.failed}"
            f" sum={sums or 0} seconds={time.monotonic() - started:.1f}"
        )
        if summary.failed:
            raise CommandError(f"{line}; the causes are in the log")
        self.stdout.write(line)
