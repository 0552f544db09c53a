"""For each kind of evidence one that was enough, and what is often sent and is not (requirement D2). Nobody's real case."""

from __future__ import annotations

from typing import NamedTuple


class Worked(NamedTuple):
    zh: str
    en: str


WORKED: dict[str, Worked] = {
    "order_screenshot": Worked(
        "够用：订单详情页完整截图，订单号、“100 元点券 × 1”和 98.00 元都看得清。不够：只截了商品图，看不到订单号。",
        "Enough: the whole order page; its number, “100 points × 1” and CNY 98.00 can be read. Not enough: the product's picture without the number.",
    ),
    "payment_proof": Worked(
        "够用：账单详情，11 月 3 日 20:14 付 98.00 元，交易单号完整。不够：只有“支付成功”的动画页。",
        "Enough: the receipt of 3 November 20:14 over CNY 98.00 with the whole transaction number. Not enough: the “paid” animation alone.",
    ),
    "bank_statement": Worked(
        "够用：同一天两笔 98.00 元扣款并排，卡号只留末四位。不够：只有一笔，或整张卡号外露（请先遮住）。",
        "Enough: two charges of CNY 98.00 on one day, side by side, the card cut to its last four. Not enough: one charge; a whole card number is to be covered first.",
    ),
    "error_screen": Worked(
        "够用：兑换页整屏，写着“兑换码无效（E1003）”，顶部有时间 20:31。不够：裁到只剩“失败”二字。",
        "Enough: the whole redeeming page with “invalid code (E1003)” and 20:31 at its top. Not enough: a cutting with the word “failed”.",
    ),
    "provider_statement": Worked(
        "够用：运营商客服回复“尾号 5678，11 月 3 日无到账记录”，带工单号。不够：自己写的“没到账”。",
        "Enough: the operator's answer “…5678: no credit on 3 November”, with its ticket. Not enough: one's own “nothing came”.",
    ),
    "unused_video": Worked(
        "够用：从打开游戏到库存页显示“未使用”，一镜到底约一分钟。不够：中间剪断，或只拍最后一屏。",
        "Enough: a minute without a cut, from opening the game to the page that says “unused”. Not enough: a cut in between, or the last screen alone.",
    ),
    "unactivated_state": Worked(
        "够用：官方查询页显示该序列号“未激活”，能看到查询日期。不够：卖家发来的同样截图。",
        "Enough: the publisher's page says “not activated” of that serial, with the date of asking. Not enough: the same picture sent on from the seller.",
    ),
    "chat_record": Worked(
        "够用：从询问到卖家答“明天补发”的完整对话，日期可见。不够：只截一句，看不出上下文。",
        "Enough: the talk from the question to the seller's “I send another tomorrow”, with dates. Not enough: one line without what went before.",
    ),
    "promise_page": Worked(
        "够用：购买时商品页写明“七天内未使用可退”，网址可见。不够：后来改过的页面。",
        "Enough: the product page as bought, with “unused within seven days: money back” and its address. Not enough: the page as it was changed later.",
    ),
    "login_alert": Worked(
        "够用：11 月 3 日 02:10 “新设备在外地登录”的短信整条。不够：没有时间的转述。",
        "Enough: the whole message “new device, another city”, 3 November 02:10. Not enough: it retold, without a time.",
    ),
    "profile_change": Worked(
        "够用：官方邮件写明 02:12 绑定手机被更换。不够：现在的设置页，看不出何时改的。",
        "Enough: the official mail that the phone was changed at 02:12. Not enough: the settings as they are now, which do not say when.",
    ),
    "unknown_recipient": Worked(
        "够用：订单上的充值账号与您本人账号页并排，可见不同。不够：只说“不是我的”。",
        "Enough: the account on the order beside your own account's page, and they differ. Not enough: the words “not mine” alone.",
    ),
    "identity": Worked(
        "够用：按提示在页面内拍摄，四角完整、不反光。不够：通过聊天发来的照片——请不要这样发送。",
        "Enough: taken in the page as it asks, all four corners, no glare. Not enough: a photo sent in the chat; please do not send it there.",
    ),
    "other": Worked(
        "够用：快递柜取件记录，并注明“证明当时我不在本地”。不够：没有任何说明的文件。",
        "Enough: a locker's record with the note “shows that I was elsewhere then”. Not enough: a file without a word on what it shows.",
    ),
}
