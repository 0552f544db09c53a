"""Tables of goods types (A1) and payment channels (B7, E10), and of currencies that do not have two
decimals."""

from __future__ import annotations

from typing import Literal, NamedTuple

WaitClass = Literal["wallet", "card", "bank"]


class GoodsType(NamedTuple):
    code: str
    zh: str
    en: str


class Channel(NamedTuple):
    code: str
    zh: str
    en: str
    wait_class: WaitClass


GOODS_TYPES: dict[str, GoodsType] = {
    row.code: row
    for row in (
        GoodsType("card_code", "游戏卡密", "Game card code"),
        GoodsType("direct_topup", "话费直充", "Phone top-up"),
        GoodsType("membership", "会员", "Membership"),
        GoodsType("point_coupon", "点券", "Game point coupon"),
        GoodsType("game_item", "游戏装备", "Game item"),
        GoodsType("account", "游戏账号", "Game account"),
        GoodsType("software_licence", "软件授权", "Software licence"),
        GoodsType("live_coins", "直播金币", "Live-stream coins"),
    )
}

CHANNELS: dict[str, Channel] = {
    row.code: row
    for row in (
        Channel("alipay", "支付宝", "Alipay", "wallet"),
        Channel("wechat_pay", "微信支付", "WeChat Pay", "wallet"),
        Channel("sandbox", "沙箱支付", "Sandbox", "wallet"),
        Channel("card", "银行卡", "Bank card", "card"),
        Channel("stripe", "Stripe 银行卡", "Stripe", "card"),
        Channel("bank_transfer", "银行转账", "Bank transfer", "bank"),
    )
}

# ISO 4217 minor-unit exponents; every currency not listed has two decimals.
EXPONENTS: dict[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND"), 0),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def exponent(currency: str) -> int:
    """Decimals of a currency's minor unit: 2 for CNY, 0 for JPY."""
    return EXPONENTS.get(currency, 2)


def wait_class(channel: str) -> WaitClass:
    """How long a payment may take to show (B7). A channel not in the table counts as a card."""
    row = CHANNELS.get(channel)
    return row.wait_class if row else "card"
