"""Kinds of evidence (D1) with their group and an example a buyer can follow (D2).

None asks an ordinary user for operator back-end screens or logs: those the platform adds itself (D5).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Group = Literal["transaction", "goods", "breach", "person"]


class EvidenceKind(NamedTuple):
    code: str
    group: Group
    zh: str
    en: str
    example_zh: str
    example_en: str


EVIDENCE_KINDS: dict[str, EvidenceKind] = {
    row.code: row
    for row in (
        EvidenceKind(
            "order_screenshot",
            "transaction",
            "订单截图",
            "Order screenshot",
            "订单详情页，能看到订单号、商品和金额。",
            "The order page with number, product and amount in view.",
        ),
        EvidenceKind(
            "payment_proof",
            "transaction",
            "付款凭证",
            "Proof of payment",
            "支付应用的账单详情，能看到时间、金额和交易单号。",
            "The payment app's receipt with time, amount and transaction number.",
        ),
        EvidenceKind(
            "bank_statement",
            "transaction",
            "银行流水",
            "Bank statement",
            "显示两笔扣款的流水，卡号只留末四位。",
            "The lines with both charges; card number cut to its last four.",
        ),
        EvidenceKind(
            "error_screen",
            "goods",
            "报错画面",
            "Error screen",
            "兑换或登录时的完整报错提示，含时间。",
            "The whole message shown on redeeming or signing in, with the time.",
        ),
        EvidenceKind(
            "provider_statement",
            "goods",
            "官方未充值证明",
            "Provider's statement",
            "运营商或游戏官方客服出具的未到账记录。",
            "The operator's or publisher's own record that nothing was credited.",
        ),
        EvidenceKind(
            "unused_video",
            "goods",
            "未使用录屏",
            "Video of the unused state",
            "从打开页面到显示未使用状态的连续录屏。",
            "One unbroken recording from opening the page to the unused state.",
        ),
        EvidenceKind(
            "unactivated_state",
            "goods",
            "未激活状态截图",
            "Screenshot of the inactive state",
            "官方页面显示该卡密或授权尚未激活。",
            "The official page showing the code or licence as not activated.",
        ),
        EvidenceKind(
            "chat_record",
            "breach",
            "聊天记录",
            "Chat record",
            "与卖家的完整对话，含日期。",
            "The whole conversation with the seller, with dates.",
        ),
        EvidenceKind(
            "promise_page",
            "breach",
            "承诺页面截图",
            "Page with the promise",
            "购买时的商品页面，能看到所承诺的内容。",
            "The product page as you saw it, with the promised content in view.",
        ),
        EvidenceKind(
            "login_alert",
            "breach",
            "异常登录提醒",
            "Sign-in alert",
            "收到的异地或新设备登录短信、邮件。",
            "The message about a sign-in from a new place or device.",
        ),
        EvidenceKind(
            "profile_change",
            "breach",
            "资料变更记录",
            "Record of changed settings",
            "密码、手机号或邮箱被修改的通知。",
            "The notice that a password, phone or e-mail was changed.",
        ),
        EvidenceKind(
            "unknown_recipient",
            "breach",
            "陌生收货账号",
            "Unknown recipient",
            "订单中并非您本人的充值账号或区服。",
            "The account or server on the order that is not yours.",
        ),
        EvidenceKind(
            "identity",
            "person",
            "身份核验",
            "Identity check",
            "按页面提示完成核验，证件只供核验人员查看。",
            "Follow the check on screen; only verifiers see the document.",
        ),
        EvidenceKind(
            "other",
            "person",
            "其他材料",
            "Other material",
            "能说明情况的其他材料，并注明它证明什么。",
            "Anything else that helps, with a note on what it shows.",
        ),
    )
}
