"""What a description lacks (C3), on descriptions as buyers write them."""

from __future__ import annotations

import pytest

from refunds.policy import GOODS_TYPES, REASONS
from refunds.policy.description import DESCRIPTION_TEXTS, NEEDS, PARTS, missing, wanted

S, G, A, V = PARTS
ONE_UNIT = ("goods",)  # an order with one unit, or with the units chosen
WITH_TARGET = ("goods", "account_or_server")

# reason, goods type, what the order gives, the description, what is missing
TABLE = [
    ("invalid_code", "card_code", ONE_UNIT, "坏了", (S, A)),
    ("invalid_code", "card_code", ONE_UNIT, "用不了", (S, A)),
    ("invalid_code", "card_code", ONE_UNIT, "", (S, A)),
    ("invalid_code", "card_code", ONE_UNIT, "什么垃圾东西，退钱！", (S, A)),
    ("invalid_code", "card_code", ONE_UNIT, "充值后游戏内提示“兑换码无效”，区服 艾欧尼亚，账号 abc123", ()),
    ("invalid_code", "card_code", ONE_UNIT, "兑换时提示卡密无效", (A,)),
    ("invalid_code", "card_code", ONE_UNIT, "显示已被使用，我的账号是 player_77", ()),
    ("invalid_code", "card_code", WITH_TARGET, "提示已过期", ()),
    ("invalid_code", "card_code", WITH_TARGET, "卡密有问题", (S,)),
    ("invalid_code", "card_code", (), "提示卡密无效，账号：小明同学", (G,)),
    ("invalid_code", "card_code", (), "第二张提示卡密无效，账号：小明同学", ()),
    ("invalid_code", "card_code", (), "三张都提示无效，UID 100234567", ()),
    ("invalid_code", "software_licence", ONE_UNIT, "激活时报错 0xC004F034", ()),
    ("invalid_code", "card_code", ONE_UNIT, "It doesn't work", (S, A)),
    ("invalid_code", "card_code", ONE_UNIT, "The code is broken, please refund", (S, A)),
    ("invalid_code", "card_code", ONE_UNIT, "The page says “code already redeemed”. Account: max_77", ()),
    ("invalid_code", "card_code", ONE_UNIT, "Steam says invalid, I tried it on the EU server", ()),
    ("invalid_code", "card_code", (), "Both codes are expired. user id 55021", ()),
    ("invalid_code", "card_code", (), "One is expired. user id 55021", (G,)),
    ("not_delivered", "direct_topup", ONE_UNIT, "付款三小时没有到账。", (A,)),
    ("not_delivered", "direct_topup", WITH_TARGET, "付款三小时没有到账。", ()),
    ("not_delivered", "direct_topup", WITH_TARGET, "怎么回事啊", (S,)),
    ("not_delivered", "direct_topup", ONE_UNIT, "话费一直没到，号码 13812345678", ()),
    ("not_delivered", "direct_topup", ONE_UNIT, "138****8000 一小时未到账", ()),
    ("not_delivered", "direct_topup", ONE_UNIT, "手机号 138****8000 一小时未到账", ()),
    ("not_delivered", "point_coupon", WITH_TARGET, "Nothing arrived after two hours", ()),
    ("not_delivered", "point_coupon", ONE_UNIT, "I haven't received anything yet", (A,)),
    ("not_delivered", "point_coupon", WITH_TARGET, "Where is it???", (S,)),
    ("short_delivered", "live_coins", WITH_TARGET, "少了 600 金币。", ()),
    ("short_delivered", "live_coins", WITH_TARGET, "只到了一半", ()),
    ("short_delivered", "live_coins", WITH_TARGET, "金额不对", (S,)),
    ("short_delivered", "live_coins", ONE_UNIT, "I only got 500 coins", (A,)),
    ("not_activated", "membership", WITH_TARGET, "激活页面打不开。", ()),
    ("not_activated", "membership", WITH_TARGET, "会员不行", (S,)),
    ("not_activated", "membership", WITH_TARGET, "The app won't activate it", ()),
    ("wrong_recharge", "direct_topup", WITH_TARGET, "充错号码了，想充 13900001111", ()),
    ("wrong_recharge", "point_coupon", WITH_TARGET, "区服选错了。", ()),
    ("wrong_recharge", "point_coupon", ONE_UNIT, "选错区了，应该充到二区", ()),
    ("wrong_recharge", "point_coupon", WITH_TARGET, "I picked the wrong server", ()),
    ("wrong_recharge", "point_coupon", WITH_TARGET, "oops", (S,)),
    ("not_as_described", "software_licence", ONE_UNIT, "激活后是企业版。", (V,)),
    ("not_as_described", "software_licence", ONE_UNIT, "页面写的是专业版，激活后是企业版。", ()),
    ("not_as_described", "account", ONE_UNIT, "段位不符。", (V,)),
    ("not_as_described", "account", ONE_UNIT, "不是钻石，实际是黄金，截图已上传", ()),
    ("not_as_described", "account", ONE_UNIT, "不好", (S, V)),
    ("not_as_described", "software_licence", ONE_UNIT, "The page says Pro but it shows Home", ()),
    ("unauthorized_purchase", "game_item", WITH_TARGET, "孩子用我手机买的。", (V,)),
    ("unauthorized_purchase", "game_item", WITH_TARGET, "账号被盗，请核查 11月20日 的登录记录", ()),
    (
        "unauthorized_purchase",
        "game_item",
        WITH_TARGET,
        "I did not buy this, please check the log of 20:15",
        (),
    ),
    ("seller_unreachable", "game_item", WITH_TARGET, "卖家三天不回复", ()),
    ("seller_unreachable", "game_item", WITH_TARGET, "退款", (S,)),
    ("seller_unreachable", "game_item", WITH_TARGET, "No reply for three days", ()),
    ("seller_fraud", "card_code", ONE_UNIT, "骗子", (V,)),
    ("seller_fraud", "card_code", ONE_UNIT, "卖家把我拉黑了，聊天记录在截图里", ()),
    ("platform_fault", "direct_topup", WITH_TARGET, "页面显示“成功”但没有到账。", ()),
    ("platform_fault", "direct_topup", WITH_TARGET, "你们系统有病", (S, V)),
    ("duplicate_charge", "card_code", ONE_UNIT, "扣了两次钱。", ()),
    ("duplicate_charge", "card_code", ONE_UNIT, "I was charged twice", ()),
    ("duplicate_charge", "card_code", ONE_UNIT, "钱不对", (S,)),
    ("no_fault", "card_code", (), "", ()),
    ("no_fault", "card_code", ONE_UNIT, "不想要了。", ()),
    ("other", "card_code", ONE_UNIT, "帮帮我", (S, V)),
    ("other", "card_code", ONE_UNIT, "Support says my order #5 shows an error, please verify", ()),
]


@pytest.mark.parametrize(("reason", "goods", "known", "text", "expected"), TABLE)
def test_description_lacks(
    reason: str, goods: str, known: tuple[str, ...], text: str, expected: tuple[str, ...]
) -> None:
    assert missing(reason, goods, text, known=known) == expected


@pytest.mark.parametrize("goods", GOODS_TYPES)
@pytest.mark.parametrize("reason", REASONS)
def test_what_the_order_has_is_never_asked_for(reason: str, goods: str) -> None:
    assert not {G, A} & set(missing(reason, goods, "", known=(G, A)))
    assert missing(reason, goods, "", known=PARTS) == ()


def test_every_reason_has_its_needs_and_every_part_its_words() -> None:
    assert set(NEEDS) == set(REASONS)
    assert set(DESCRIPTION_TEXTS) == {f"description.{part}" for part in PARTS}
    for part in PARTS:
        assert wanted(part, "zh-hans") != wanted(part, "en")
        assert wanted(part, "en").isascii()


def test_the_table_is_large_and_in_both_languages() -> None:
    english = [row for row in TABLE if row[3] and row[3].replace("“", "").replace("”", "").isascii()]
    assert len(TABLE) >= 40
    assert len(english) >= 15
    assert {part for row in TABLE for part in row[4]} == set(PARTS)
