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


FACTS: dict[str, Facts] = {
    Channel.ALIPAY: Facts(timedelta(days=1)),
    Channel.WECHAT_PAY: Facts(timedelta(days=1)),
    Channel.CARD: Facts(timedelta(days=7)),
    Channel.BANK_TRANSFER: Facts(timedelta(days=3)),
    Channel.STRIPE: Facts(timedelta(days=7)),
    Channel.SANDBOX: Facts(timedelta(minutes=5)),
}
