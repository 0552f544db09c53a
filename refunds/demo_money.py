"""The demo's money: sales settled, a withdrawal that waits, a payment disputed, a refund to be paid by hand.

Like the stories of demo.py it is made by the operations people and the machine would use.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from marketplace.identity.models import User
from marketplace.kernel.money import Money
from marketplace.orders.models import Order, Shop
from marketplace.payments.channels import Channel
from marketplace.payments.models import SandboxRefund, Transfer
from marketplace.payments.operations import seller_funds
from marketplace.payments.operations.payout import Payee
from marketplace.payments.operations.reconcile import reconcile
from marketplace.risk.models import Dispute
from sellers.models import Seller

from .operations import pay_by_hand
from .operations.dispute import open_dispute
from .operations.dispute_by_hand import open_by_hand
from .operations.settle import settle_due
from .operations.withdraw_funds import pay_withdrawal, request_withdrawal

DISPUTED, COMPLAINED = "电竞陪玩券", "月度会员"  # titles of demo.py


class Desk(NamedTuple):
    """Who works on money in the demo."""

    finance: User
    second_finance: User
    risk: User
    seller: User


def load(shop: Shop, desk: Desk, now: datetime) -> None:
    seller = Seller.objects.get(members__user=desk.seller)
    _put_aside(seller, desk, now - timedelta(days=10))
    settle_due(now - timedelta(days=2))
    _withdraw(desk, now)
    _dispute(shop, desk, now)
    _pay_by_hand(desk, now)
    _reconcile(now)


def _put_aside(seller: Seller, desk: Desk, at: datetime) -> None:
    seller_funds.take_deposit(
        seller=seller, amount=500_000, currency="CNY", bank_reference="ICBC-1001", user=desk.finance, now=at
    )
    seller_funds.fund_advance(
        amount=2_000_000, currency="CNY", bank_reference="ICBC-1000", user=desk.finance, now=at
    )


def _withdraw(desk: Desk, now: datetime) -> None:
    """One paid yesterday, one that waits for finance."""
    yesterday = now - timedelta(days=1)
    paid = request_withdrawal(user=desk.seller, amount=20_000, currency="CNY", now=yesterday)
    pay_withdrawal(number=paid.number, user=desk.finance, bank_reference="ICBC-1002", now=yesterday)
    request_withdrawal(user=desk.seller, amount=15_000, currency="CNY", now=now - timedelta(hours=2))


def _dispute(shop: Shop, desk: Desk, now: datetime) -> None:
    disputed, complained = (
        Order.objects.get(shop=shop, snapshot__title=title).captures.get() for title in (DISPUTED, COMPLAINED)
    )
    open_dispute(
        kind=Dispute.Kind.CHARGEBACK,
        channel=disputed.channel,
        channel_dispute_no="dp_demo_1",
        channel_no=disputed.channel_no,
        money=Money(disputed.amount, disputed.currency),
        reason="fraudulent",
        opened_at=now - timedelta(minutes=10),
        due_at=now + timedelta(days=7),
        now=now,
    )
    open_by_hand(
        user=desk.risk,
        channel=complained.channel,
        channel_dispute_no="2026112000001",
        channel_no=complained.channel_no,
        money=Money(complained.amount, complained.currency),
        reason="goods_not_received",
        due_at=now + timedelta(hours=20),
        note="买家在支付宝投诉未收到会员。",
        now=now,
    )


def _pay_by_hand(desk: Desk, now: datetime) -> None:
    """Of the refunds the channel refused, one is proposed to be paid by hand and waits for the second person."""
    refused = Transfer.objects.filter(state=Transfer.State.FAILED).order_by("id").first()
    if refused is not None:
        pay_by_hand.propose(
            transfer_number=refused.number,
            payee=Payee("王小明", "中国工商银行", "6222020200012345678"),
            note="买家的银行卡已销户，已核对身份。",
            user=desk.finance,
            now=now,
        )


def _reconcile(now: datetime) -> None:
    """Somebody refunded in the channel's own console: the comparison finds it."""
    SandboxRefund.objects.create(
        number="CONSOLE-20261", channel_no="unknown", amount=6_600, currency="CNY", succeeds_at=now
    )
    reconcile(channel=Channel.SANDBOX, day=timezone.localdate(timezone.now()), now=now)
