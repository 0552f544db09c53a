"""Whether a buyer's description says what a person needs to judge it (C3). Too vague says what is missing.

Nothing the order has is asked for again, and nothing is refused for want of it: a description is a help, no form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Literal, get_args

Missing = Literal["symptom", "goods", "account_or_server", "what_to_verify"]
PARTS: tuple[Missing, ...] = get_args(Missing)

# What each reason needs said. A changed mind needs no words, and what our books show need not be told.
NEEDS: dict[str, frozenset[Missing]] = {
    "wrong_recharge": frozenset({"symptom", "goods", "account_or_server"}),
    "not_delivered": frozenset({"symptom", "goods", "account_or_server"}),
    "short_delivered": frozenset({"symptom", "goods", "account_or_server"}),
    "not_activated": frozenset({"symptom", "goods", "account_or_server"}),
    "invalid_code": frozenset({"symptom", "goods", "account_or_server"}),
    "no_fault": frozenset(),
    "platform_fault": frozenset({"symptom", "what_to_verify"}),
    "not_as_described": frozenset({"symptom", "goods", "what_to_verify"}),
    "duplicate_charge": frozenset({"symptom"}),
    "unauthorized_purchase": frozenset({"symptom", "what_to_verify"}),
    "seller_unreachable": frozenset({"symptom"}),
    "seller_fraud": frozenset({"symptom", "what_to_verify"}),
    "other": frozenset({"symptom", "goods", "what_to_verify"}),
}
# Goods that are credited to no account of the buyer's: the account is the goods, or a licence is for a machine.
WITHOUT_ACCOUNT = frozenset({"account", "software_licence"})

_QUOTED = r"“[^”]{2,}”|「[^」]{2,}」|\"[^\"]{3,}\"|‘[^’]{3,}’"
# What happened, in words another person could look for. “坏了”, “不行”, “doesn't work” are none.
_SYMPTOM = re.compile(
    _QUOTED
    + r"|提示|显示|报错|错误码?|失败|无效|过期|已?经?被(?:使用|兑换|激活|盗|封|冻结|拉黑|找回)|已(?:使用|兑换|激活|失效)|"
    r"(?:未|没有?|不|迟迟[未没]|还没|一直没)(?:到账|到|收到|充上|充到|充值成功|发货|发卡|给我|激活)|(?:少|缺)了?[^，。]{0,6}\d|只(?:到|有|给|收到)了?[^，。]{0,6}[\d一二三半]|"
    r"打不开|登(?:录|陆)?不(?:上|了|进)|闪退|黑屏|卡在|无法(?:激活|兑换|登录|登陆|充值|打开|绑定)|(?:激活|兑换|绑定|充值)不(?:了|上|成功)|"
    r"(?:扣|付|支付|收|刷)了?(?:两|2|二|三)[次笔遍]|重复(?:扣|付|支付|收)|多扣|(?:充|选|填|输|买)错|不符|不一样|不一致|不是[^，。]{1,12}(?:而)?是|"
    r"(?:变成|却是|实际是|结果是|激活后是)|被?盗|不是(?:我|本人)|(?:没有?|未)(?:买过|付过|下单|操作|授权)|孩子|小孩|"
    r"联系不上|不(?:回复|回消息|回我|理)|没人(?:回|理)|失联|拉黑|店铺?关|关店|跑路|骗|假货|假的|(?:发|给)的是|"
    r"\berror\b|\bsays\b|\bshows?\b|\binvalid\b|\bexpired\b|already (?:been )?(?:used|redeemed|activated|claimed)|"
    r"(?:\b(?:not|never|nothing)|n't)\b[^.,]{0,20}\b(?:arriv|credit|receiv|deliver|c[ao]me|show(?:n|ed)? up|reply|repl|answer|respond|order|buy|bought|mak|author|unlock)|"
    r"\bonly (?:got|received|\d)|\bmissing \d|\bshort (?:by|of)\b|\b(?:won't|can't|cannot|unable to|not able to) (?:open|activate|redeem|load|log|sign|reach|contact|bind)|"
    r"\bfail(?:s|ed)?\b|\bcrash|\bwrong (?:server|number|account|region|edition|phone)|\b(?:charged|paid|billed|taken) (?:me )?(?:twice|two times|2 times|double)|"
    r"\bdouble[- ]charged|\btwo (?:charges|payments)|\b(?:locked|banned|suspended)\b|\binstead of\b|\bdiffer|\bnot me\b|\bmy (?:son|daughter|child|kid)\b|"
    r"\b(?:stolen|hacked)\b|\bno (?:answer|reply|response)\b|\bblocked me\b|\bshop (?:is )?(?:closed|gone)\b|\bscam|\bfake\b"
)
_ACCOUNT = re.compile(
    r"(?:账号|帐号|账户|帐户|用户名|uid|\bid|角色名?|昵称|区服|服务器|大区|手机号?|号码|qq号?|微信号?)\s*(?:[:：=]|是|为|叫|\s)\s*[^\s，。,.]{2,}|"
    r"(?:账号|帐号|账户|帐户|用户名|uid|\bid|角色|手机号?|号码|qq号?|尾号)\s*[a-z0-9_@*.\-]{3,}|"
    r"[一-鿿a-z0-9]{1,8}(?:区|服)(?![务装])(?=[，。,.\s、的]|$)|(?<!\d)1[3-9]\d[\d*]{8}(?!\d)|[\w.+-]+@[\w-]+\.\w+|"
    r"\b(?:account|user ?name|user ?id|uid|player|character|phone|number|server|realm|region)\b(?: name| id| number)?\s*(?:[:#=]|\bis\b|\bnamed\b)\s*\S{2,}|"
    r"\b(?:account|user|uid|player|character|phone|number|server|realm)\s+[\w.@*-]*\d[\w.@*-]*|\b(?:na|eu|us|asia|sea|jp|kr|west|east)\b[\w ]{0,6} (?:server|realm|region)\b|"
    r"\b(?:server|realm) [a-z][\w']{3,}\b(?<!server error)(?<!server down)"
)
_WHICH_UNITS = re.compile(
    r"第[一二三四五六七八九十\d]+[张个份笔]|[一二三四五六七八九十两\d]+[张个份](?:都|全|均)?|全部|都(?:没|不|无|是)|所有|\ball\b|\bboth\b|\bevery\b|\bnone\b|\bnumber \d|#\d|\b(?:first|second|third|last) (?:one|code|card)"
)
_VERIFIABLE = re.compile(
    _QUOTED + r"|核实|核对|核查|查(?:一下|下|看|询|证|清|明)?(?!无)[^，。]{0,10}(?:记录|日志|流水|设备|登录|页面|到账|订单|聊天|时间|ip)|请(?:查|确认|对比|看|核)|截图|录屏|录像|视频|流水|记录|凭证|回执|"
    r"\d{1,2}[:：点]\d{0,2}|\d{1,2}月\d{1,2}|\d+(?:\.\d+)?\s*(?:元|块|rmb|cny|usd|¥)|[¥$]\s?\d|页面(?:写|说|标|承诺|显示)|商品(?:页|描述|介绍)|"
    r"\b(?:verify|check|confirm|compare|look (?:at|into|up))\b|\bscreenshot|\bstatement\b|\blogs?\b|\brecords?\b|\breceipt|\bvideo\b|\bpage (?:says|said|promised|shows)|\b\d{1,2}:\d{2}\b"
)  # fmt: skip

DESCRIPTION_TEXTS: dict[str, tuple[str, str]] = {
    "description.symptom": (
        "请写明具体情况：在哪一步、出现了什么提示、与应有的结果差在哪里。",
        "Say what happened: at which step, what the screen said, how it differs from what should be.",
    ),
    "description.goods": (
        "订单中有多件商品，请写明是哪几件。",
        "The order holds several units: say which of them it is about.",
    ),
    "description.account_or_server": (
        "请写明在哪个账号、区服或号码上使用。",
        "Say on which account, server or number it was used.",
    ),
    "description.what_to_verify": (
        "请写明希望我们核实什么：页面文字、时间、金额、记录或截图。",
        "Say what we should verify: words on a page, a time, an amount, a record or a screenshot.",
    ),
}


def missing(reason: str, goods_type: str, text: str, *, known: Collection[str] = ()) -> tuple[Missing, ...]:
    """Which PARTS the description lacks, in their order. `known` are those the order or a form field gives.

    A reason outside of the closed list is read as “other”.
    """
    needed = NEEDS.get(reason, NEEDS["other"]) - set(known)
    if goods_type in WITHOUT_ACCOUNT:
        needed -= {"account_or_server"}
    written = unicodedata.normalize("NFC", text).lower().replace("’", "'")
    return tuple(part for part in PARTS if part in needed and not _SAID[part].search(written))


def wanted(part: str, language: str) -> str:
    """What to add for a missing part, in "zh-hans" or "en"."""
    return DESCRIPTION_TEXTS[f"description.{part}"][language.lower().startswith("en")]


_SAID: dict[Missing, re.Pattern[str]] = {
    "symptom": _SYMPTOM,
    "goods": _WHICH_UNITS,
    "account_or_server": _ACCOUNT,
    "what_to_verify": _VERIFIABLE,
}
