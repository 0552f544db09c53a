"""Every term that a policy version has, once: its name and unit in both languages, its group, and whom more of it serves.

The editor's form, the differences between versions and the words of a refused term are made from this table; bounds
are those of `terms.Terms`. A term without a row fails a test.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from .reasons import REASONS
from .terms import Terms

Unit = Literal[
    "seconds", "minutes", "hours", "working_hours", "days", "working_days", "percent", "yuan", "hundredths",
    "fee", "currency", "yes_no", "bearer", "regions", "kinds",
]  # fmt: skip
# Which way a term is kinder to the buyer; "" where it serves neither, or depends.
Kinder = Literal["more", "less", ""]

UNITS: dict[Unit, tuple[str, str]] = {
    "seconds": ("秒", "s"),
    "minutes": ("分钟", "min"),
    "hours": ("小时", "h"),
    "working_hours": ("工作小时", "working h"),
    "days": ("天", "days"),
    "working_days": ("个工作日", "working days"),
    "percent": ("%", "%"),
    "yuan": ("元", "CNY"),
    "hundredths": ("%", "%"),  # kept in hundredths of a percent, said in percent
    "fee": ("按所选币种", "in its currency"),
    "currency": ("币种代码", "currency code"),
    "yes_no": ("是或否", "yes or no"),
    "bearer": ("承担方", "who bears it"),
    "regions": ("地区代码", "region codes"),
    "kinds": ("证据种类", "kinds of evidence"),
}
WHOLE_NUMBERS = frozenset({"seconds", "minutes", "hours", "working_hours", "days", "working_days", "percent"})
BEARERS: dict[str, tuple[str, str]] = {"seller": ("卖家", "Seller"), "platform": ("平台", "Platform")}

GROUPS: dict[str, tuple[str, str]] = {
    "window": ("申请期限", "Window"),
    "waits": ("到账等待", "Waits for arrival"),
    "amounts": ("金额界限", "Limits of amount"),
    "rights": ("法定撤回权", "Rights by law"),
    "promo": ("赠送币", "Bonus coins"),
    "evidence": ("所需证据", "Evidence needed"),
    "answers": ("答复时限", "Time to answer"),
    "review": ("审核时限", "Time to decide"),
    "payout": ("退款到账", "Money back"),
    "peak": ("高峰期", "Peaks"),
    "seller": ("卖家结算与费用", "Settlement and fees"),
}


class Term(NamedTuple):
    path: str
    group: str
    unit: Unit
    zh: str
    en: str
    kinder: Kinder = ""
    help_zh: str = ""
    help_en: str = ""

    def label(self, language: str) -> str:
        return self.en if language.startswith("en") else self.zh

    def help(self, language: str) -> str:
        return self.help_en if language.startswith("en") else self.help_zh

    def unit_name(self, language: str) -> str:
        return UNITS[self.unit][language.startswith("en")]

    def of(self, terms: Mapping[str, Any]) -> Any:
        """Its value in terms as JSON; None where it is not set."""
        value: Any = terms
        for name in self.path.split("."):
            value = None if value is None else value.get(name)
        return value


TERMS: dict[str, Term] = {
    row.path: row
    for row in (
        Term(
            "window_days", "window", "days", "申请期限", "Window after completion", "more",
            "订单完成后多少天内可以申请；须在下面两个界限之间。",
            "Days after completion in which a refund may be asked for; between the two bounds below.",
        ),
        Term(
            "window_min_days", "window", "days", "商品页承诺下限", "Least a product page may promise", "more",
        ),
        Term(
            "window_max_days", "window", "days", "商品页承诺上限", "Most a product page may promise", "more",
        ),
        Term(
            "window_hours_from_payment", "window", "hours", "自付款起的小时数", "Hours from payment instead",
            "more",
            "填写后以此代替上面的天数（直播金币）；留空则按天数。",
            "Where set it takes the place of the days above (coins); left empty the days count.",
        ),
        Term(
            "credited_on_delivery", "window", "yes_no", "到账即视为使用", "Counts as used once delivered", "less",
            "适用于直充：到账后无法看到使用情况。",
            "For top-ups: once delivered, use cannot be seen.",
        ),
        Term("waits.wallet_minutes", "waits", "minutes", "钱包支付", "Paid by wallet", "less"),
        Term("waits.card_minutes", "waits", "minutes", "银行卡支付", "Paid by card", "less"),
        Term("waits.bank_minutes", "waits", "minutes", "银行转账", "Paid by bank transfer", "less"),
        Term(
            "small_below", "amounts", "yuan", "一键退款上限（不含）", "One click below", "more",
            "低于此金额且未使用的订单一键退款，无需证据。",
            "An unused order below it is refunded with one click, without evidence.",
        ),
        Term(
            "machine_limit", "amounts", "yuan", "系统自动批准上限", "Approved by the machine up to", "more",
        ),
        Term(
            "two_person_above", "amounts", "yuan", "高于此金额须两人审批", "Two persons above", "",
            "三个金额须依次递增。",
            "The three amounts must rise.",
        ),
        Term(
            "withdrawal.regions", "rights", "regions", "赋予撤回权的地区", "Regions whose law grants withdrawal", "more",
            "每个地区两个大写字母（ISO 3166，欧盟为 EU），以空格或逗号分隔。",
            "Two capital letters each (ISO 3166; EU for the union), by spaces or commas.",
        ),
        Term("withdrawal.days", "rights", "days", "撤回权天数", "Withdrawal from payment", "more"),
        Term(
            "promo.expires_min_days", "promo", "days", "到期下限", "Expire no earlier than", "more",
            "不发放赠送币的商品，两项均留空。",
            "Leave both empty for goods that come without bonus coins.",
        ),
        Term("promo.expires_max_days", "promo", "days", "到期上限", "Expire no later than", "more"),
        Term("clocks.precheck_seconds", "review", "seconds", "系统预审", "Pre-check by the machine", "less"),
        Term("clocks.seller_reply_hours", "answers", "hours", "卖家答复", "Answer of the seller", "less"),
        Term("clocks.buyer_reply_hours", "answers", "hours", "买家答复", "Answer of the buyer", "more"),
        Term(
            "clocks.promise_max_days", "answers", "days", "卖家承诺最长", "Longest promise of a seller", "less",
        ),
        Term("clocks.evidence_hours", "answers", "hours", "补充证据", "To give evidence", "more"),
        Term("clocks.appeal_days", "answers", "days", "可申诉期", "To appeal in", "more"),
        Term(
            "clocks.first_reply_working_hours", "review", "working_hours", "首次人工回复（工作时间）",
            "First word of a person, in working hours", "less",
        ),
        Term(
            "clocks.first_reply_off_hours", "review", "hours", "首次人工回复（非工作时间）",
            "First word of a person, else", "less",
        ),
        Term("clocks.review_working_days", "review", "working_days", "人工审核", "Decision by a reviewer", "less"),
        Term(
            "clocks.complaint_verdict_hours", "review", "hours", "投诉结论", "Verdict on a complaint", "less",
        ),
        Term("clocks.double_charge_hours", "review", "hours", "重复扣款", "Charged twice", "less"),
        Term("clocks.technical_fault_days", "review", "days", "技术故障", "Technical fault", "less"),
        Term("clocks.theft_days", "review", "days", "盗用", "Theft", "less"),
        Term("clocks.complex_days", "review", "days", "复杂案件", "Complex case", "less"),
        Term(
            "clocks.mass_fault_days", "review", "days", "大规模故障", "Fault that hits many", "less",
            "也是延期的上限。",
            "Also the most a clock can be put off by.",
        ),
        Term("clocks.arbitration_working_days", "review", "working_days", "仲裁", "Arbitration", "less"),
        Term(
            "clocks.appeal_working_days", "review", "working_days", "申诉处理", "Decision on an appeal", "less",
        ),
        Term(
            "clocks.progress_notice_hours", "review", "hours", "进度通知间隔", "Word of progress at least every", "less",
        ),
        Term(
            "clocks.payout_wallet_days", "payout", "days", "退回钱包", "Back to a wallet", "less",
        ),
        Term(
            "clocks.payout_card_working_days", "payout", "working_days", "退回银行卡", "Back to a card", "less",
        ),
        Term(
            "clocks.peak_min_percent", "peak", "percent", "高峰期时限下限", "Least that clocks run at", "less",
            "150 即延长一半。",
            "150 is half as long again.",
        ),
        Term("clocks.peak_max_percent", "peak", "percent", "高峰期时限上限", "Most that clocks run at", "less"),
        Term(
            "escrow_hold_days", "seller", "days", "完成后保管", "Hold after completion", "",
            "之后货款结算给卖家。",
            "After it the money is the seller's.",
        ),
        Term("commission_bps", "seller", "hundredths", "佣金", "Commission", "", "不对外公布。", "Not public."),
        Term("chargeback_fee.amount", "seller", "fee", "拒付手续费", "Fee of a chargeback"),
        Term("chargeback_fee.currency", "seller", "currency", "手续费币种", "Currency of that fee"),
        Term("chargeback_fee.borne_by", "seller", "bearer", "手续费承担方", "That fee is borne by"),
        *(
            Term(f"evidence.{row.code}", "evidence", "kinds", row.zh, row.en, "less")
            for row in REASONS.values()
        ),
    )
}  # fmt: skip
# What each seller has agreed with the marketplace is between the two.
NOT_PUBLIC = frozenset({"commission_bps"})


def put(terms: dict[str, Any], path: str, value: Any) -> None:
    """Set one term; the part it stands in is made where there is none (promo)."""
    *parts, name = path.split(".")
    for part in parts:
        if terms.get(part) is None:
            terms[part] = {}
        terms = terms[part]
    terms[name] = value


def completed(terms: Mapping[str, Any]) -> dict[str, Any]:
    """With the terms that nobody knew when they were published, as they count since."""
    whole = Terms.model_validate(terms).model_dump(mode="json")
    found = copy.deepcopy(dict(terms))
    for term in TERMS.values():
        if term.of(found) is None and (value := term.of(whole)) is not None:
            put(found, term.path, value)
    return found


def carry_over(
    base: Mapping[str, Any], draft: Mapping[str, Any], newest: Mapping[str, Any]
) -> dict[str, Any]:
    """The newest terms, with those in their place that the draft has other than its base."""
    terms = copy.deepcopy(dict(newest))
    for term in TERMS.values():
        if (value := term.of(draft)) != term.of(base):
            put(terms, term.path, value)
    return without_empty_parts(terms)


def without_empty_parts(terms: dict[str, Any]) -> dict[str, Any]:
    """Bonus coins of which nothing is said are no bonus coins."""
    promo = terms.get("promo")
    if promo is not None and all(value is None for value in promo.values()):
        terms["promo"] = None
    return terms
