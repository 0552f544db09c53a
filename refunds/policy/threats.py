"""Threats of a chargeback, court, police, the consumer hotline or the media in what a party wrote (F10).

A word alone is no threat: “12315 是什么？” asks, “不会起诉” denies, a “报警器” is goods. Read clause by clause; what is
found is quoted for the person who reads it, and decides nothing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

LONGEST_QUOTE = 120


class Threat(NamedTuple):
    kind: str  # chargeback | court | police | regulator | media
    words: str  # the clause, as it was written


_BANK = r"(?:银行|发卡行|信用卡|信用卡中心|支付宝|微信支付|微信|云闪付|paypal)"
_OFFICE = (
    r"(?:12315|12345|12300|消协|消保委|消费者协会|市场监管局?|市场监督管理局|市监局?|工商局?|工信部|网信办)"
)
_WEB = r"(?:网上|微博|抖音|小红书|朋友圈|论坛|贴吧|知乎|b站|各大平台)"

ZH: dict[str, tuple[str, ...]] = {
    "chargeback": (
        r"拒付", r"(?:申请|发起|要|去|提|提交|走|办|做|直接)[^？]{0,6}撤单",
        rf"{_BANK}[^？]{{0,4}}(?:申请|发起|提起|提交)了?[^？]{{0,4}}(?:争议|申诉|投诉)",
        rf"(?:找|让|去|向|到|打给|联系|通过|跟)[^？]{{0,4}}{_BANK}[^？]{{0,8}}(?:拒付|撤销|撤回|追回|争议|投诉|申诉|举报)",
        rf"投诉(?:到|给|至){_BANK}",
        rf"{_BANK}(?:投诉|拒付|争议)(?:你|见|吧|了)",
    ),
    "court": (
        r"起诉(?!书|状|书模板)", r"(?:上|去|告到|闹到|找)(?:法院|法庭)", r"(?:法院|法庭)见(?!证)", r"(?:当|等着|成为?)被告", r"打官司", r"(?:走|通过|采取|诉诸|启动)(?:法律|司法)", r"对簿公堂", r"(?:申请|提起|去)仲裁(?!中)",
        r"法律(?:途径|程序|手段)(?:解决|维权|处理|追)", r"(?:发|寄|收到|等着?)[^？]{0,3}律师函(?!模板)", r"(?:请|找|咨询|联系|委托)[^？]{0,3}律师", r"律师(?:会|在|已经?|马上|要)",
        r"追究[^？]{0,6}(?:法律)?责任", r"提起?诉讼", r"(?<![报广警转宣])告(?:你们?|你家|商家|卖家|平台|店家)(?!诉|一声|一下|知)",
    ),
    "police": (
        r"(?:报警|报案)(?!器|系统|灯|声|提示|回执|证明|记录|单|音)", r"报(?:公安|警方|派出所|网警|经侦)", r"(?:找|叫)(?:警察|公安|网警|派出所|经侦)",
        r"去(?:派出所|公安局?|经侦)", r"(?:派出所|公安局)(?:见|等)", r"(?:打|拨|拨打|叫)110(?!\d)", r"(?:向|跟|到)(?:公安|警方|警察|派出所|网警|经侦)[^？]{0,6}(?:举报|报|立案|说|反映)",
    ),
    "regulator": (
        # The hotline's number by itself, where it is not a part of an account or an order.
        r"^(?!.*(?:账号|帐号|订单号?|区服|密码|尾号|卡号|单号|id|uid)[:： ]*(?:12315|12345)).*?(?P<word>(?<!\d)12315(?!\d)|消协|消保委|消费者协会)",
        rf"(?<!\d){_OFFICE}(?!\d)[^？]{{0,6}}(?:投诉|举报|反映|告|维权|见|处理|介入)",
        rf"(?:打|找|去|向|到|跟|拨打|拨|告到|投诉到?|举报到?)[^？]{{0,4}}(?<!\d){_OFFICE}(?!\d)",
    ),
    "media": (
        r"曝光(?!过度|不足|度|补偿|率)", r"(?:找|联系|告诉|爆料给)[^？]{0,4}(?:媒体|记者|电视台)", r"(?:媒体|记者|电视台)(?:会|要|来|马上|就|已经?)[^？]{0,8}(?:报道|采访|曝)",
        r"让(?:大家|所有人|全网|网友)[^？]{0,4}(?:知道|看看|评评理)", r"黑猫(?:投诉)?(?:见|上|了|你|平台)?",
        rf"(?:发|挂|放|爆|晒)(?:帖)?[^？]{{0,2}}(?:到|上|在)?{_WEB}", rf"{_WEB}(?:见|上?曝|挂你)", r"3[·.]?15(?:晚会)", r"发帖(?:让|曝|避雷|骂|挂)",
    ),
}  # fmt: skip
EN: dict[str, tuple[str, ...]] = {
    "chargeback": (
        r"\bcharge-?backs?\b(?! (?:protection|rate|fee|policy|form))",
        r"\b(?:bank|card|card company|card issuer)\b[^?]{0,20}\bdisput",
        r"\bcharge(?:ing)?-?\s?back (?:this|the|it|your|my)\b",
        r"\bdisput(?:e|ing)\b[^?]{0,30}\bwith\b[^?]{0,10}\b(?:bank|card|paypal|amex|visa)",
        r"\bdispute (?:this|the|that) (?:charge|payment|transaction)\b",
        r"\b(?:paypal|bank|card|credit card|stripe) (?:dispute|claim|case|chargeback)\b(?! (?:form|number|page))",
        r"\b(?:my|your|the) bank will (?:reverse|dispute|claw|take|pull)",
        r"\b(?:call|contact|ask|tell|have|get)\b[^?]{0,6}\b(?:bank|card (?:company|issuer))\b[^?]{0,20}\b(?:reverse|dispute|cancel|claw|take|pull|refund)",
        r"\breverse the (?:charge|payment|transaction)\b",
    ),
    "court": (
        r"\bsue (?:you|your|the|this|them)\b", r"\b(?:will|gonna|going to|shall|to|'ll|can|could) sue\b", r"\bsuing\b",
        r"\b(?:my|a|our) (?:lawyer|attorney|solicitor)\b", r"\blegal (?:action|proceedings)\b", r"\b(?:take|taking)\b[^?]{0,12}\blegal steps\b",
        r"\b(?:see|take|taking|drag) you (?:in|to) court\b", r"\b(?:go|going|end|ends|meet) (?:up )?(?:to|in) court\b", r"\b(?:consumer|civil) court\b", r"\bsmall claims\b", r"\blawsuit\b", r"\blitigation\b",
    ),
    "police": (
        r"\b(?:call|contact|tell|inform|involv|report|go to|going to)\w*\b[^?]{0,10}\b(?:police|cops)\b",
        r"\b(?:report|reporting|reported)\b[^?]{0,25}\bto the (?:police|cops)\b", r"\bfil(?:e|ed|ing) a police report\b",
        r"\b(?:police|cops) (?:will|are|have|get|know)\b", r"\b(?:get|getting) the (?:police|cops)\b",
    ),
    "regulator": (
        r"\b(?:report|complain|fil(?:e|ed|ing)|contact|call|go|going|escalat|writ)\w*\b[^?]{0,40}\b(?:12315|consumer (?:protection|association|council|affairs)|trading standards|bbb|better business bureau|ftc|ombudsman|attorney general|market (?:supervision|regulation)|regulator)",
    ),
    "media": (
        r"\b(?:go|going|talk|talking|tell|telling|contact|contacting|report)\b[^?]{0,15}\b(?:the press|the media|newspapers?|journalists?|reporters?)\b",
        r"\b(?:post|shar|leav|put|spread|tell|writ)\w*\b[^?]{0,25}\b(?:all over|social media|twitter|reddit|weibo|tiktok|facebook|youtube|everywhere online)\b",
        r"\b(?:video|thread|review|article) about (?:you|this|your)\b",
        r"\bgo(?:ing)? public\b", r"\beveryone on (?:twitter|x|reddit|weibo|tiktok|facebook|youtube)\b",
        r"\bexpos(?:e|ing) you\b", r"\bgo(?:ing)? viral\b",
    ),
}  # fmt: skip

_PATTERNS = [
    (kind, re.compile(pattern), english)
    for table, english in ((ZH, False), (EN, True))
    for kind, patterns in table.items()
    for pattern in patterns
]
# What takes the threat out of a clause when it stands before the word.
_DENIED_ZH = re.compile(
    r"没有?$|(?:不会|不想|不打算|没打算|没想|没有要|没说要|无意|不是要|不至于|并非|不用|没必要|无需|不必|不愿意?|不准备|不需要|"
    r"(?:不要|别|请勿)(?!逼))[^，。]{0,6}$"
)
_DENIED_EN = re.compile(
    r"\b(?:not|don't|do not|won't|wouldn't|didn't|doesn't|never|no (?:need|intention|plans?|wish|reason)|without|rather not|instead of)\b"
    r"(?: \w+){0,5} ?$"
)
# A question about the thing itself; with one of PRESSING in it the question is rhetorical.
_EXPLAINED = re.compile(r"是什么|什么意思|多少|在哪|是[^，。]{1,8}吗|怎么(?:走|办|操作|申请|弄)")
_ASKED = re.compile(
    r"^(?:请问|想问|问一下|什么是|如何|怎么|是否|要不要|需要|需不需要|可以|能不能|是不是)|"
    r"^(?:what|how|is|does|do i|should i|must i|can i|may i|could i|did)\b"
)
_PRESSING = re.compile(r"才|难道|非要|非得|逼|是吧|or (?:do|should|must)|before you|to get")
# Told of somebody else, or of the evidence asked for.
_REPORTED_ZH = re.compile(
    r"(?:客服|卖家|商家|平台|你们|他们|对方)(?:却|还)?(?:说|让|叫|要求|建议|威胁)(?:我|要)?[^，。]{0,4}$"
)
_REPORTED_EN = re.compile(
    r"\b(?:seller|shop|support|you|they|he|she) (?:told|asked|advised|said|threatened)\b[^,]{0,20}$"
)
_CLAUSE = re.compile(r"[^，。！？；,!?;\n]+?(?=[，。！？；,!?;\n]|\.(?:\s|$)|$)([！？!?]?)")


def threats(text: str) -> list[Threat]:
    """Each clause that threatens, once for each kind, in the order of the text."""
    found: dict[tuple[str, str], Threat] = {}
    written = unicodedata.normalize("NFC", text).replace("’", "'")
    for clause in _CLAUSE.finditer(written):
        words = clause.group(0).strip(" .\t。！？!?")
        if not words:
            continue
        lowered = words.lower()
        is_question = clause.group(1) in ("？", "?") or words.endswith(("吗", "么", "呢"))
        for kind, pattern, english in _PATTERNS:
            hit = pattern.search(lowered)
            if hit and _is_meant(lowered, hit, is_question, english):
                found.setdefault((kind, words), Threat(kind, words[:LONGEST_QUOTE]))
    return list(found.values())


def _is_meant(clause: str, hit: re.Match[str], is_question: bool, english: bool) -> bool:
    before = clause[: hit.start("word" if "word" in hit.re.groupindex else 0)]
    denied, reported = (_DENIED_EN, _REPORTED_EN) if english else (_DENIED_ZH, _REPORTED_ZH)
    if denied.search(before) or reported.search(before):
        return False
    asks = _EXPLAINED.search(clause) or ((english or is_question) and _ASKED.search(clause))
    return not (asks and not _PRESSING.search(clause))
