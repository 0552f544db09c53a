"""What people read, by key: (zh-hans, en). Names in braces are facts of the finding; `render` formats them.

A text says what was found, the date or figure it rests on, and what the reader can do. Kept free of blame.
"""

from __future__ import annotations

from .change_texts import CHANGE_TEXTS

TEXTS: dict[str, tuple[str, str]] = {
    **CHANGE_TEXTS,
    "reason.person": (
        "“{reason}”由专人判断，不由系统决定，也无需先问卖家。您可以随时补充材料。",
        (
            "“{reason}” is judged by a person, not by the system, and the seller is not asked first. You can "
            "add material at any time."
        ),
    ),
    "reason.listed": ("申请原因：{reason}。", "Reason given: {reason}."),
    "paid.captured": (
        "已于 {paid_at} 付款，入账 {captured}。",
        "Paid on {paid_at}; {captured} is on our books.",
    ),
    "paid.by_shop": (
        "店铺告知已于 {paid_at} 付款，我方账上尚无该笔收款。",
        "The shop reports payment on {paid_at}; our books do not show it yet.",
    ),
    "paid.missing": (
        "该订单没有付款记录，无款可退。若您已付款，请上传付款凭证后重新申请。",
        (
            "No payment is recorded for this order, so there is nothing to return. If you did pay, file "
            "again with proof of payment."
        ),
    ),
    "records.complete": ("付款与交付记录齐全。", "Payment and delivery records are complete."),
    "records.no_capture": (
        "店铺称已付款，但我方账上没有收款记录，需由专人与支付渠道核对。上传付款凭证可加快处理。",
        (
            "The shop says the order was paid but our books show no payment; a person will check with the "
            "channel. Proof of payment speeds this up."
        ),
    ),
    "records.no_units": (
        "订单中没有可核对的商品记录，需由专人核实。",
        "No goods are recorded for this request; a person will check what was ordered.",
    ),
    "records.no_delivery": (
        "订单显示已完成，但缺少交付记录（商品 {units_without_delivery}）。举证由卖家承担，不影响您的申请。",
        (
            "The order is marked complete without a delivery record (unit {units_without_delivery}). It is "
            "for the seller to show it; this does not count against you."
        ),
    ),
    "duplicate.captures": (
        (
            "订单金额为 {total}，账上共有 {captures} 笔收款，其中 {duplicates} 笔为多收，应退 {amount}，"
            "原路退回。"
        ),
        (
            "The order came to {total}; our books show {captures} payments, {duplicates} of them beyond it. "
            "{amount} goes back by the road it came."
        ),
    ),
    "duplicate.single": (
        "账上没有可退的重复收款（共 {captures} 笔），将由专人与您的银行流水核对。请上传显示两笔扣款的流水。",
        (
            "Our books show no second payment left to return ({captures} in all); a person will compare your "
            "bank statement. Please upload the lines with both charges."
        ),
    ),
    "duplicate.none": (
        "这些商品此前没有退款或补发。",
        "These units have not been refunded or replaced before.",
    ),
    "duplicate.refunded": (
        "商品 {units_refunded} 已全额退款，同一商品不能再次退款。如有其他商品未退，请只选择那些商品申请。",
        (
            "Unit {units_refunded} has already been refunded in full and cannot be refunded twice. If others "
            "remain, file for those only."
        ),
    ),
    "duplicate.replaced": (
        "商品 {units_replaced} 已补发过，需由专人确认补发的商品是否可用。",
        "Unit {units_replaced} has been replaced; a person will check whether the replacement works.",
    ),
    "window.open": (
        "申请在期限内，期限至 {closes_at}。",
        "Filed in time; the window closes on {closes_at}.",
    ),
    "window.not_completed": (
        "订单尚未完成，退款期限还未开始计算。",
        "The order is not complete; its window has not begun.",
    ),
    "window.late": (
        (
            "退款须在订单完成后 {days} 天内申请：订单于 {completed_at} 完成，期限于 {closes_at} 截止，您于 "
            "{filed_at} 申请。如完成时间有误，可凭记录请专人复核。"
        ),
        (
            "Refunds are open for {days} days after completion: completed on {completed_at}, closed on "
            "{closes_at}, filed on {filed_at}. If the completion time is wrong, ask a person to look again "
            "with a record of it."
        ),
    ),
    "window.late_coins": (
        (
            "金币须在付款后 {hours} 小时内申请退款：{paid_at} 付款，期限于 {closes_at} 截止，您于 {filed_at} "
            "申请。如付款时间有误，可凭付款凭证请专人复核。"
        ),
        (
            "Coins can be refunded within {hours} hours of payment: paid on {paid_at}, closed on "
            "{closes_at}, filed on {filed_at}. If the payment time is wrong, ask a person to look again with "
            "proof of payment."
        ),
    ),
    "window.late_condition": (
        (
            "购买前页面载明须在交付后 {hours} 小时内申请：期限于 {closes_at} 截止，您于 {filed_at} 申请。"
            "如您购买时页面没有这一条件，可上传当时的页面请专人复核。"
        ),
        (
            "The page shown before purchase set {hours} hours after delivery: closed on {closes_at}, filed "
            "on {filed_at}. If your page did not say so, upload it and ask a person to look again."
        ),
    ),
    "window.late_right": (
        (
            "无理由退款的期限（商品承诺或当地法律规定的期限，以较晚者为准）已于 {closes_at} 截止，您于 "
            "{filed_at} 申请。如商品本身有问题，可按对应原因请专人复核。"
        ),
        (
            "The time to change your mind, promised or given by law, closed on {closes_at}; you filed on "
            "{filed_at}. If the goods themselves are at fault, ask a person to look again under that reason."
        ),
    ),
    "arrival_wait.early": (
        (
            "该支付方式到账需要一些时间：{paid_at} 付款，{may_file_at} 起可申请“未到账”。请先退出账号、"
            "关闭应用再重新登录查看；也可以让系统到时自动替您申请。"
        ),
        (
            "This way of paying needs a little time: paid on {paid_at}, non-arrival can be filed from "
            "{may_file_at}. Log out, close the app and log in again first; or let us file for you at that "
            "time."
        ),
    ),
    "arrival_wait.over": (
        "到账等待时间已于 {may_file_at} 结束，可以申请“未到账”。",
        "The time for arrival ended on {may_file_at}; non-arrival can be filed.",
    ),
    "usage.unused": ("商品未被查看，也没有使用记录。", "The goods were not opened and no use is recorded."),
    "usage.seen": (
        "卡密已于 {revealed_at} 查看；查看不等于使用，需由卖家确认。",
        "The code was opened on {revealed_at}. Opened is not used; the seller is asked to confirm.",
    ),
    "usage.used": (
        (
            "商品已于 {event_at} {event}（交付之后），已使用的商品不退。如非您本人操作或记录有误，"
            "请上传官方证明请专人复核。"
        ),
        (
            "The goods were {event} on {event_at}, after delivery; used goods are not refunded. If this was "
            "not you or the record is wrong, upload the provider's statement and ask a person to look again."
        ),
    ),
    "usage.mixed": (
        "部分商品已使用（{units_used}），其余未使用，需由专人区分。您也可以只为未使用的商品申请。",
        (
            "Some units were used ({units_used}) and others were not; a person will tell them apart. You can "
            "file for the others alone."
        ),
    ),
    "usage.suspected": (
        "{event_at} 有{event}记录，可能已被使用，需由专人核实。若非您本人，请说明并提供提醒或官方记录。",
        (
            "The account was {event} on {event_at}, which may mean use; a person will check. If it was not "
            "you, say so and add the alert or the provider's record."
        ),
    ),
    "usage.revealed_not_delivered": (
        "卡密已于 {revealed_at} 查看，而申请称未到账；两者需由专人核对，不会自动拒绝。",
        (
            "The code was opened on {revealed_at} while the claim is that nothing arrived; a person compares "
            "the two. It is not refused automatically."
        ),
    ),
    "usage.credited": (
        "已于 {delivered_at} 充入账户，之后的使用无法查看，需由卖家确认能否追回。",
        (
            "Credited on {delivered_at}; what happened after that cannot be seen, so the seller is asked "
            "whether it can be recovered."
        ),
    ),
    "usage.before_delivery": (
        "商品在交付给您之前已被使用，这不是您的使用。",
        "The goods had been used before they were delivered to you; that use is not yours.",
    ),
    "promo.untouched": ("赠送金币未被使用。", "No bonus coins were spent."),
    "promo.spent": (
        (
            "赠送金币已于 {spent_at} 使用；赠送部分一经使用，整笔不再退款。如非您本人使用，"
            "请提交证据请专人复核。"
        ),
        (
            "Bonus coins were spent on {spent_at}; once any of them is spent the purchase is not refunded. "
            "If it was not you, add evidence and ask a person to look again."
        ),
    ),
    "fault.claimed": (
        "责任尚未确定，需听取对方说明。",
        "Who is at fault is not settled yet; the other side is heard.",
    ),
    "fault.before_delivery": (
        "该商品在 {event_at} 已被{event}，早于 {delivered_at} 的交付；责任在卖家。",
        (
            "The goods were {event} on {event_at}, before their delivery on {delivered_at}; the seller is at "
            "fault."
        ),
    ),
    "fault.promise": (
        "商品承诺无理由退款，无需任何一方有过错。",
        "The product promised no-reason refunds; no fault is needed.",
    ),
    "fault.withdrawal": (
        "当地法律赋予撤回权，无需任何一方有过错。",
        "The law of the region grants withdrawal; no fault is needed.",
    ),
    "fault.small": ("小额且未使用，无需任何一方有过错。", "Small and unused; no fault is needed."),
    "fault.unmeasured": (
        "缺少汇率，无法判断是否属于小额，需由专人核实。",
        "Without an exchange rate it cannot be told whether the amount is small; a person will check.",
    ),
    "fault.none": (
        (
            "无理由退款须有商品承诺、当地法律规定，或小额且未使用；本单均不符合。如商品有问题，"
            "请按对应原因重新申请并附证据。"
        ),
        (
            "A change of mind is refunded where the product promised it, the law grants it, or the purchase "
            "is small and unused; none applies. If the goods are at fault, file again under that reason with "
            "evidence."
        ),
    ),
    "seller_promise.met": (
        "商品页面承诺 {days} 天无理由退款，有效至 {ends_at}。",
        "The product page promised {days} days of no-reason refunds, until {ends_at}.",
    ),
    "seller_promise.over": (
        "商品页面承诺的 {days} 天无理由退款已于 {ends_at} 截止，您于 {filed_at} 申请。",
        (
            "The {days} days of no-reason refunds promised on the page ended on {ends_at}; you filed on "
            "{filed_at}."
        ),
    ),
    "seller_promise.none": (
        "购买时的商品页面没有无理由退款的承诺。如您看到过承诺，请上传页面截图。",
        "The page at purchase promised no no-reason refunds. If you saw a promise, upload that page.",
    ),
    "region.met": (
        "您所在地区（{region}）的法律给予 {days} 天撤回权，有效至 {ends_at}。",
        "The law of your region ({region}) gives {days} days to withdraw, until {ends_at}.",
    ),
    "region.waived": (
        "您所在地区（{region}）有撤回权，但购买时已同意立即交付并确认因此失去撤回权。",
        (
            "Your region ({region}) grants withdrawal, but at purchase you agreed to immediate delivery and "
            "acknowledged losing it."
        ),
    ),
    "region.over": (
        "您所在地区（{region}）的 {days} 天撤回期已于 {ends_at} 截止，您于 {filed_at} 申请。",
        "The {days} days to withdraw in your region ({region}) ended on {ends_at}; you filed on {filed_at}.",
    ),
    "evidence.not_asked": ("无需提供证据。", "No evidence is asked."),
    "evidence.complete": ("所需证据已齐全。", "All evidence asked for is there."),
    "evidence.missing": (
        "还缺少：{kinds}。缺少证据不会导致自动拒绝，补充后更快有结果。",
        (
            "Still missing: {kinds}. Missing evidence never refuses a request; adding it brings an answer "
            "sooner."
        ),
    ),
    "amount.small": (
        "{amount} 低于 {small_below} 且未使用，可一键退款，无需证据。",
        "{amount} is below {small_below} and unused: refunded in one click, without evidence.",
    ),
    "amount.within": ("申请金额 {amount} 在可退范围内。", "The amount of {amount} can be refunded."),
    "amount.above_limit": (
        "{amount} 高于系统可自行批准的 {machine_limit}，须由专人批准。",
        "{amount} is above the {machine_limit} the system may approve by itself; a person must approve it.",
    ),
    "amount.nothing": (
        "申请金额须大于零。请填写金额后重新申请。",
        "The amount must be above zero. Enter it and file again.",
    ),
    "amount.over_units": (
        "申请金额 {amount} 超过所选商品尚可退的 {units_remaining}。请按不高于该金额重新申请。",
        (
            "{amount} is more than the {units_remaining} left on the chosen units. File again for no more "
            "than that."
        ),
    ),
    "amount.over_available": (
        "申请金额 {amount} 超过付款中尚未退回的 {available}。请按不高于该金额重新申请。",
        "{amount} is more than the {available} left of the payment. File again for no more than that.",
    ),
    "amount.no_rate": (
        "订单以外币计价而缺少汇率，无法与人民币限额比较，需由专人核实。",
        (
            "The order is in a foreign currency without a recorded rate, so it cannot be measured against "
            "limits in CNY; a person will check."
        ),
    ),
    "cross_border.verified": ("跨境订单，身份已核验。", "Cross-border order; identity is verified."),
    "cross_border.unverified": (
        "跨境订单在付款前须核验身份。请完成核验，完成后由专人处理。",
        "A cross-border order needs an identity check before payout. Complete it and a person will proceed.",
    ),
    "risk.none": ("没有风险提示。", "No risk signals."),
    "risk.signals": (
        "系统提示需要人工核查，由专人判断，不会自动拒绝。",
        "Something needs a person's eye; a person decides, and nothing is refused automatically.",
    ),
}
