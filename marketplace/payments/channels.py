"""The payment channels, once: how long money takes to arrive and to come back (B7, E10)."""

from datetime import timedelta
from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _


class Channel(models.TextChoices):
    ALIPAY = "alipay", _("Alipay")
    WECHAT_PAY = "wechat_pay", _("WeChat Pay")
    CARD = "card", _("Bank card")
    BANK_TRANSFER = "bank_transfer", _("Bank transfer")
    STRIPE = "stripe", _("Stripe")
    SANDBOX = "sandbox", _("Sandbox")


class Facts(NamedTuple):
    refund_within: timedelta  # after the channel accepted it
    apart: timedelta  # between two refunds of one payment
    poll: tuple[timedelta, ...]  # when to ask what became of an accepted refund; the last wait repeats
    undone_within: timedelta  # how long a refund that arrived may still come back; watched by reconciliation


def _facts(*, days: float, apart: float, poll: tuple[float, ...], undone_days: int) -> Facts:
    """`apart` and `poll` in seconds."""
    return Facts(
        timedelta(days=days),
        timedelta(seconds=apart),
        tuple(timedelta(seconds=seconds) for seconds in poll),
        timedelta(days=undone_days),
    )


# Sources: the channels' refund documents (docs/channels.md).
FACTS: dict[str, Facts] = {
    Channel.ALIPAY: _facts(days=1, apart=3, poll=(10, 30, 60, 300, 1800), undone_days=15),
    Channel.WECHAT_PAY: _facts(days=1, apart=60, poll=(60, 240, 300, 600, 1200, 1800), undone_days=15),
    Channel.CARD: _facts(days=7, apart=0, poll=(60, 600, 3600), undone_days=30),
    Channel.BANK_TRANSFER: _facts(days=3, apart=0, poll=(3600,), undone_days=0),
    Channel.STRIPE: _facts(days=7, apart=0, poll=(10, 60, 600, 3600), undone_days=30),
    Channel.SANDBOX: _facts(days=1 / 288, apart=0, poll=(2, 10, 60), undone_days=1),
}
