"""What would turn a decision, in words, by key: (zh-hans, en). The other half of the table in `texts`."""

from __future__ import annotations

CHANGE_TEXTS: dict[str, tuple[str, str]] = {
    "change.payment": (
        "一份付款记录即可改变结果：{kinds}。",
        "A record of the payment would change this: {kinds}.",
    ),
    "change.capture": (
        "核对到该笔收款即可继续：{kinds}。",
        "Finding the payment would settle this: {kinds}.",
    ),
    "change.second_charge": (
        "显示第二笔扣款的记录即可退回：{kinds}。",
        "A record of the second charge would settle this: {kinds}.",
    ),
    "change.units": ("只为这些商品申请：{units}。", "File for these units alone: {units}."),
    "change.replacement": (
        "证明补发的商品也无法使用：{kinds}。",
        "Show that the replacement does not work either: {kinds}.",
    ),
    "change.completed": (
        "证明订单在 {completed_from_at} 或之后才完成的记录。",
        "A record that the order was completed on {completed_from_at} or later.",
    ),
    "change.paid_later": (
        "证明付款发生在 {paid_from_at} 或之后的记录。",
        "A record that payment was made on {paid_from_at} or later.",
    ),
    "change.delivered": (
        "证明商品在 {delivered_from_at} 或之后才交付的记录，或购买时没有该条件的页面。",
        (
            "A record that delivery was on {delivered_from_at} or later, or the page as you saw it without "
            "that condition."
        ),
    ),
    "change.extension": (
        "卖家书面同意在 {closes_at} 之后仍可退款的记录。",
        "A written promise by the seller to refund after {closes_at}.",
    ),
    "change.promo": (
        "证明赠送金币不是您使用的记录：{kinds}。也可按“非本人购买”申请，由专人判断。",
        (
            "A record that it was not you who spent the bonus coins: {kinds}. Filed as a purchase you did "
            "not make, it is judged by a person."
        ),
    ),
    "change.use": (
        "证明商品没有被使用的记录：{kinds}。",
        "A record that the goods were not used: {kinds}.",
    ),
    "change.login": (
        "说明该次登录并证明商品未被使用的记录：{kinds}。",
        "A record that explains the sign-in and shows the goods unused: {kinds}.",
    ),
    "change.not_credited": (
        "证明卡密没有到账的记录：{kinds}。",
        "A record that the code was never credited: {kinds}.",
    ),
    "change.fault": (
        "购买时承诺无理由退款的页面（{kinds}），或按商品的具体问题重新申请。",
        (
            "The page at purchase with a promise of no-reason refunds ({kinds}), or a new request under what "
            "is wrong with the goods."
        ),
    ),
    "change.amount": ("按不高于 {at_most} 的金额申请。", "File for no more than {at_most}."),
    "change.rate": (
        "订单当时 {currency} 对人民币的汇率。",
        "The rate of {currency} to CNY at the time of the order.",
    ),
    "change.limit": (
        "不高于 {machine_limit} 的金额可由系统直接决定。",
        "An amount of no more than {machine_limit} could be decided at once.",
    ),
    "change.wait": ("{may_file_at} 起即可申请。", "From {may_file_at} on it can be filed."),
    "change.identity": ("完成身份核验。", "A completed identity check."),
    "change.cleared": ("由专人核查并排除风险提示。", "A person's check that clears what was flagged."),
    "change.seller": (
        "卖家同意即可退款；卖家须在 {hours} 小时内答复，逾期由平台介入。",
        "The seller's agreement settles it; the seller has {hours} hours, after which the platform steps in.",
    ),
    "change.evidence": ("补充：{kinds}。", "Add: {kinds}."),
    "change.person": ("您可以请专人重新查看。", "You can ask a person to look at it again."),
}
