"""The terms of a policy version in plain language: what a buyer and a seller may expect, a sentence a clause (J1)."""

from __future__ import annotations

from collections.abc import Iterator

from .goods import GOODS_TYPES
from .render import money
from .terms import Terms

# clause -> (Chinese, English); the names are filled in from the terms.
SENTENCES: dict[str, tuple[str, str]] = {
    "B6.days": (
        "订单完成后 {window_days} 天内可以申请退款；商品页面可另行承诺 {window_min_days} 至 {window_max_days} 天。逾期自动拒绝。",
        "A refund may be asked for within {window_days} days of completion; a product page may promise {window_min_days} "
        "to {window_max_days} days. Later requests are rejected.",
    ),
    "B6.hours": (
        "付款后 {window_hours} 小时内可以申请退款。逾期自动拒绝。",
        "A refund may be asked for within {window_hours} hours of payment. Later requests are rejected.",
    ),
    "B3": (
        "已激活、兑换、使用、赠送或消费的商品不予退款。",
        "What was activated, redeemed, used, given away or spent is not refunded.",
    ),
    "B3.promo": (
        "赠送币一经消费即不可退款；赠送币在发放后 {promo_min} 至 {promo_max} 天到期。",
        "Once bonus coins are spent there is no refund; bonus coins expire {promo_min} to {promo_max} days after they "
        "were granted.",
    ),
    "B5": (
        "到账后无法看到使用情况；充错号码只有在尚未到账或服务商确认可追回时才能退款。",
        "Once delivered, its use cannot be seen: a wrong number is refunded while it is undelivered or the provider can "
        "take it back.",
    ),
    "B7": (
        "未到账申请须等待：钱包支付 {wallet} 分钟，银行卡 {card} 分钟，银行转账 {bank} 分钟。",
        "Before non-delivery is claimed a payment has {wallet} minutes by wallet, {card} minutes by card and {bank} "
        "minutes by bank transfer to arrive.",
    ),
    "B8": (
        "低于 {small_below} 且未使用的订单可一键退款，无需证据，原路退回。",
        "An unused order below {small_below} is refunded with one click, without evidence, to where it was paid from.",
    ),
    "B8.limit": (
        "高于 {machine_limit} 的退款不会由系统自动批准。",
        "No refund above {machine_limit} is approved by the machine.",
    ),
    "B10": (
        "下列地区的法律赋予撤回权：自付款起 {withdrawal_days} 天，除非买家已明确同意立即交付并知悉因此失去该权利：{regions}。",
        "The law grants withdrawal for {withdrawal_days} days from payment, unless the buyer agreed to immediate delivery "
        "and acknowledged that it ends this right, in: {regions}.",
    ),
    "E3": (
        "卖家须在 {seller_hours} 小时内答复；逾期由平台直接介入，且视为对卖家不利。",
        "The seller answers within {seller_hours} hours; silence brings the platform in at once and counts against the "
        "seller.",
    ),
    "E5": (
        "人工审核一般在 {review_days} 个工作日内完成。",
        "A person usually decides within {review_days} working days.",
    ),
    "F7": (
        "高于 {two_person_above} 的退款须由两人审批。",
        "A refund above {two_person_above} needs two persons.",
    ),
    "F8": (
        "仲裁一般在 {arbitration_days} 个工作日内作出裁决。",
        "Arbitration usually rules within {arbitration_days} working days.",
    ),
    "G4": (
        "订单完成后货款由平台保管 {escrow_days} 天，再结算给卖家。",
        "The platform holds the money for {escrow_days} days after completion, and pays it to the seller then.",
    ),
}


def plain(terms: Terms, language: str) -> list[dict[str, str]]:
    """`[{"clause": "B6", "text": ...}]` in "zh-hans" or "en"; any other language reads as zh-hans."""
    english = language.lower().startswith("en")
    facts = _facts(terms, english)
    return [
        {"clause": key.split(".")[0], "text": SENTENCES[key][english].format_map(facts)}
        for key in _which(terms)
    ]


def goods_name(goods_type: str, language: str) -> str:
    row = GOODS_TYPES[goods_type]
    return row.en if language.lower().startswith("en") else row.zh


def _which(terms: Terms) -> Iterator[str]:
    yield "B6.hours" if terms.window_hours_from_payment else "B6.days"
    yield "B3"
    if terms.promo:
        yield "B3.promo"
    if terms.credited_on_delivery:
        yield "B5"
    yield from ("B7", "B8", "B8.limit")
    if terms.withdrawal.regions:
        yield "B10"
    yield from ("E3", "E5", "F7", "F8", "G4")


def _facts(terms: Terms, english: bool) -> dict[str, object]:
    def yuan(fen: int) -> str:
        return money(fen, "CNY", english)

    return {
        "window_days": terms.window_days,
        "window_min_days": terms.window_min_days,
        "window_max_days": terms.window_max_days,
        "window_hours": terms.window_hours_from_payment,
        "promo_min": terms.promo and terms.promo.expires_min_days,
        "promo_max": terms.promo and terms.promo.expires_max_days,
        "wallet": terms.waits.wallet_minutes,
        "card": terms.waits.card_minutes,
        "bank": terms.waits.bank_minutes,
        "small_below": yuan(terms.small_below),
        "machine_limit": yuan(terms.machine_limit),
        "two_person_above": yuan(terms.two_person_above),
        "withdrawal_days": terms.withdrawal.days,
        "regions": (", " if english else "、").join(sorted(terms.withdrawal.regions)),
        "seller_hours": terms.clocks.seller_reply_hours,
        "review_days": terms.clocks.review_working_days,
        "arbitration_days": terms.clocks.arbitration_working_days,
        "escrow_days": terms.escrow_hold_days,
    }
