"""A small shop's week, made by the program's own operations: orders taken in, requests filed, answered, judged.

Nothing here writes a state: each case gets where it is by the moves people and the machine would make.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from marketplace.identity.models import Buyer
from marketplace.intake.operations import take_order
from marketplace.intake.records import BuyerRecord, EventRecord, OrderRecord, PaymentRecord, UnitRecord
from marketplace.kernel.money import Money
from marketplace.orders.models import Order, Shop

from .demo_steps import (
    People,
    agree,
    agree_only,
    appeal,
    arbitrate,
    ask,
    chat,
    key,
    offer_part,
    promise,
    propose,
    refuse,
    reject,
)
from .models import RefundRequest
from .operations import decide, file, pay


class Story(NamedTuple):
    """An order and what became of it. `ago` is the time since payment; events are (type, time after payment)."""

    title: str
    goods_type: str
    fen: int
    ago: timedelta
    events: tuple[tuple[str, timedelta], ...] = (("delivered", timedelta(minutes=2)),)
    buyer: str = "u-1001"
    seller: str = "S-0001"
    channel: str = "alipay"
    quantity: int = 1
    captures: int = 1
    reason: str = ""  # none: nobody asked for anything
    says: str = ""
    after: timedelta = timedelta(hours=2)  # from payment to filing
    steps: tuple[Callable[[RefundRequest, People, datetime], Any], ...] = ()


H, D, M = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
DELIVERED = ("delivered", 2 * M)

STORIES = (
    Story("原神 创世结晶 300 卡密", "card_code", 2980, 5 * H, reason="not_activated", says="买错了，还没看卡密。"),
    Story("Steam 充值卡 ¥45", "card_code", 4500, 26 * H, reason="no_fault", says="不想要了。", buyer="u-1002"),
    Story("王者荣耀 点券 100 元", "point_coupon", 10000, 8 * H, (DELIVERED, ("revealed", 10 * M)),
          reason="invalid_code", says="兑换时提示“卡密无效”。"),
    Story("话费直充 100 元 · 138****8000", "direct_topup", 10000, 3 * H, (), channel="card",
          reason="not_delivered", says="付款三小时没有到账。", buyer="u-1003"),
    Story("视频会员 · 年卡（7 天无理由）", "membership", 19800, 4 * D, reason="no_fault", says="重复买了。",
          buyer="u-1002", channel="wechat_pay"),
    Story("游戏点卡 500 元", "card_code", 50000, 2 * D, (DELIVERED, ("revealed", 5 * M), ("redeemed", 9 * M)),
          reason="invalid_code", says="说已经被使用过。", buyer="u-1004"),
    Story("直播金币 6000", "live_coins", 60000, 20 * H, (DELIVERED, ("spent", 30 * M)), reason="short_delivered",
          says="少了 600 金币。", buyer="u-1003"),
    Story("Windows 11 专业版 授权", "software_licence", 29900, 30 * H, (DELIVERED, ("revealed", 4 * M)),
          reason="not_as_described", says="激活后是企业版。", steps=(chat,)),
    Story("账号租用 · 钻石段位", "account", 128000, 3 * D, (DELIVERED, ("revealed", 3 * M), ("logged_in", 8 * M)),
          reason="not_as_described", says="段位不符。", buyer="u-1004"),
    Story("点券 2888 · 大区自选", "point_coupon", 288800, 28 * H, reason="wrong_recharge", says="区服选错了。",
          steps=(agree_only,), buyer="u-1002"),
    Story("游戏装备 · 屠龙刀", "game_item", 560000, 2 * D, reason="unauthorized_purchase",
          says="孩子用我手机买的。", steps=(propose,), buyer="u-1003"),
    Story("音乐会员 · 季卡", "membership", 6800, 50 * H, (DELIVERED, ("revealed", 2 * M)), reason="not_activated",
          says="激活页面打不开。", steps=(agree,)),
    Story("手游礼包码", "card_code", 8800, 49 * H, (DELIVERED, ("revealed", 2 * M)), reason="invalid_code",
          says="提示已过期。", steps=(refuse,), buyer="u-1004"),
    Story("手游礼包码 · 豪华版（含限定皮肤、坐骑、称号与 30 天双倍经验，适用全部安卓渠道服）", "card_code", 16800, 70 * H,
          (DELIVERED, ("revealed", 2 * M)), reason="invalid_code", says="兑换失败。", steps=(refuse, ask)),
    Story("海外点卡 $20", "card_code", 14800, 60 * H, (DELIVERED, ("revealed", 2 * M)), reason="invalid_code",
          says="提示无效。", steps=(refuse, reject), channel="stripe"),
    Story("网游月卡", "card_code", 9900, 6 * H, captures=2, reason="duplicate_charge", says="扣了两次钱。",
          channel="wechat_pay"),
    Story("话费慢充 30.71 元", "direct_topup", 3071, 9 * H, (), reason="not_delivered", says="一直没到。",
          buyer="u-1003"),
    Story("平台代充 · 648", "direct_topup", 64800, 40 * H, (), reason="platform_fault", says="页面显示成功但没有到账。"),
    Story("点卡组合 10 张", "card_code", 30000, 5 * H, quantity=3, reason="not_activated", says="三张都没有激活。",
          seller="S-0002", buyer="u-1002"),
    Story("影视会员 · 半年卡", "membership", 12800, 30 * H, (DELIVERED, ("revealed", 3 * M)), reason="not_as_described",
          says="画质与页面承诺不符。", steps=(offer_part,)),
    Story("流量包 30 GB", "direct_topup", 5900, 20 * H, (), reason="not_delivered", says="运营商查询没有到账。",
          steps=(promise,), buyer="u-1002"),
    Story("端游点卡 200 元", "card_code", 20000, 4 * D, (DELIVERED, ("revealed", 4 * M)), reason="invalid_code",
          says="卡密提示已被兑换，不是我用的。", steps=(refuse, reject, appeal)),
    Story("游戏账号 · 全皮肤", "account", 168000, 5 * D, (DELIVERED, ("revealed", 6 * M)), reason="not_as_described",
          says="少了二十个皮肤。", steps=(refuse, arbitrate), buyer="u-1004"),
    Story("云游戏时长 30 小时", "card_code", 12800, 6 * D),
    Story("手游月卡 · 至尊", "membership", 19800, 8 * D, seller="S-0002"),
    Story("点券 1000 · 全区通用", "point_coupon", 100000, 9 * D, buyer="u-1004"),
    Story("电竞陪玩券", "game_item", 5800, 30 * M),
    Story("月度会员", "membership", 2500, 12 * H),
    Story("Q 币 50 个", "point_coupon", 5000, 20 * H, (DELIVERED, ("revealed", 2 * M)), seller="S-0002"),
)  # fmt: skip


def load(shop: Shop, people: People, now: datetime) -> int:
    """Play every story; return how many. Payments are real captures, so the sandbox really pays back."""
    for number, story in enumerate(STORIES, start=1):
        paid_at = now - story.ago
        order = _take(shop, story, number, paid_at)
        if story.reason:
            _play(order, story, people, paid_at + story.after, now)
    return len(STORIES)


def _play(order: Order, story: Story, people: People, filed_at: datetime, now: datetime) -> None:
    filed_at = min(filed_at, now - M)
    request = _file(order, story, filed_at)
    decide.precheck(request.pk, filed_at)
    pay.pay(request.number, filed_at)
    for step in story.steps:
        filed_at = min(filed_at + 3 * H, now)
        step(request, people, filed_at)


def _file(order: Order, story: Story, now: datetime) -> RefundRequest:
    outcome = file.file_request(
        buyer_id=order.buyer_id,
        filing=file.Filing(order.no, story.reason, description=story.says),
        key=key(),
        present=lambda request, _units: {"number": request.number},
        now=now,
    )
    return RefundRequest.objects.get(number=outcome.answer["number"])


def _take(shop: Shop, story: Story, number: int, paid_at: datetime) -> Order:
    external_no = f"DEMO-{number:04}"
    per_capture = Money(story.fen, "CNY")
    record = OrderRecord(
        external_no=external_no,
        seller_code=story.seller,
        buyer=BuyerRecord(
            story.buyer, "CN", f"{story.buyer}@example.com", "13800000000", "d-1", "203.0.113.7"
        ),
        goods_type=story.goods_type,
        snapshot={
            "sku": f"sku-{number}",
            "title": story.title,
            "page_text": "数字商品，付款后自动发货。卡密一经查看视为已交付。",
            "terms": {
                "window_days": 15,
                "no_reason_days": 7 if "无理由" in story.title else 0,
                "conditions": [],
            },
        },
        quantity=story.quantity,
        total=Money(story.fen, "CNY"),
        fx_rate=None,
        target={"account": "player-1001", "server": "一区"},
        consent=None,
        payments=tuple(
            PaymentRecord(story.channel, f"{external_no}-P{i}", per_capture, paid_at + i * M)
            for i in range(story.captures)
        ),
        units=tuple(_unit(story, external_no, str(i + 1), paid_at) for i in range(story.quantity)),
        placed_at=paid_at - M,
        paid_at=paid_at,
        completed_at=paid_at + 3 * M if story.events else None,
    )
    take_order(shop=shop, record=record, key=None, now=paid_at)
    return Order.objects.get(shop=shop, external_no=external_no)


def _unit(story: Story, external_no: str, ref: str, paid_at: datetime) -> UnitRecord:
    has_code = story.goods_type in ("card_code", "point_coupon", "software_licence", "membership")
    return UnitRecord(
        ref=ref,
        secret=f"{external_no}-{ref}-7KQ2-M9XA" if has_code else None,
        paid_coins=6000 if story.goods_type == "live_coins" else None,
        promo_coins=600 if story.goods_type == "live_coins" else None,
        events=tuple(
            EventRecord(kind, paid_at + after, f"evt-{i}", {"promo": True} if kind == "spent" else {})
            for i, (kind, after) in enumerate(story.events)
        ),
    )


def main_buyer(shop: Shop) -> Buyer:
    return Buyer.objects.get(source=shop.code, external_id="u-1001")
