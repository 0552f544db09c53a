from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from marketplace.payments.channels import Channel
from marketplace.payments.gateways.base import ChannelUnreachable, NoGateway
from marketplace.payments.operations.reconcile import due, reconcile, reconcile_due


class Command(BaseCommand):
    help = "Hold the channels' lists of refunds against our books; differences become breaks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--channel", choices=Channel.values, help="with --day: that one comparison")
        parser.add_argument("--day", type=date.fromisoformat, help="YYYY-MM-DD, Asia/Shanghai")

    def handle(self, *args: Any, **options: Any) -> None:
        channel, day, now = options["channel"], options["day"], timezone.now()
        if (channel is None) != (day is None):
            raise CommandError(
                "Give --channel and --day together, or neither: then all that is due is compared."
            )
        if channel:
            try:
                found = reconcile(channel=channel, day=day, now=now)
            except (ChannelUnreachable, NoGateway) as error:
                raise CommandError(f"No list of {channel} for {day}: {error}") from error
            self.stdout.write(f"days=1 matched={found.matched} breaks={found.breaks} unanswered=0")
            return
        with tqdm(total=len(due(now)), unit="day", disable=None) as bar:

            def told(channel: str, day: date) -> None:
                bar.set_postfix_str(f"{channel} {day}")
                bar.update()

            summary = reconcile_due(now, told)
        self.stdout.write(
            f"days={summary.days} matched={summary.matched} breaks={summary.breaks} unanswered={summary.unanswered}"
        )
