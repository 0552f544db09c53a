"""One file a channel behind one small protocol (base.py); `for_channel` picks the file."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from .base import Gateway, NoGateway

# By name, so that a process loads a channel's client library only when it speaks to that channel.
GATEWAYS = {
    "alipay": "marketplace.payments.gateways.alipay.Alipay",
    "wechat_pay": "marketplace.payments.gateways.wechat_pay.WechatPay",
    "stripe": "marketplace.payments.gateways.stripe.Stripe",
    "bank_transfer": "marketplace.payments.gateways.bank_transfer.BankTransfer",
}
SANDBOX = "marketplace.payments.gateways.sandbox.Sandbox"


def for_channel(channel: str) -> Gateway:
    """Raises NoGateway where neither keys nor the sandbox stand behind the channel."""
    if channel in settings.SANDBOX_ANSWERS_FOR:
        return _gateway(SANDBOX)
    if channel not in GATEWAYS:
        raise NoGateway(channel)
    return _gateway(GATEWAYS[channel])


@cache
def _gateway(path: str) -> Gateway:
    """One object a process: a client keeps its connections and its keys. Raises NoGateway where keys are missing."""
    gateway: Gateway = import_string(path)()
    return gateway
